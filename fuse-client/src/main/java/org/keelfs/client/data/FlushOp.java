package org.keelfs.client.data;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.data.RunSplitter.ChunkRun;

/**
 * A dirty run on its way to the nodes. Its frames do not change while it is under way, so that it
 * can be encrypted again for another epoch.
 */
final class FlushOp {
    final FilePages file;
    final ChunkRun where;
    final long from;

    /** One per sector; owned by this operation where the page does not share it any more. */
    final int[] frames;

    /** Ends when the outcome is entered in the pages. */
    final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();

    /** Set by the sender, once. */
    long deadlineNs;

    FlushOp(FilePages file, ChunkRun where, long from, int[] frames) {
        this.file = file;
        this.where = where;
        this.from = from;
        this.frames = frames;
    }

    int count() {
        return frames.length;
    }

    long end() {
        return from + frames.length;
    }
}

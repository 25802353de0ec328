package org.keelfs.client.data;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.data.RunSplitter.ChunkRun;
import org.keelfs.client.quorum.ChunkIo.Chunk;
import org.keelfs.client.quorum.ChunkIo.ReadValues;

/**
 * Sectors on their way from the nodes into the cache. Guarded by its file's lock where nothing else
 * is said.
 */
final class FetchOp {
    final FilePages file;
    final ChunkRun where;
    final long from;
    final long end;

    /** Ends when the sectors are in the cache, or with the failure. */
    final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();

    /** Encrypted bytes, when they came. Set before the operation is shown to anybody else. */
    CompletableFuture<Arrived> arrived = new CompletableFuture<>();

    /** Whoever sets it decrypts. */
    final AtomicBoolean claimed = new AtomicBoolean();

    /** Sectors written or dropped since it began: what the nodes say of them is old. */
    private final long[] outdated = new long[RunSplitter.RUN_SECTORS_MAX / Long.SIZE];

    /**
     * An answer of the nodes.
     *
     * @param chunk null when there is no such chunk
     * @param values null when there is no such chunk
     */
    record Arrived(@Nullable Chunk chunk, @Nullable ReadValues values) {}

    FetchOp(FilePages file, ChunkRun where, long from) {
        this.file = file;
        this.where = where;
        this.from = from;
        this.end = from + where.run().count();
    }

    boolean overlaps(long otherFrom, long otherEnd) {
        return from < otherEnd && otherFrom < end;
    }

    void outdate(long otherFrom, long otherEnd) {
        for (long at = Math.max(from, otherFrom); at < Math.min(end, otherEnd); at++) {
            int index = (int) (at - from);
            outdated[index >> 6] |= 1L << index;
        }
    }

    boolean isOutdated(int index) {
        return (outdated[index >> 6] >>> index & 1) != 0;
    }
}

package org.keelfs.client.quorum;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.wire.proto.MetadataProto.Layout;
import org.keelfs.wire.proto.MetadataProto.LayoutWant;

/** Where layouts come from: the metadata server, by way of client.meta. */
public interface Layouts {
    /** Layouts in the order of the wants, in one call. Fails with an FsException. */
    CompletableFuture<List<Layout>> layouts(List<LayoutWant> wants);

    /** Reports a chunk OPEN in an epoch; false when the epoch is not current any more. */
    CompletableFuture<Boolean> sealed(ChunkId chunk, long epoch);

    /** The mount's session number, for timestamps. */
    long session();

    /** Counters for timestamps: never twice in a session, whatever threads do. */
    default long nextCounter() {
        return nextCounterAbove(0);
    }

    /** The next counter that is greater than {@code seen}. */
    long nextCounterAbove(long seen);

    /** Server time now, milliseconds since 1970: capabilities expire by it. */
    long serverTimeMs();

    /**
     * Whether this inode's WRITE lease is still held, so that a retry under a new epoch is allowed
     * (R6).
     */
    boolean mayRewrite(InodeId inode);

    /** Whether a lease is held now under which a layout may be asked for: WRITE, or any. */
    boolean isLeased(InodeId inode, boolean forWriting);
}

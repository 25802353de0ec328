package org.keelfs.register;

import java.util.List;
import org.keelfs.model.ChunkId;

/**
 * What a replica makes durable: one entry of the node's log, all or nothing. Records carry the
 * resulting state absolutely, so that recovery is a replay in log order without any decision; which
 * version of a sector counts is decided by that order, never by the greater timestamp.
 */
public sealed interface ReplicaRecord {
    /**
     * A promise, or a seal by hint: no sector changes, fixes staged for an epoch below the promise
     * are dropped. With status DAMAGED all sectors and all staged fixes go; p stays (R12).
     */
    record State(ChunkId chunk, ReplicaState state) implements ReplicaRecord {}

    /**
     * Sectors of a WRITE, already cut to those that win; later puts of one record replace earlier
     * ones. Fixes staged for an epoch below the state's promise are dropped.
     */
    record Put(ChunkId chunk, ReplicaState state, List<ValueRun> values) implements ReplicaRecord {}

    /** Fixes kept unseen for an INSTALL in this epoch; they add to those staged before for it. */
    record Stage(ChunkId chunk, ReplicaState state, long epoch, List<ValueRun> fixes)
            implements ReplicaRecord {}

    /** All staged fixes are dropped: an INSTALL found that they do not give its digest. */
    record Unstage(ChunkId chunk) implements ReplicaRecord {}

    /**
     * An INSTALL: what was staged for {@code state.sealed()} in its order, then the fixes, each
     * replacing what is there; a fix with timestamp zero and no payload removes its sectors. All
     * staged is dropped.
     */
    record Install(ChunkId chunk, ReplicaState state, List<ValueRun> fixes)
            implements ReplicaRecord {}

    /** The chunk was given away: all sectors and staged fixes go, (id, p) stays. */
    record Tombstone(ChunkId chunk, ReplicaState state) implements ReplicaRecord {}

    /** The chunk is forgotten with all it had. */
    record Drop(ChunkId chunk) implements ReplicaRecord {}

    /** The node's floor (R11) rises to this epoch. */
    record Floor(long epoch) implements ReplicaRecord {}
}

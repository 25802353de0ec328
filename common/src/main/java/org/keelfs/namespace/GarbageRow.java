package org.keelfs.namespace;

import org.keelfs.model.ChunkId;
import org.keelfs.model.ReplicaSet;

/**
 * A chunk that nothing refers to any more and that nodes have yet to forget.
 *
 * @param chunk its id
 * @param fence whether it is fenced first: an evicted session could still reach it (R11)
 * @param fencedEpoch epoch of that fence once it stands at a majority, 0 before and where none is
 *     needed
 * @param epoch the chunk's last epoch
 * @param replicas nodes that still may hold it
 */
public record GarbageRow(
        ChunkId chunk, boolean fence, long fencedEpoch, long epoch, ReplicaSet replicas) {
    static GarbageRow of(ChunkRow chunk) {
        return new GarbageRow(chunk.id(), chunk.exposed(), 0, chunk.epoch(), chunk.replicas());
    }

    /** Ready to be dropped under this epoch. */
    public GarbageRow withFence(long fenceEpoch) {
        return new GarbageRow(chunk, fence, fenceEpoch, epoch, replicas);
    }

    /** The nodes that are left; with none left the row is deleted instead. */
    public GarbageRow withReplicas(ReplicaSet left) {
        return new GarbageRow(chunk, fence, fencedEpoch, epoch, left);
    }
}

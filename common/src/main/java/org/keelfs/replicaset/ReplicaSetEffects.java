package org.keelfs.replicaset;

import org.keelfs.model.ChunkId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.register.RoundEffects;

/** What a change of a replica set may do. */
public interface ReplicaSetEffects extends RoundEffects<ReplicaSetOutcome> {
    /**
     * Commits (set, epoch) in the metadata log, unless the epoch is no longer the chunk's current
     * one or the old set is no longer in force (R9); the answer comes as {@link
     * ReplicaSetChange#onCommit}.
     */
    void commit(ChunkId chunk, ReplicaSet from, ReplicaSet to, long epoch);
}

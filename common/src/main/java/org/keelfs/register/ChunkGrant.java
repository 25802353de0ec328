package org.keelfs.register;

import org.keelfs.model.ChunkId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.model.SessionId;

/**
 * What a layout answer gives a session: one chunk in one epoch.
 *
 * @param whole all sectors of the chunk
 * @param session who it was given to
 */
public record ChunkGrant(
        ChunkId chunk, long epoch, ReplicaSet set, SectorRun whole, Mode mode, SessionId session) {
    /** What the lease on the file allows. */
    public enum Mode {
        /** Read; nobody writes in this epoch. */
        READ,
        /** Read and write; nobody else does either in this epoch. */
        WRITE,
        /** Read and write by the rounds of R8, as others may. */
        SHARED
    }
}

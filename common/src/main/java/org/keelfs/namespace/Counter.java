package org.keelfs.namespace;

/** Numbers that the metadata server draws or keeps; each is one row of {@link Tables}. */
public enum Counter {
    /** Last inode number drawn. */
    INODE,
    /** Last chunk id drawn. */
    CHUNK,
    /** Last session id drawn. */
    SESSION,
    /**
     * Last epoch reserved; the server draws from ranges that it reserves here (DESIGN section 4).
     */
    EPOCH,
    /** Last storage node number drawn. */
    NODE,
    /** Last volume number drawn. */
    VOLUME,
    /** Inodes that exist, orphans included. */
    LIVE_INODES,
    /** Chunks that exist, without those in the garbage queue. */
    LIVE_CHUNKS,
    /** Sessions up to this number that are not on record count as evicted ({@link Evicted}). */
    EVICTED_FLOOR
}

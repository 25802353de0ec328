package org.keelfs.lock;

/** Locks of different kinds do not see each other (flock(2)). */
public enum LockKind {
    /**
     * fcntl(2) byte ranges, of processes and of open file descriptions (OFD): to the file system
     * they differ in their owner only.
     */
    POSIX,
    /** flock(2): the whole file. */
    FLOCK
}

package org.keelfs.lease;

import org.keelfs.model.InodeId;

/**
 * What a request needs of one inode before it goes on.
 *
 * @param inode the inode
 * @param kind what
 */
public record LeaseNeed(InodeId inode, Kind kind) {
    /** What is needed, and whether it stays. */
    public enum Kind {
        /** A READ lease, granted. */
        READ,
        /** A WRITE lease, granted. */
        WRITE,
        /**
         * For one moment, no lease of any other session: a command is applied. Nothing is granted.
         */
        CLEAR
    }

    public static LeaseNeed read(InodeId inode) {
        return new LeaseNeed(inode, Kind.READ);
    }

    public static LeaseNeed write(InodeId inode) {
        return new LeaseNeed(inode, Kind.WRITE);
    }

    public static LeaseNeed clear(InodeId inode) {
        return new LeaseNeed(inode, Kind.CLEAR);
    }
}

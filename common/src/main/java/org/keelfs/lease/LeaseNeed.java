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
        CLEAR,
        /**
         * Only to look at attributes: a READ lease, or nothing where the inode is SHARED by others,
         * who go on.
         */
        LOOK,
        /** A READ lease, or SHARED where the inode is or is to be. */
        READ_OR_SHARED,
        /** A WRITE lease, or SHARED where the inode is or is to be. */
        WRITE_OR_SHARED,
        /** As CLEAR, for commands that a holder of SHARED may give beside other holders of it. */
        STORE;

        /** Whether nothing is granted, and others are kept off until the command is applied. */
        public boolean isCommand() {
            return this == CLEAR || this == STORE;
        }

        /** Whether the asker can do with SHARED. */
        public boolean isShareable() {
            return this == READ_OR_SHARED || this == WRITE_OR_SHARED;
        }

        /** What is needed where nothing is shared. */
        LeaseMode alone() {
            return switch (this) {
                case READ, LOOK, READ_OR_SHARED -> LeaseMode.READ;
                case WRITE, WRITE_OR_SHARED, CLEAR, STORE -> LeaseMode.WRITE;
            };
        }
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

    public static LeaseNeed look(InodeId inode) {
        return new LeaseNeed(inode, Kind.LOOK);
    }

    public static LeaseNeed store(InodeId inode) {
        return new LeaseNeed(inode, Kind.STORE);
    }
}

package org.keelfs.client.vfs;

/**
 * Flags of open(2) as Linux numbers them (asm-generic/fcntl.h), and those of fallocate(2) and
 * rename(2).
 */
final class OpenFlags {
    static final int ACCESS_MASK = 3;
    static final int READ_ONLY = 0;
    static final int WRITE_ONLY = 1;
    static final int EXCLUSIVE = 0x80;
    static final int TRUNCATE = 0x200;
    static final int APPEND = 0x400;
    static final int DATA_SYNC = 0x1000;
    static final int DIRECT = 0x4000;
    static final int NO_ATIME = 0x40000;
    static final int SYNC = 0x101000;

    static final int FALLOC_KEEP_SIZE = 1;
    static final int FALLOC_PUNCH_HOLE = 2;
    static final int FALLOC_ZERO_RANGE = 16;

    static final int SEEK_DATA = 3;
    static final int SEEK_HOLE = 4;

    private OpenFlags() {}

    static boolean writes(int flags) {
        return (flags & ACCESS_MASK) != READ_ONLY;
    }
}

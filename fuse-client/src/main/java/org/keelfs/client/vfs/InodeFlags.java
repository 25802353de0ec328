package org.keelfs.client.vfs;

import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Attributes;

/**
 * What immutable and append-only files refuse on the data path, also to root. The kernel does not
 * know the flags of a FUSE inode, so it cannot refuse these itself; what changes names or
 * attributes is refused by the commands.
 */
final class InodeFlags {
    /** FS_IMMUTABLE_FL of FS_IOC_SETFLAGS. */
    private static final int IMMUTABLE = 0x10;

    /** FS_APPEND_FL of FS_IOC_SETFLAGS. */
    private static final int APPEND_ONLY = 0x20;

    /** FS_NOATIME_FL of FS_IOC_SETFLAGS. */
    private static final int NO_ATIME = 0x80;

    private InodeFlags() {}

    /** may_open of fs/namei.c. */
    static void requireMayOpen(Attributes attributes, int flags) {
        boolean truncates = (flags & OpenFlags.TRUNCATE) != 0;
        boolean writes = OpenFlags.writes(flags) || truncates;
        boolean overwrites = truncates || (flags & OpenFlags.APPEND) == 0;
        boolean refused =
                has(attributes, IMMUTABLE) || (has(attributes, APPEND_ONLY) && overwrites);
        if (writes && refused) {
            throw new FsException(Errno.EPERM);
        }
    }

    /** A file that was made immutable takes nothing from handles opened before, as on ext4. */
    static void requireMayWrite(Attributes attributes) {
        if (has(attributes, IMMUTABLE)) {
            throw new FsException(Errno.EPERM);
        }
    }

    /** vfs_fallocate of fs/open.c: to an append-only file room may be added and no more. */
    static void requireMayAllocate(Attributes attributes, int mode) {
        boolean more = (mode & ~OpenFlags.FALLOC_KEEP_SIZE) != 0;
        if (has(attributes, IMMUTABLE) || (has(attributes, APPEND_ONLY) && more)) {
            throw new FsException(Errno.EPERM);
        }
    }

    static boolean keepsNoAccessTime(Attributes attributes) {
        return has(attributes, NO_ATIME);
    }

    private static boolean has(Attributes attributes, int flag) {
        return (attributes.flags() & flag) != 0;
    }
}

package org.keelfs.fuse.kernel.protocol;

/**
 * Sizes and field offsets of the structs of linux/fuse.h, 7.45; all fields are in host byte order.
 * Offsets count from the start of their struct. Checked against the C header by LayoutTest.
 */
public final class Layout {
    /** The protocol version that this adapter speaks. */
    public static final int MAJOR = 7;

    public static final int MINOR = 45;

    /** struct fuse_in_header. */
    public static final class InHeader {
        public static final int SIZE = 40;
        public static final int LEN = 0;
        public static final int OPCODE = 4;
        public static final int UNIQUE = 8;
        public static final int NODEID = 16;
        public static final int UID = 24;
        public static final int GID = 28;
        public static final int PID = 32;

        /** 16 bits, in units of 8 bytes; extensions end the request. */
        public static final int TOTAL_EXTLEN = 36;

        private InHeader() {}
    }

    /** struct fuse_out_header. */
    public static final class OutHeader {
        public static final int SIZE = 16;
        public static final int LEN = 0;
        public static final int ERROR = 4;
        public static final int UNIQUE = 8;

        private OutHeader() {}
    }

    /** struct fuse_attr. */
    public static final class Attr {
        public static final int SIZE = 88;
        public static final int INO = 0;
        public static final int FILE_SIZE = 8;
        public static final int BLOCKS = 16;
        public static final int ATIME = 24;
        public static final int MTIME = 32;
        public static final int CTIME = 40;
        public static final int ATIMENSEC = 48;
        public static final int MTIMENSEC = 52;
        public static final int CTIMENSEC = 56;
        public static final int MODE = 60;
        public static final int NLINK = 64;
        public static final int UID = 68;
        public static final int GID = 72;
        public static final int RDEV = 76;
        public static final int BLKSIZE = 80;
        public static final int FLAGS = 84;

        private Attr() {}
    }

    /** struct fuse_entry_out. */
    public static final class EntryOut {
        public static final int SIZE = 128;
        public static final int NODEID = 0;
        public static final int GENERATION = 8;
        public static final int ENTRY_VALID = 16;
        public static final int ATTR_VALID = 24;
        public static final int ENTRY_VALID_NSEC = 32;
        public static final int ATTR_VALID_NSEC = 36;
        public static final int ATTR = 40;

        private EntryOut() {}
    }

    /** struct fuse_attr_out. */
    public static final class AttrOut {
        public static final int SIZE = 104;
        public static final int ATTR_VALID = 0;
        public static final int ATTR_VALID_NSEC = 8;
        public static final int ATTR = 16;

        private AttrOut() {}
    }

    /** struct fuse_open_out. */
    public static final class OpenOut {
        public static final int SIZE = 16;
        public static final int FH = 0;
        public static final int OPEN_FLAGS = 8;
        public static final int FOPEN_DIRECT_IO = 1;
        public static final int FOPEN_KEEP_CACHE = 2;
        public static final int FOPEN_CACHE_DIR = 8;
        public static final int FOPEN_PARALLEL_DIRECT_WRITES = 64;

        private OpenOut() {}
    }

    /** struct fuse_setattr_in. */
    public static final class SetattrIn {
        public static final int SIZE = 88;
        public static final int VALID = 0;
        public static final int FH = 8;
        public static final int FILE_SIZE = 16;
        public static final int ATIME = 32;
        public static final int MTIME = 40;
        public static final int CTIME = 48;
        public static final int ATIMENSEC = 56;
        public static final int MTIMENSEC = 60;
        public static final int CTIMENSEC = 64;
        public static final int MODE = 68;
        public static final int UID = 76;
        public static final int GID = 80;
        public static final int FATTR_MODE = 1;
        public static final int FATTR_UID = 1 << 1;
        public static final int FATTR_GID = 1 << 2;
        public static final int FATTR_SIZE = 1 << 3;
        public static final int FATTR_ATIME = 1 << 4;
        public static final int FATTR_MTIME = 1 << 5;
        public static final int FATTR_FH = 1 << 6;
        public static final int FATTR_ATIME_NOW = 1 << 7;
        public static final int FATTR_MTIME_NOW = 1 << 8;
        public static final int FATTR_CTIME = 1 << 10;
        public static final int FATTR_KILL_SUIDGID = 1 << 11;

        private SetattrIn() {}
    }

    /** struct fuse_mknod_in; the name follows. */
    public static final class MknodIn {
        public static final int SIZE = 16;
        public static final int MODE = 0;
        public static final int RDEV = 4;
        public static final int UMASK = 8;

        private MknodIn() {}
    }

    /** struct fuse_mkdir_in; the name follows. */
    public static final class MkdirIn {
        public static final int SIZE = 8;
        public static final int MODE = 0;
        public static final int UMASK = 4;

        private MkdirIn() {}
    }

    /** struct fuse_rename_in and fuse_rename2_in; the two names follow. */
    public static final class RenameIn {
        public static final int SIZE = 8;
        public static final int SIZE_2 = 16;
        public static final int NEWDIR = 0;
        public static final int FLAGS_2 = 8;

        private RenameIn() {}
    }

    /** struct fuse_link_in; the name follows. */
    public static final class LinkIn {
        public static final int SIZE = 8;
        public static final int OLDNODEID = 0;

        private LinkIn() {}
    }

    /** struct fuse_open_in. */
    public static final class OpenIn {
        public static final int SIZE = 8;
        public static final int FLAGS = 0;
        public static final int OPEN_FLAGS = 4;
        public static final int KILL_SUIDGID = 1;

        private OpenIn() {}
    }

    /** struct fuse_create_in; the name follows. */
    public static final class CreateIn {
        public static final int SIZE = 16;
        public static final int FLAGS = 0;
        public static final int MODE = 4;
        public static final int UMASK = 8;

        private CreateIn() {}
    }

    /** struct fuse_release_in. */
    public static final class ReleaseIn {
        public static final int SIZE = 24;
        public static final int FH = 0;
        public static final int FLAGS = 8;
        public static final int RELEASE_FLAGS = 12;
        public static final int LOCK_OWNER = 16;
        public static final int FLOCK_UNLOCK = 2;

        private ReleaseIn() {}
    }

    /** struct fuse_flush_in. */
    public static final class FlushIn {
        public static final int SIZE = 24;
        public static final int FH = 0;
        public static final int LOCK_OWNER = 16;

        private FlushIn() {}
    }

    /** struct fuse_read_in; of READDIR and READDIRPLUS too. */
    public static final class ReadIn {
        public static final int SIZE = 40;
        public static final int FH = 0;
        public static final int OFFSET = 8;
        public static final int BYTES = 16;
        public static final int READ_FLAGS = 20;
        public static final int READ_LOCKOWNER = 2;

        private ReadIn() {}
    }

    /** struct fuse_write_in; the bytes follow. */
    public static final class WriteIn {
        public static final int SIZE = 40;
        public static final int FH = 0;
        public static final int OFFSET = 8;
        public static final int BYTES = 16;
        public static final int WRITE_FLAGS = 20;
        public static final int FLAGS = 32;
        public static final int WRITE_CACHE = 1;
        public static final int WRITE_KILL_SUIDGID = 4;

        private WriteIn() {}
    }

    /** struct fuse_write_out. */
    public static final class WriteOut {
        public static final int SIZE = 8;
        public static final int BYTES = 0;

        private WriteOut() {}
    }

    /** struct fuse_kstatfs, alone in struct fuse_statfs_out. */
    public static final class Kstatfs {
        public static final int SIZE = 80;
        public static final int BLOCKS = 0;
        public static final int BFREE = 8;
        public static final int BAVAIL = 16;
        public static final int FILES = 24;
        public static final int FFREE = 32;
        public static final int BSIZE = 40;
        public static final int NAMELEN = 44;
        public static final int FRSIZE = 48;

        private Kstatfs() {}
    }

    /** struct fuse_fsync_in. */
    public static final class FsyncIn {
        public static final int SIZE = 16;
        public static final int FH = 0;
        public static final int FSYNC_FLAGS = 8;
        public static final int FDATASYNC = 1;

        private FsyncIn() {}
    }

    /** struct fuse_setxattr_in; name and value follow. */
    public static final class SetxattrIn {
        /** With SETXATTR_EXT. */
        public static final int SIZE = 16;

        public static final int SIZE_COMPAT = 8;
        public static final int BYTES = 0;
        public static final int FLAGS = 4;
        public static final int SETXATTR_FLAGS = 8;
        public static final int ACL_KILL_SGID = 1;

        private SetxattrIn() {}
    }

    /** struct fuse_getxattr_in (the name follows) and fuse_getxattr_out. */
    public static final class Getxattr {
        public static final int SIZE = 8;
        public static final int BYTES = 0;

        private Getxattr() {}
    }

    /** struct fuse_access_in. */
    public static final class AccessIn {
        public static final int SIZE = 8;
        public static final int MASK = 0;

        private AccessIn() {}
    }

    /** struct fuse_init_in. */
    public static final class InitIn {
        public static final int SIZE = 64;
        public static final int MAJOR = 0;
        public static final int MINOR = 4;
        public static final int MAX_READAHEAD = 8;
        public static final int FLAGS = 12;
        public static final int FLAGS2 = 16;

        private InitIn() {}
    }

    /** struct fuse_init_out. */
    public static final class InitOut {
        public static final int SIZE = 64;
        public static final int MAJOR = 0;
        public static final int MINOR = 4;
        public static final int MAX_READAHEAD = 8;
        public static final int FLAGS = 12;
        public static final int MAX_BACKGROUND = 16;
        public static final int CONGESTION_THRESHOLD = 18;
        public static final int MAX_WRITE = 20;
        public static final int TIME_GRAN = 24;
        public static final int MAX_PAGES = 28;
        public static final int FLAGS2 = 32;

        private InitOut() {}
    }

    /** struct fuse_interrupt_in. */
    public static final class InterruptIn {
        public static final int SIZE = 8;
        public static final int UNIQUE = 0;

        private InterruptIn() {}
    }

    /** struct fuse_forget_in. */
    public static final class ForgetIn {
        public static final int SIZE = 8;
        public static final int NLOOKUP = 0;

        private ForgetIn() {}
    }

    /** struct fuse_batch_forget_in, followed by struct fuse_forget_one. */
    public static final class BatchForgetIn {
        public static final int SIZE = 8;
        public static final int COUNT = 0;
        public static final int ONE_SIZE = 16;
        public static final int ONE_NODEID = 0;
        public static final int ONE_NLOOKUP = 8;

        private BatchForgetIn() {}
    }

    /** struct fuse_fallocate_in. */
    public static final class FallocateIn {
        public static final int SIZE = 32;
        public static final int FH = 0;
        public static final int OFFSET = 8;
        public static final int LENGTH = 16;
        public static final int MODE = 24;

        private FallocateIn() {}
    }

    /** struct fuse_lseek_in and fuse_lseek_out. */
    public static final class Lseek {
        public static final int SIZE = 24;
        public static final int FH = 0;
        public static final int OFFSET = 8;
        public static final int WHENCE = 16;
        public static final int OUT_SIZE = 8;
        public static final int OUT_OFFSET = 0;

        private Lseek() {}
    }

    /** struct fuse_copy_file_range_in and fuse_copy_file_range_out. */
    public static final class CopyFileRange {
        public static final int SIZE = 56;
        public static final int FH_IN = 0;
        public static final int OFF_IN = 8;
        public static final int NODEID_OUT = 16;
        public static final int FH_OUT = 24;
        public static final int OFF_OUT = 32;
        public static final int LEN = 40;
        public static final int OUT_SIZE = 8;
        public static final int OUT_BYTES = 0;

        private CopyFileRange() {}
    }

    /** struct fuse_dirent; the name follows, padded to 8 bytes. */
    public static final class Dirent {
        public static final int SIZE = 24;
        public static final int INO = 0;
        public static final int OFF = 8;
        public static final int NAMELEN = 16;
        public static final int TYPE = 20;

        private Dirent() {}
    }

    /** struct fuse_ioctl_in and fuse_ioctl_out; the argument's bytes follow them. */
    public static final class Ioctl {
        public static final int SIZE = 32;
        public static final int FLAGS = 8;
        public static final int CMD = 12;
        public static final int IN_BYTES = 24;
        public static final int OUT_BYTES = 28;
        public static final int OUT_SIZE = 16;
        public static final int OUT_RESULT = 0;

        private Ioctl() {}
    }

    /** struct fsxattr of linux/fs.h, the argument of FS_IOC_FSGETXATTR. */
    public static final class Fsxattr {
        public static final int SIZE = 28;
        public static final int XFLAGS = 0;
        public static final int EXTENT_BYTES = 4;
        public static final int PROJECT = 12;
        public static final int COW_EXTENT_BYTES = 16;

        private Fsxattr() {}
    }

    /** struct fuse_statx_out: struct fuse_statx at 32. */
    public static final class StatxOut {
        public static final int SIZE = 288;
        public static final int ATTR_VALID = 0;
        public static final int ATTR_VALID_NSEC = 8;
        public static final int STAT = 32;
        public static final int MASK = STAT;
        public static final int BLKSIZE = STAT + 4;
        public static final int ATTRIBUTES = STAT + 8;
        public static final int NLINK = STAT + 16;
        public static final int UID = STAT + 20;
        public static final int GID = STAT + 24;
        public static final int MODE = STAT + 28;
        public static final int INO = STAT + 32;
        public static final int FILE_SIZE = STAT + 40;
        public static final int BLOCKS = STAT + 48;
        public static final int ATTRIBUTES_MASK = STAT + 56;
        public static final int ATIME = STAT + 64;
        public static final int BTIME = STAT + 80;
        public static final int CTIME = STAT + 96;
        public static final int MTIME = STAT + 112;
        public static final int RDEV_MAJOR = STAT + 128;
        public static final int RDEV_MINOR = STAT + 132;

        /** STATX_ATTR_IMMUTABLE, APPEND and NODUMP, numbered as the flags of FS_IOC_GETFLAGS. */
        public static final int ATTRIBUTES_KNOWN = 0x70;

        /** STATX_BASIC_STATS | STATX_BTIME. */
        public static final int MASK_ALL = 0xfff;

        private StatxOut() {}
    }

    /** struct fuse_lk_in, and fuse_lk_out with the lock at its start. */
    public static final class LkIn {
        public static final int FH = 0;
        public static final int OWNER = 8;

        /** The struct fuse_file_lock. */
        public static final int LOCK = 16;

        public static final int LK_FLAGS = 40;

        /** FUSE_LK_FLOCK. */
        public static final int LK_FLOCK = 1;

        private LkIn() {}
    }

    /** struct fuse_file_lock. */
    public static final class FileLockValue {
        public static final int SIZE = 24;
        public static final int START = 0;

        /** Last byte; the kernel's OFFSET_MAX for the end of the file. */
        public static final int END = 8;

        public static final int TYPE = 16;
        public static final int PID = 20;

        public static final int F_RDLCK = 0;
        public static final int F_WRLCK = 1;
        public static final int F_UNLCK = 2;

        private FileLockValue() {}
    }

    /** struct fuse_ext_header and struct fuse_supp_groups. */
    public static final class Extension {
        public static final int HEADER_SIZE = 8;
        public static final int BYTES = 0;
        public static final int TYPE = 4;
        public static final int TYPE_GROUPS = 32;
        public static final int GROUP_COUNT = 8;
        public static final int GROUPS = 12;

        private Extension() {}
    }

    /** Notifications: a fuse_out_header with unique 0 and the code in place of the error. */
    public static final class Notify {
        public static final int INVAL_INODE = 2;
        public static final int STORE = 4;
        public static final int INC_EPOCH = 8;

        /** struct fuse_notify_inval_inode_out. */
        public static final int INVAL_INODE_SIZE = 24;

        public static final int INO = 0;
        public static final int OFF = 8;
        public static final int LEN = 16;

        /** struct fuse_notify_store_out; the bytes follow it. */
        public static final int STORE_SIZE = 24;

        private Notify() {}
    }

    /**
     * _IOR(229, 0, uint32_t): makes a fresh /dev/fuse descriptor a second queue of a connection.
     */
    public static final int DEV_IOC_CLONE = 0x8004e500;

    private Layout() {}
}

package org.keelfs.fuse.kernel;

import static org.keelfs.fuse.kernel.protocol.InitFlag.*;

import java.nio.ByteBuffer;
import org.keelfs.fuse.kernel.protocol.Layout;
import org.keelfs.fuse.kernel.protocol.Layout.InitIn;
import org.keelfs.fuse.kernel.protocol.Layout.InitOut;

/**
 * What kernel and adapter agreed on at INIT.
 *
 * @param minor protocol minor version in force, at most {@link Layout#MINOR}
 * @param flags init flags in force
 * @param kernelMinor the kernel's own minor version
 */
record Negotiation(int minor, long flags, int kernelMinor) {
    /**
     * Older kernels have smaller structs and lack what the adapter counts on; 7.31 is Linux 5.4.
     */
    static final int MINOR_MIN = 31;

    /**
     * Requests in the background at once (read-ahead, async direct I/O, release); the default of 12
     * starves.
     */
    static final int BACKGROUND_MAX = 128;

    /**
     * From here on the kernel calls the device congested: three quarters, the kernel's own
     * proportion.
     */
    static final int CONGESTION_THRESHOLD = 96;

    /* Asked always. Left out on purpose: WRITEBACK_CACHE makes the kernel the owner of sizes, which several
     * mounts share; REQUEST_TIMEOUT aborts the whole connection because of one blocked lock; EXPLICIT_INVAL_DATA
     * lets a stopped daemon's mount serve its pages for ever; NO_OPEN_SUPPORT takes the choice of caching per
     * open away; PASSTHROUGH goes round the encryption; ALLOW_IDMAP withholds owners. */
    private static final long WANTED =
            ASYNC_READ
                    | ATOMIC_O_TRUNC
                    | EXPORT_SUPPORT
                    | BIG_WRITES
                    | AUTO_INVAL_DATA
                    | DO_READDIRPLUS
                    | READDIRPLUS_AUTO
                    | ASYNC_DIO
                    | PARALLEL_DIROPS
                    | ABORT_ERROR
                    | MAX_PAGES
                    | CACHE_SYMLINKS
                    | HANDLE_KILLPRIV_V2
                    | SETXATTR_EXT
                    | INIT_EXT
                    | CREATE_SUPP_GROUP
                    | HAS_EXPIRE_ONLY
                    | DIRECT_IO_ALLOW_MMAP
                    | HAS_RESEND;

    boolean has(long flag) {
        return (flags & flag) != 0;
    }

    /** Decodes INIT at {@code at} and fills the answer's body. */
    static Negotiation answer(
            ByteBuffer in, int at, ByteBuffer out, int outAt, MountOptions options) {
        int major = in.getInt(at + InitIn.MAJOR);
        int kernelMinor = in.getInt(at + InitIn.MINOR);
        if (major != Layout.MAJOR || kernelMinor < MINOR_MIN) {
            throw new MountException(
                    "the kernel speaks FUSE %d.%d; needed is %d.%d (Linux 5.4) or newer"
                            .formatted(major, kernelMinor, Layout.MAJOR, MINOR_MIN));
        }
        long offered = Integer.toUnsignedLong(in.getInt(at + InitIn.FLAGS));
        if ((offered & INIT_EXT) != 0) {
            offered |= Integer.toUnsignedLong(in.getInt(at + InitIn.FLAGS2)) << 32;
        }
        long flags = offered & wanted(options);
        int minor = Math.min(kernelMinor, Layout.MINOR);
        for (int i = 0; i < InitOut.SIZE; i += Long.BYTES) {
            out.putLong(outAt + i, 0);
        }
        out.putInt(outAt + InitOut.MAJOR, Layout.MAJOR);
        out.putInt(outAt + InitOut.MINOR, minor);
        out.putInt(outAt + InitOut.MAX_READAHEAD, in.getInt(at + InitIn.MAX_READAHEAD));
        out.putInt(outAt + InitOut.FLAGS, (int) flags);
        out.putShort(outAt + InitOut.MAX_BACKGROUND, (short) BACKGROUND_MAX);
        out.putShort(outAt + InitOut.CONGESTION_THRESHOLD, (short) CONGESTION_THRESHOLD);
        out.putInt(outAt + InitOut.MAX_WRITE, options.writeBytesMax());
        out.putInt(outAt + InitOut.TIME_GRAN, 1);
        out.putShort(outAt + InitOut.MAX_PAGES, (short) (options.writeBytesMax() / 4096));
        out.putInt(outAt + InitOut.FLAGS2, (int) (flags >>> 32));
        return new Negotiation(minor, flags, kernelMinor);
    }

    private static long wanted(MountOptions options) {
        long wanted = WANTED;
        if (options.acl()) {
            wanted |= POSIX_ACL | DONT_MASK;
        }
        if (options.locks()) {
            wanted |= POSIX_LOCKS | FLOCK_LOCKS;
        }
        return wanted;
    }
}

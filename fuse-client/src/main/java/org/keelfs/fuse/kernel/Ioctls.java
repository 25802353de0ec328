package org.keelfs.fuse.kernel;

import java.nio.ByteBuffer;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.vfs.Call;
import org.keelfs.client.vfs.FileSystem;
import org.keelfs.fuse.kernel.protocol.Layout.Fsxattr;
import org.keelfs.fuse.kernel.protocol.Layout.Ioctl;

/**
 * The ioctls that chattr(1), lsattr(1) and xfs_io(8) use on files and directories. The kernel
 * checks rights and sends each as a request of its own with a handle that it opens for it. Numbers
 * are those of linux/fs.h on 64 bits; the argument travels as 32 bits. Thread-safe, holds nothing.
 */
final class Ioctls {
    static final int GET_FLAGS = 0x80086601;
    static final int SET_FLAGS = 0x40086602;
    static final int FS_GET_XATTR = 0x801c581f;
    static final int FS_SET_XATTR = 0x401c5820;

    /** FS_*_FL of FS_IOC_GETFLAGS and FS_XFLAG_* of FS_IOC_FSGETXATTR, side by side. */
    private static final int[][] BITS = {
        {0x8, 0x20}, // sync
        {0x10, 0x8}, // immutable
        {0x20, 0x10}, // append
        {0x40, 0x80}, // nodump
        {0x80, 0x40}, // noatime
    };

    private final FileSystem fs;

    Ioctls(FileSystem fs) {
        this.fs = fs;
    }

    /** Serves a request; the length of the reply's body. */
    int serve(Exchange x, Call call) {
        return switch (x.intAt(Ioctl.CMD)) {
            case GET_FLAGS -> getFlags(x, call);
            case SET_FLAGS -> {
                require(x.intAt(Ioctl.IN_BYTES) >= Integer.BYTES, Errno.EINVAL);
                fs.setInodeFlags(call, x.inode(), x.intAt(Ioctl.SIZE));
                yield result(x, 0);
            }
            case FS_GET_XATTR -> getXattr(x, call);
            case FS_SET_XATTR -> setXattr(x, call);
            default -> throw new FsException(Errno.ENOTTY);
        };
    }

    private int getFlags(Exchange x, Call call) {
        int bytes = x.intAt(Ioctl.OUT_BYTES);
        require(bytes >= Integer.BYTES && bytes <= Long.BYTES, Errno.EINVAL);
        Encoder.clear(x.reply(), Exchange.BODY_AT + Ioctl.OUT_SIZE, Long.BYTES);
        int flags = fs.getAttributes(call, x.inode()).attributes().flags();
        x.reply().putInt(Exchange.BODY_AT + Ioctl.OUT_SIZE, flags);
        return result(x, bytes);
    }

    private int getXattr(Exchange x, Call call) {
        require(x.intAt(Ioctl.OUT_BYTES) == Fsxattr.SIZE, Errno.EINVAL);
        ByteBuffer reply = x.reply();
        int at = Exchange.BODY_AT + Ioctl.OUT_SIZE;
        Encoder.clear(reply, at, Fsxattr.SIZE + Integer.BYTES);
        int flags = fs.getAttributes(call, x.inode()).attributes().flags();
        reply.putInt(at + Fsxattr.XFLAGS, translate(flags, 0, 1));
        return result(x, Fsxattr.SIZE);
    }

    /** There are no projects and no extent sizes to set. */
    private int setXattr(Exchange x, Call call) {
        require(x.intAt(Ioctl.IN_BYTES) == Fsxattr.SIZE, Errno.EINVAL);
        int xflags = x.intAt(Ioctl.SIZE + Fsxattr.XFLAGS);
        int flags = translate(xflags, 1, 0);
        int others =
                x.intAt(Ioctl.SIZE + Fsxattr.EXTENT_BYTES)
                        | x.intAt(Ioctl.SIZE + Fsxattr.PROJECT)
                        | x.intAt(Ioctl.SIZE + Fsxattr.COW_EXTENT_BYTES);
        require(others == 0 && translate(flags, 0, 1) == xflags, Errno.EOPNOTSUPP);
        fs.setInodeFlags(call, x.inode(), flags);
        return result(x, 0);
    }

    private static int translate(int flags, int from, int to) {
        int translated = 0;
        for (int[] bit : BITS) {
            translated |= (flags & bit[from]) != 0 ? bit[to] : 0;
        }
        return translated;
    }

    private static int result(Exchange x, int bytes) {
        Encoder.clear(x.reply(), Exchange.BODY_AT + Ioctl.OUT_RESULT, Ioctl.OUT_SIZE);
        return Ioctl.OUT_SIZE + bytes;
    }

    private static void require(boolean holds, Errno otherwise) {
        if (!holds) {
            throw new FsException(otherwise);
        }
    }
}

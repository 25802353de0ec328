package org.keelfs.fuse.kernel;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.vfs.AttributeChange;
import org.keelfs.client.vfs.Call;
import org.keelfs.client.vfs.Created;
import org.keelfs.client.vfs.Entry;
import org.keelfs.client.vfs.FileLock;
import org.keelfs.client.vfs.FileSystem;
import org.keelfs.fuse.kernel.protocol.InitFlag;
import org.keelfs.fuse.kernel.protocol.Layout.AccessIn;
import org.keelfs.fuse.kernel.protocol.Layout.BatchForgetIn;
import org.keelfs.fuse.kernel.protocol.Layout.CopyFileRange;
import org.keelfs.fuse.kernel.protocol.Layout.CreateIn;
import org.keelfs.fuse.kernel.protocol.Layout.EntryOut;
import org.keelfs.fuse.kernel.protocol.Layout.FallocateIn;
import org.keelfs.fuse.kernel.protocol.Layout.FlushIn;
import org.keelfs.fuse.kernel.protocol.Layout.ForgetIn;
import org.keelfs.fuse.kernel.protocol.Layout.FsyncIn;
import org.keelfs.fuse.kernel.protocol.Layout.Getxattr;
import org.keelfs.fuse.kernel.protocol.Layout.LinkIn;
import org.keelfs.fuse.kernel.protocol.Layout.LkIn;
import org.keelfs.fuse.kernel.protocol.Layout.Lseek;
import org.keelfs.fuse.kernel.protocol.Layout.MkdirIn;
import org.keelfs.fuse.kernel.protocol.Layout.MknodIn;
import org.keelfs.fuse.kernel.protocol.Layout.OpenIn;
import org.keelfs.fuse.kernel.protocol.Layout.OpenOut;
import org.keelfs.fuse.kernel.protocol.Layout.ReadIn;
import org.keelfs.fuse.kernel.protocol.Layout.ReleaseIn;
import org.keelfs.fuse.kernel.protocol.Layout.RenameIn;
import org.keelfs.fuse.kernel.protocol.Layout.SetattrIn;
import org.keelfs.fuse.kernel.protocol.Layout.SetxattrIn;
import org.keelfs.fuse.kernel.protocol.Layout.WriteIn;
import org.keelfs.fuse.kernel.protocol.Layout.WriteOut;
import org.keelfs.fuse.kernel.protocol.Opcode;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * From a request's bytes to a call of the file system and from its answer to the reply's bytes: one
 * method per opcode. Each returns the length of the reply's body. Thread-safe, holds nothing.
 */
final class Dispatch {
    /** In place of a length: the request gets no reply. */
    static final int NO_REPLY = -1;

    private static final long NS = 1_000_000_000L;
    private static final int RENAME_FLAGS_KNOWN = 3;

    /** COPY_FILE_RANGE answers in 32 bits; a page multiple below 2^31. */
    private static final long COPY_BYTES_MAX = 0x7fff_f000L;

    private final FileSystem fs;
    private final Callers callers = new Callers();
    private final Ioctls ioctls;
    private final Negotiation negotiation;
    private final boolean mayKeepNames;

    /**
     * @param mayKeepNames whether the kernel can be told to drop names (INC_EPOCH), and so may keep
     *     them
     */
    Dispatch(FileSystem fs, Negotiation negotiation, boolean mayKeepNames) {
        this.fs = fs;
        this.ioctls = new Ioctls(fs);
        this.negotiation = negotiation;
        this.mayKeepNames = mayKeepNames;
    }

    /**
     * Serves a request.
     *
     * @return length of the reply's body at {@link Exchange#BODY_AT}, or {@link #NO_REPLY}
     * @throws FsException the errno to reply
     * @throws org.keelfs.client.vfs.WouldBlock to be served again with {@code mayBlock}
     */
    int serve(Exchange x, boolean mayBlock) {
        return switch (x.opcode()) {
            case Opcode.LOOKUP -> lookup(x, callers.plain(x, mayBlock));
            case Opcode.FORGET -> forget(x);
            case Opcode.BATCH_FORGET -> batchForget(x);
            case Opcode.GETATTR -> getattr(x, callers.plain(x, mayBlock));
            case Opcode.STATX -> statx(x, callers.plain(x, mayBlock));
            case Opcode.SETATTR -> setattr(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.READLINK -> readlink(x, callers.plain(x, mayBlock));
            case Opcode.SYMLINK -> symlink(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.MKNOD ->
                    mknod(x, callers.withCredentials(x, x.intAt(MknodIn.UMASK), mayBlock));
            case Opcode.MKDIR ->
                    mkdir(x, callers.withCredentials(x, x.intAt(MkdirIn.UMASK), mayBlock));
            case Opcode.UNLINK -> unlink(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.RMDIR -> rmdir(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.RENAME ->
                    rename(x, callers.withCredentials(x, 0, mayBlock), RenameIn.SIZE, 0);
            case Opcode.RENAME2 -> rename2(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.LINK -> link(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.OPEN -> open(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.CREATE ->
                    create(x, callers.withCredentials(x, x.intAt(CreateIn.UMASK), mayBlock));
            case Opcode.TMPFILE ->
                    tmpfile(x, callers.withCredentials(x, x.intAt(CreateIn.UMASK), mayBlock));
            case Opcode.READ -> read(x, callers.plain(x, mayBlock));
            case Opcode.WRITE -> write(x, callers.plain(x, mayBlock));
            case Opcode.FLUSH -> flush(x, callers.plain(x, mayBlock));
            case Opcode.RELEASE -> release(x, callers.plain(x, mayBlock));
            case Opcode.FSYNC -> fsync(x, callers.plain(x, mayBlock));
            case Opcode.OPENDIR -> opendir(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.READDIR -> readdir(x, callers.plain(x, mayBlock), false);
            case Opcode.READDIRPLUS -> readdir(x, callers.plain(x, mayBlock), true);
            case Opcode.RELEASEDIR -> releasedir(x, callers.plain(x, mayBlock));
            case Opcode.FSYNCDIR -> fsyncdir(x, callers.plain(x, mayBlock));
            case Opcode.STATFS -> statfs(x, callers.plain(x, mayBlock));
            case Opcode.GETXATTR -> getxattr(x, callers.plain(x, mayBlock));
            case Opcode.LISTXATTR -> listxattr(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.SETXATTR -> setxattr(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.REMOVEXATTR -> removexattr(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.ACCESS -> access(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.FALLOCATE -> fallocate(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.LSEEK -> lseek(x, callers.plain(x, mayBlock));
            case Opcode.COPY_FILE_RANGE ->
                    copyFileRange(x, callers.withCredentials(x, 0, mayBlock), false);
            case Opcode.COPY_FILE_RANGE_64 ->
                    copyFileRange(x, callers.withCredentials(x, 0, mayBlock), true);
            case Opcode.GETLK -> getlk(x, callers.plain(x, mayBlock));
            case Opcode.SETLK -> setlk(x, callers.plain(x, mayBlock), false);
            case Opcode.SETLKW -> setlk(x, callers.plain(x, mayBlock), true);
            case Opcode.IOCTL -> ioctls.serve(x, callers.withCredentials(x, 0, mayBlock));
            case Opcode.DESTROY -> 0;
            case Opcode.NOTIFY_REPLY -> NO_REPLY;
            // POLL: the kernel then takes files as always ready. The rest is unknown.
            default -> throw new FsException(Errno.ENOSYS);
        };
    }

    /** The kernel did not take the reply: what it would have closed one day is closed here. */
    void undo(Exchange x) {
        int body = Exchange.BODY_AT;
        Call call = callers.plain(x, true);
        switch (x.opcode()) {
            case Opcode.OPEN ->
                    fs.release(call, x.inode(), x.reply().getLong(body + OpenOut.FH), 0, false);
            case Opcode.OPENDIR ->
                    fs.releaseDirectory(call, x.inode(), x.reply().getLong(body + OpenOut.FH));
            case Opcode.CREATE, Opcode.TMPFILE -> {
                long handle = x.reply().getLong(body + EntryOut.SIZE + OpenOut.FH);
                var inode = new InodeId(x.reply().getLong(body + EntryOut.NODEID));
                fs.release(call, inode, handle, 0, false);
                fs.forget(inode, 1);
            }
            case Opcode.LOOKUP, Opcode.MKNOD, Opcode.MKDIR, Opcode.SYMLINK, Opcode.LINK -> {
                long inode = x.reply().getLong(body + EntryOut.NODEID);
                if (inode != 0) {
                    fs.forget(new InodeId(inode), 1);
                }
            }
            default -> {}
        }
    }

    private int entry(Exchange x, Entry entry) {
        return Encoder.entry(x.reply(), Exchange.BODY_AT, entry, mayKeepNames);
    }

    private int lookup(Exchange x, Call call) {
        InodeId parent = x.inode();
        Name name = x.nameAt(0);
        try {
            return entry(x, fs.lookup(call, parent, name));
        } catch (FsException e) {
            long validNs =
                    e.errno() == Errno.ENOENT && mayKeepNames ? fs.absenceValidNs(parent, name) : 0;
            if (validNs <= 0) {
                throw e;
            }
            return Encoder.absence(x.reply(), Exchange.BODY_AT, validNs);
        }
    }

    private int forget(Exchange x) {
        fs.forget(x.inode(), x.longAt(ForgetIn.NLOOKUP));
        return NO_REPLY;
    }

    private int batchForget(Exchange x) {
        int count = x.intAt(BatchForgetIn.COUNT);
        for (int i = 0; i < count; i++) {
            int at = BatchForgetIn.SIZE + i * BatchForgetIn.ONE_SIZE;
            fs.forget(
                    new InodeId(x.longAt(at + BatchForgetIn.ONE_NODEID)),
                    x.longAt(at + BatchForgetIn.ONE_NLOOKUP));
        }
        return NO_REPLY;
    }

    private int getattr(Exchange x, Call call) {
        return Encoder.attributesAnswer(
                x.reply(), Exchange.BODY_AT, fs.getAttributes(call, x.inode()));
    }

    private int statx(Exchange x, Call call) {
        return Encoder.statx(x.reply(), Exchange.BODY_AT, fs.getAttributes(call, x.inode()));
    }

    private int setattr(Exchange x, Call call) {
        int valid = x.intAt(SetattrIn.VALID);
        var change =
                new AttributeChange(
                        has(valid, SetattrIn.FATTR_MODE) ? x.intAt(SetattrIn.MODE) & 07777 : null,
                        has(valid, SetattrIn.FATTR_UID) ? x.intAt(SetattrIn.UID) : null,
                        has(valid, SetattrIn.FATTR_GID) ? x.intAt(SetattrIn.GID) : null,
                        has(valid, SetattrIn.FATTR_SIZE) ? x.longAt(SetattrIn.FILE_SIZE) : null,
                        time(
                                x,
                                SetattrIn.FATTR_ATIME,
                                SetattrIn.FATTR_ATIME_NOW,
                                SetattrIn.ATIME,
                                SetattrIn.ATIMENSEC),
                        time(
                                x,
                                SetattrIn.FATTR_MTIME,
                                SetattrIn.FATTR_MTIME_NOW,
                                SetattrIn.MTIME,
                                SetattrIn.MTIMENSEC),
                        time(x, SetattrIn.FATTR_CTIME, 0, SetattrIn.CTIME, SetattrIn.CTIMENSEC),
                        has(valid, SetattrIn.FATTR_FH) ? x.longAt(SetattrIn.FH) : 0,
                        has(valid, SetattrIn.FATTR_KILL_SUIDGID));
        return Encoder.attributesAnswer(
                x.reply(), Exchange.BODY_AT, fs.setAttributes(call, x.inode(), change));
    }

    private static @Nullable Long time(
            Exchange x, int flag, int nowFlag, int secondsAt, int nanosAt) {
        int valid = x.intAt(SetattrIn.VALID);
        if (has(valid, nowFlag)) {
            return AttributeChange.NOW;
        }
        return has(valid, flag) ? nanoseconds(x.longAt(secondsAt), x.intAt(nanosAt)) : null;
    }

    /** Times further from 1970 than 292 years are cut to that. */
    private static long nanoseconds(long seconds, int nanos) {
        long limit = Long.MAX_VALUE / NS - 1;
        return Math.clamp(seconds, -limit, limit) * NS + nanos;
    }

    private static boolean has(int flags, int flag) {
        return (flags & flag) != 0;
    }

    private int readlink(Exchange x, Call call) {
        byte[] target = fs.readLink(call, x.inode());
        x.reply().put(Exchange.BODY_AT, target);
        return target.length;
    }

    private int symlink(Exchange x, Call call) {
        Name name = x.nameAt(0);
        byte[] target = x.stringAt(name.length() + 1);
        return entry(x, fs.symlink(call, x.inode(), name, target));
    }

    private int mknod(Exchange x, Call call) {
        return entry(
                x,
                fs.makeNode(
                        call,
                        x.inode(),
                        x.nameAt(MknodIn.SIZE),
                        x.intAt(MknodIn.MODE),
                        x.intAt(MknodIn.RDEV)));
    }

    private int mkdir(Exchange x, Call call) {
        int mode = x.intAt(MkdirIn.MODE) & 07777;
        return entry(x, fs.makeDirectory(call, x.inode(), x.nameAt(MkdirIn.SIZE), mode));
    }

    private int unlink(Exchange x, Call call) {
        fs.unlink(call, x.inode(), x.nameAt(0));
        return 0;
    }

    private int rmdir(Exchange x, Call call) {
        fs.removeDirectory(call, x.inode(), x.nameAt(0));
        return 0;
    }

    private int rename2(Exchange x, Call call) {
        int flags = x.intAt(RenameIn.FLAGS_2);
        if ((flags & ~RENAME_FLAGS_KNOWN) != 0) {
            throw new FsException(Errno.EINVAL);
        }
        return rename(x, call, RenameIn.SIZE_2, flags);
    }

    private int rename(Exchange x, Call call, int namesAt, int flags) {
        Name from = x.nameAt(namesAt);
        Name to = x.nameAt(namesAt + from.length() + 1);
        var newParent = new InodeId(x.longAt(RenameIn.NEWDIR));
        fs.rename(call, x.inode(), from, newParent, to, flags);
        return 0;
    }

    private int link(Exchange x, Call call) {
        var inode = new InodeId(x.longAt(LinkIn.OLDNODEID));
        return entry(x, fs.link(call, inode, x.inode(), x.nameAt(LinkIn.SIZE)));
    }

    private int open(Exchange x, Call call) {
        int flags = x.intAt(OpenIn.FLAGS);
        if (has(x.intAt(OpenIn.OPEN_FLAGS), OpenIn.KILL_SUIDGID)) {
            // Comes with O_TRUNC alone; as a change of its own it is done before any byte is gone.
            fs.setAttributes(
                    call,
                    x.inode(),
                    new AttributeChange(null, null, null, null, null, null, null, 0, true));
        }
        return Encoder.opened(x.reply(), Exchange.BODY_AT, fs.open(call, x.inode(), flags));
    }

    private int create(Exchange x, Call call) {
        int mode = x.intAt(CreateIn.MODE) & 07777;
        int flags = x.intAt(CreateIn.FLAGS);
        return created(x, fs.create(call, x.inode(), x.nameAt(CreateIn.SIZE), mode, flags));
    }

    private int tmpfile(Exchange x, Call call) {
        int mode = x.intAt(CreateIn.MODE) & 07777;
        return created(x, fs.createUnnamed(call, x.inode(), mode, x.intAt(CreateIn.FLAGS)));
    }

    private int created(Exchange x, Created created) {
        int bytes = entry(x, created.entry());
        return bytes + Encoder.opened(x.reply(), Exchange.BODY_AT + bytes, created.opened());
    }

    private int read(Exchange x, Call call) {
        int bytes = Math.min(x.intAt(ReadIn.BYTES), x.replyRoom());
        ByteBuffer target = x.reply().slice(Exchange.BODY_AT, bytes);
        // The kernel names a lock owner only where it reads for a call, not to fill a page.
        boolean intoPageCache = !has(x.intAt(ReadIn.READ_FLAGS), ReadIn.READ_LOCKOWNER);
        return fs.read(
                call,
                x.inode(),
                x.longAt(ReadIn.FH),
                x.longAt(ReadIn.OFFSET),
                target,
                intoPageCache);
    }

    private int write(Exchange x, Call call) {
        int bytes = x.intAt(WriteIn.BYTES);
        int writeFlags = x.intAt(WriteIn.WRITE_FLAGS);
        int written =
                fs.write(
                        call,
                        x.inode(),
                        x.longAt(WriteIn.FH),
                        x.longAt(WriteIn.OFFSET),
                        x.bytesAt(WriteIn.SIZE, bytes),
                        x.intAt(WriteIn.FLAGS),
                        has(writeFlags, WriteIn.WRITE_KILL_SUIDGID),
                        has(writeFlags, WriteIn.WRITE_CACHE));
        x.reply().putLong(Exchange.BODY_AT + WriteOut.BYTES, written);
        return WriteOut.SIZE;
    }

    private int flush(Exchange x, Call call) {
        fs.flush(call, x.inode(), x.longAt(FlushIn.FH), x.longAt(FlushIn.LOCK_OWNER));
        return 0;
    }

    private int release(Exchange x, Call call) {
        fs.release(
                call,
                x.inode(),
                x.longAt(ReleaseIn.FH),
                x.longAt(ReleaseIn.LOCK_OWNER),
                has(x.intAt(ReleaseIn.RELEASE_FLAGS), ReleaseIn.FLOCK_UNLOCK));
        return 0;
    }

    private int fsync(Exchange x, Call call) {
        fs.fsync(call, x.inode(), x.longAt(FsyncIn.FH), dataOnly(x));
        return 0;
    }

    private static boolean dataOnly(Exchange x) {
        return has(x.intAt(FsyncIn.FSYNC_FLAGS), FsyncIn.FDATASYNC);
    }

    private int getlk(Exchange x, Call call) {
        FileLock found =
                fs.getLock(
                        call, x.inode(), x.longAt(LkIn.FH), x.longAt(LkIn.OWNER), FileLocks.of(x));
        return FileLocks.encode(x.reply(), Exchange.BODY_AT, found);
    }

    private int setlk(Exchange x, Call call, boolean waits) {
        fs.setLock(
                call, x.inode(), x.longAt(LkIn.FH), x.longAt(LkIn.OWNER), FileLocks.of(x), waits);
        return 0;
    }

    private int opendir(Exchange x, Call call) {
        return Encoder.openedDirectory(
                x.reply(),
                Exchange.BODY_AT,
                fs.openDirectory(call, x.inode(), x.intAt(OpenIn.FLAGS)));
    }

    private int readdir(Exchange x, Call call, boolean plus) {
        int room = Math.min(x.intAt(ReadIn.BYTES), x.replyRoom());
        var packer = new DirectoryPacker(x.reply(), Exchange.BODY_AT, room, plus, mayKeepNames);
        fs.readDirectory(
                call, x.inode(), x.longAt(ReadIn.FH), x.longAt(ReadIn.OFFSET), plus, packer);
        return packer.length();
    }

    private int releasedir(Exchange x, Call call) {
        fs.releaseDirectory(call, x.inode(), x.longAt(ReleaseIn.FH));
        return 0;
    }

    private int fsyncdir(Exchange x, Call call) {
        fs.fsyncDirectory(call, x.inode(), x.longAt(FsyncIn.FH), dataOnly(x));
        return 0;
    }

    private int statfs(Exchange x, Call call) {
        return Encoder.statistics(x.reply(), Exchange.BODY_AT, fs.statfs(call, x.inode()));
    }

    private int getxattr(Exchange x, Call call) {
        byte[] value = fs.getXattr(call, x.inode(), x.nameAt(Getxattr.SIZE));
        int room = x.intAt(Getxattr.BYTES);
        if (room == 0) {
            return xattrLength(x, value.length);
        }
        if (value.length > Math.min(room, x.replyRoom())) {
            throw new FsException(Errno.ERANGE);
        }
        x.reply().put(Exchange.BODY_AT, value);
        return value.length;
    }

    private int listxattr(Exchange x, Call call) {
        List<Name> names = fs.listXattrs(call, x.inode());
        int bytes = 0;
        for (Name name : names) {
            bytes += name.length() + 1;
        }
        int room = x.intAt(Getxattr.BYTES);
        if (room == 0) {
            return xattrLength(x, bytes);
        }
        if (bytes > Math.min(room, x.replyRoom())) {
            throw new FsException(Errno.ERANGE);
        }
        int at = Exchange.BODY_AT;
        for (Name name : names) {
            x.reply().put(at, name.bytes());
            at += name.length();
            x.reply().put(at++, (byte) 0);
        }
        return bytes;
    }

    private static int xattrLength(Exchange x, int bytes) {
        x.reply().putLong(Exchange.BODY_AT + Getxattr.BYTES, bytes);
        return Getxattr.SIZE;
    }

    private int setxattr(Exchange x, Call call) {
        boolean extended = negotiation.has(InitFlag.SETXATTR_EXT);
        int nameAt = extended ? SetxattrIn.SIZE : SetxattrIn.SIZE_COMPAT;
        Name name = x.nameAt(nameAt);
        byte[] value = x.copyAt(nameAt + name.length() + 1, x.intAt(SetxattrIn.BYTES));
        boolean killSgid =
                extended && has(x.intAt(SetxattrIn.SETXATTR_FLAGS), SetxattrIn.ACL_KILL_SGID);
        fs.setXattr(call, x.inode(), name, value, x.intAt(SetxattrIn.FLAGS), killSgid);
        return 0;
    }

    private int removexattr(Exchange x, Call call) {
        fs.removeXattr(call, x.inode(), x.nameAt(0));
        return 0;
    }

    private int access(Exchange x, Call call) {
        fs.access(call, x.inode(), x.intAt(AccessIn.MASK));
        return 0;
    }

    private int fallocate(Exchange x, Call call) {
        fs.fallocate(
                call,
                x.inode(),
                x.longAt(FallocateIn.FH),
                x.intAt(FallocateIn.MODE),
                x.longAt(FallocateIn.OFFSET),
                x.longAt(FallocateIn.LENGTH));
        return 0;
    }

    private int lseek(Exchange x, Call call) {
        long found =
                fs.seek(
                        call,
                        x.inode(),
                        x.longAt(Lseek.FH),
                        x.longAt(Lseek.OFFSET),
                        x.intAt(Lseek.WHENCE));
        x.reply().putLong(Exchange.BODY_AT + Lseek.OUT_OFFSET, found);
        return Lseek.OUT_SIZE;
    }

    /**
     * The 32-bit answer is a fuse_write_out, whose upper half is padding: both are one 64-bit
     * number.
     */
    private int copyFileRange(Exchange x, Call call, boolean wide) {
        long length = x.longAt(CopyFileRange.LEN);
        long copied =
                fs.copyFileRange(
                        call,
                        x.inode(),
                        x.longAt(CopyFileRange.FH_IN),
                        x.longAt(CopyFileRange.OFF_IN),
                        new InodeId(x.longAt(CopyFileRange.NODEID_OUT)),
                        x.longAt(CopyFileRange.FH_OUT),
                        x.longAt(CopyFileRange.OFF_OUT),
                        wide ? length : Math.min(length, COPY_BYTES_MAX));
        x.reply().putLong(Exchange.BODY_AT + CopyFileRange.OUT_BYTES, copied);
        return CopyFileRange.OUT_SIZE;
    }
}

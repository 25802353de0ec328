package org.keelfs.fuse.jnr;

import com.kenai.jffi.MemoryIO;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToIntFunction;
import jnr.ffi.Pointer;
import jnr.ffi.Struct;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.vfs.AttributeChange;
import org.keelfs.client.vfs.Call;
import org.keelfs.client.vfs.Created;
import org.keelfs.client.vfs.Entry;
import org.keelfs.client.vfs.FileSystem;
import org.keelfs.client.vfs.FileSystemStatistics;
import org.keelfs.client.vfs.Opened;
import org.keelfs.fuse.kernel.FailureLog;
import org.keelfs.fuse.kernel.ProcessCredentials;
import org.keelfs.model.Attributes;
import org.keelfs.model.Caller;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import ru.serce.jnrfuse.FuseFillDir;
import ru.serce.jnrfuse.FuseStubFS;
import ru.serce.jnrfuse.struct.FileStat;
import ru.serce.jnrfuse.struct.FuseContext;
import ru.serce.jnrfuse.struct.FuseFileInfo;
import ru.serce.jnrfuse.struct.Statvfs;
import ru.serce.jnrfuse.struct.Timespec;

/**
 * libfuse's callbacks as calls of the file system. Called from libfuse's threads, which may wait.
 * Thread-safe.
 *
 * <p>No exception may leave a callback: jffi would tell libfuse that it succeeded.
 */
final class JnrOperations extends FuseStubFS {
    private static final Logger LOG = LoggerFactory.getLogger(JnrOperations.class);

    /**
     * Of the bit word behind the first 38 pointers of struct fuse_operations, for which jnr-fuse
     * has no setters.
     */
    private static final int FLAGS_AT = 38 * 8;

    /** Operations on open files come without a path, so that unlinked ones work. */
    private static final int FLAG_NULLPATH_OK = 1;

    /** utimens is called also when one of the times is to stay. */
    private static final int FLAG_UTIME_OMIT_OK = 4;

    private static final long UTIME_NOW = (1L << 30) - 1;
    private static final long UTIME_OMIT = (1L << 30) - 2;
    private static final long NS = 1_000_000_000L;
    private static final long UNCHANGED_ID = 0xffff_ffffL;
    private static final int BLOCK_BYTES = 4096;
    private static final MemoryIO MEMORY = MemoryIO.getInstance();

    private record OpenFile(InodeId inode, long handle) {}

    private final FailureLog failures = new FailureLog(System::nanoTime, LOG::warn);
    private final FileSystem fs;
    private final Paths paths;
    private final ConcurrentHashMap<Long, OpenFile> open = new ConcurrentHashMap<>();
    private final AtomicLong nextOpen = new AtomicLong(1);
    private final CountDownLatch initialised = new CountDownLatch(1);

    JnrOperations(FileSystem fs) {
        this.fs = fs;
        this.paths = new Paths(fs);
        Struct.getMemory(fuseOperations).putInt(FLAGS_AT, FLAG_NULLPATH_OK | FLAG_UTIME_OMIT_OK);
    }

    /** Counted down when the kernel has said hello. */
    CountDownLatch initialised() {
        return initialised;
    }

    /** jnr-fuse's own unmounting at shutdown is not waited for by anybody; ours is. */
    void disownShutdownHook() {
        mounted.set(false);
    }

    @Override
    public Pointer init(Pointer connection) {
        initialised.countDown();
        return connection;
    }

    /**
     * Runs an operation; its result, or the negative errno. The one place where errors become
     * numbers.
     */
    private int answer(ToIntFunction<Call> operation) {
        try {
            return operation.applyAsInt(call());
        } catch (FsException e) {
            failures.failed("an operation", e);
            return -e.errno().number();
        } catch (Throwable e) {
            LOG.error("an operation failed unexpectedly; answered EIO", e);
            return -Errno.EIO.number();
        }
    }

    private int done(java.util.function.Consumer<Call> operation) {
        return answer(
                call -> {
                    operation.accept(call);
                    return 0;
                });
    }

    private Call call() {
        FuseContext context = getContext();
        int uid = context.uid.intValue();
        int pid = context.pid.intValue();
        int gid = context.gid.intValue();
        Caller caller = new Caller(uid, gid, new int[0]);
        if (uid != 0 && pid != 0) {
            ProcessCredentials read = ProcessCredentials.read(pid);
            caller = new Caller(uid, gid, read.groups(), read.capabilities());
        }
        return new Call(caller, pid, context.umask.intValue() & 0777, true);
    }

    private OpenFile file(FuseFileInfo info) {
        OpenFile file = open.get(info.fh.longValue());
        if (file == null) {
            throw new FsException(Errno.EBADF);
        }
        return file;
    }

    private void remember(FuseFileInfo info, InodeId inode, Opened opened) {
        long number = nextOpen.getAndIncrement();
        open.put(number, new OpenFile(inode, opened.handle()));
        info.fh.set(number);
    }

    private static ByteBuffer bytes(Pointer pointer, long length) {
        return MEMORY.newDirectByteBuffer(pointer.address(), Math.toIntExact(length));
    }

    private void forget(Entry entry) {
        fs.forget(entry.attributes().inode(), 1);
    }

    @Override
    public int getattr(String path, FileStat stat) {
        return done(call -> fill(stat, paths.attributes(call, path)));
    }

    @Override
    public int fgetattr(String path, FileStat stat, FuseFileInfo info) {
        return done(call -> fill(stat, fs.getAttributes(call, file(info).inode).attributes()));
    }

    private static void fill(FileStat stat, Attributes a) {
        stat.st_ino.set(a.inode().value());
        stat.st_mode.set(a.stMode());
        stat.st_nlink.set(a.linkCount());
        stat.st_uid.set(a.uid());
        stat.st_gid.set(a.gid());
        stat.st_rdev.set(a.rdev());
        stat.st_size.set(a.size());
        stat.st_blksize.set(BLOCK_BYTES);
        stat.st_blocks.set(a.allocatedSectors() * (BLOCK_BYTES / 512));
        fill(stat.st_atim, a.atimeNs());
        fill(stat.st_mtim, a.mtimeNs());
        fill(stat.st_ctim, a.ctimeNs());
    }

    private static void fill(Timespec time, long ns) {
        time.tv_sec.set(Math.floorDiv(ns, NS));
        time.tv_nsec.set(Math.floorMod(ns, NS));
    }

    @Override
    public int readlink(String path, Pointer buffer, long size) {
        return done(
                call -> {
                    byte[] target = fs.readLink(call, paths.inode(call, path));
                    int length = (int) Math.min(target.length, size - 1);
                    buffer.put(0, target, 0, length);
                    buffer.putByte(length, (byte) 0);
                });
    }

    @Override
    public int mknod(String path, long mode, long rdev) {
        return done(
                call -> {
                    Paths.Place at = paths.place(call, path);
                    forget(fs.makeNode(call, at.parent(), at.name(), (int) mode, (int) rdev));
                });
    }

    @Override
    public int mkdir(String path, long mode) {
        return done(
                call -> {
                    Paths.Place at = paths.place(call, path);
                    forget(fs.makeDirectory(call, at.parent(), at.name(), (int) mode & 07777));
                });
    }

    @Override
    public int symlink(String target, String path) {
        return done(
                call -> {
                    Paths.Place at = paths.place(call, path);
                    byte[] bytes = target.getBytes(StandardCharsets.UTF_8);
                    forget(fs.symlink(call, at.parent(), at.name(), bytes));
                });
    }

    @Override
    public int link(String path, String newPath) {
        return done(
                call -> {
                    InodeId inode = paths.inode(call, path);
                    Paths.Place at = paths.place(call, newPath);
                    forget(fs.link(call, inode, at.parent(), at.name()));
                });
    }

    @Override
    public int unlink(String path) {
        return done(
                call -> {
                    Paths.Place at = paths.place(call, path);
                    fs.unlink(call, at.parent(), at.name());
                });
    }

    @Override
    public int rmdir(String path) {
        return done(
                call -> {
                    Paths.Place at = paths.place(call, path);
                    fs.removeDirectory(call, at.parent(), at.name());
                });
    }

    @Override
    public int rename(String path, String newPath) {
        return done(
                call -> {
                    Paths.Place from = paths.place(call, path);
                    Paths.Place to = paths.place(call, newPath);
                    fs.rename(call, from.parent(), from.name(), to.parent(), to.name(), 0);
                });
    }

    @Override
    public int chmod(String path, long mode) {
        return change(path, new Change().mode((int) mode & 07777));
    }

    @Override
    public int chown(String path, long uid, long gid) {
        return change(
                path,
                new Change()
                        .owner(
                                (uid & UNCHANGED_ID) == UNCHANGED_ID ? null : (int) uid,
                                (gid & UNCHANGED_ID) == UNCHANGED_ID ? null : (int) gid));
    }

    @Override
    public int truncate(String path, long size) {
        return change(path, new Change().size(size, 0));
    }

    @Override
    public int ftruncate(String path, long size, FuseFileInfo info) {
        return done(
                call -> {
                    OpenFile file = file(info);
                    fs.setAttributes(
                            call, file.inode, new Change().size(size, file.handle).build());
                });
    }

    @Override
    public int utimens(String path, Timespec[] times) {
        return change(path, new Change().times(time(times[0]), time(times[1])));
    }

    private static @Nullable Long time(Timespec time) {
        long nanos = time.tv_nsec.longValue();
        if (nanos == UTIME_OMIT) {
            return null;
        }
        return nanos == UTIME_NOW ? AttributeChange.NOW : time.tv_sec.longValue() * NS + nanos;
    }

    private int change(String path, Change change) {
        return done(call -> fs.setAttributes(call, paths.inode(call, path), change.build()));
    }

    @Override
    public int open(String path, FuseFileInfo info) {
        return done(
                call -> {
                    InodeId inode = paths.inode(call, path);
                    remember(info, inode, fs.open(call, inode, info.flags.intValue()));
                });
    }

    @Override
    public int create(String path, long mode, FuseFileInfo info) {
        return done(
                call -> {
                    Paths.Place at = paths.place(call, path);
                    int flags = info.flags.intValue();
                    Created created =
                            fs.create(call, at.parent(), at.name(), (int) mode & 07777, flags);
                    remember(info, created.entry().attributes().inode(), created.opened());
                    forget(created.entry());
                });
    }

    @Override
    public int read(String path, Pointer buffer, long size, long offset, FuseFileInfo info) {
        return answer(
                call -> {
                    OpenFile file = file(info);
                    return fs.read(
                            call, file.inode, file.handle, offset, bytes(buffer, size), true);
                });
    }

    @Override
    public int write(String path, Pointer buffer, long size, long offset, FuseFileInfo info) {
        return answer(
                call -> {
                    OpenFile file = file(info);
                    int flags = info.flags.intValue();
                    // libfuse 2 tells neither whether to clear setuid bits nor, reliably, what
                    // write-back is.
                    return fs.write(
                            call,
                            file.inode,
                            file.handle,
                            offset,
                            bytes(buffer, size),
                            flags,
                            call.caller().uid() != 0,
                            false);
                });
    }

    @Override
    public int flush(String path, FuseFileInfo info) {
        return done(
                call -> {
                    OpenFile file = file(info);
                    fs.flush(call, file.inode, file.handle, info.lock_owner.longValue());
                });
    }

    @Override
    public int release(String path, FuseFileInfo info) {
        return done(
                call -> {
                    OpenFile file = file(info);
                    open.remove(info.fh.longValue());
                    fs.release(call, file.inode, file.handle, info.lock_owner.longValue(), false);
                });
    }

    @Override
    public int fsync(String path, int dataOnly, FuseFileInfo info) {
        return done(
                call -> {
                    OpenFile file = file(info);
                    fs.fsync(call, file.inode, file.handle, dataOnly != 0);
                });
    }

    @Override
    public int fallocate(String path, int mode, long offset, long length, FuseFileInfo info) {
        return done(
                call -> {
                    OpenFile file = file(info);
                    fs.fallocate(call, file.inode, file.handle, mode, offset, length);
                });
    }

    @Override
    public int opendir(String path, FuseFileInfo info) {
        return done(
                call -> {
                    InodeId inode = paths.inode(call, path);
                    remember(info, inode, fs.openDirectory(call, inode, info.flags.intValue()));
                });
    }

    @Override
    public int readdir(
            String path, Pointer buffer, FuseFillDir filler, long offset, FuseFileInfo info) {
        return done(
                call -> {
                    OpenFile dir = file(info);
                    var stat =
                            FileStat.of(
                                    jnr.ffi.Memory.allocateDirect(
                                            jnr.ffi.Runtime.getSystemRuntime(), 256, true));
                    fs.readDirectory(
                            call,
                            dir.inode,
                            dir.handle,
                            offset,
                            false,
                            (name, inode, type, nextPosition, entry) -> {
                                stat.st_ino.set(inode.value());
                                stat.st_mode.set(type.modeBits());
                                return filler.apply(
                                                buffer,
                                                cString(name),
                                                Struct.getMemory(stat),
                                                nextPosition)
                                        == 0;
                            });
                });
    }

    private static ByteBuffer cString(Name name) {
        return ByteBuffer.allocateDirect(name.length() + 1).put(0, name.bytes());
    }

    @Override
    public int releasedir(String path, FuseFileInfo info) {
        return done(
                call -> {
                    OpenFile dir = file(info);
                    open.remove(info.fh.longValue());
                    fs.releaseDirectory(call, dir.inode, dir.handle);
                });
    }

    @Override
    public int fsyncdir(String path, FuseFileInfo info) {
        return done(
                call -> {
                    OpenFile dir = file(info);
                    fs.fsyncDirectory(call, dir.inode, dir.handle, false);
                });
    }

    @Override
    public int statfs(String path, Statvfs out) {
        return done(
                call -> {
                    FileSystemStatistics s = fs.statfs(call, InodeId.ROOT);
                    out.f_bsize.set(BLOCK_BYTES);
                    out.f_frsize.set(BLOCK_BYTES);
                    out.f_blocks.set(s.blocks());
                    out.f_bfree.set(s.blocksFree());
                    out.f_bavail.set(s.blocksFree());
                    out.f_files.set(s.inodes());
                    out.f_ffree.set(s.inodesFree());
                    out.f_favail.set(s.inodesFree());
                    out.f_namemax.set(s.nameBytesMax());
                });
    }

    @Override
    public int setxattr(String path, String name, Pointer value, long size, int flags) {
        return done(
                call -> {
                    var copy = new byte[Math.toIntExact(size)];
                    if (copy.length > 0) {
                        value.get(0, copy, 0, copy.length);
                    }
                    fs.setXattr(call, paths.inode(call, path), Name.of(name), copy, flags, false);
                });
    }

    @Override
    public int getxattr(String path, String name, Pointer value, long size) {
        return answer(
                call ->
                        copyOut(
                                fs.getXattr(call, paths.inode(call, path), Name.of(name)),
                                value,
                                size));
    }

    @Override
    public int listxattr(String path, Pointer list, long size) {
        return answer(
                call -> {
                    List<Name> names = fs.listXattrs(call, paths.inode(call, path));
                    int length = names.stream().mapToInt(name -> name.length() + 1).sum();
                    ByteBuffer all = ByteBuffer.allocate(length);
                    names.forEach(name -> all.put(name.bytes()).put((byte) 0));
                    return copyOut(all.array(), list, size);
                });
    }

    /** As getxattr(2): size 0 asks for the length. */
    private static int copyOut(byte[] bytes, Pointer to, long size) {
        if (size == 0) {
            return bytes.length;
        }
        if (bytes.length > size) {
            throw new FsException(Errno.ERANGE);
        }
        to.put(0, bytes, 0, bytes.length);
        return bytes.length;
    }

    @Override
    public int removexattr(String path, String name) {
        return done(call -> fs.removeXattr(call, paths.inode(call, path), Name.of(name)));
    }
}

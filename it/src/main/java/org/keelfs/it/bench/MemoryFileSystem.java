package org.keelfs.it.bench;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Clock;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.vfs.AttributeChange;
import org.keelfs.client.vfs.AttributesAnswer;
import org.keelfs.client.vfs.Call;
import org.keelfs.client.vfs.Created;
import org.keelfs.client.vfs.DirectorySink;
import org.keelfs.client.vfs.Entry;
import org.keelfs.client.vfs.FileLock;
import org.keelfs.client.vfs.FileSystem;
import org.keelfs.client.vfs.FileSystemStatistics;
import org.keelfs.client.vfs.Opened;
import org.keelfs.it.bench.MemoryNode.DirEntry;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * A file system in this process's memory: what the adapters can do at best, and what their tests
 * mount. Permissions are the kernel's business. Thread-safe: changes of the namespace under one
 * lock, each inode under its own.
 *
 * <p>fsync of a file with the xattr {@code user.wait} waits until it is interrupted.
 */
public final class MemoryFileSystem implements FileSystem {
    private static final int O_TRUNC = 01000;
    private static final int O_APPEND = 02000;
    private static final int O_DIRECT = 040000;
    private static final int FALLOC_KEEP_SIZE = 1;
    private static final int FALLOC_PUNCH_HOLE = 2;
    private static final int FALLOC_ZERO_RANGE = 16;
    private static final int SEEK_HOLE = 4;
    private static final int XATTR_CREATE = 1;
    private static final int XATTR_REPLACE = 2;
    private static final long SIZE_MAX = (long) MemoryNode.CHUNK * (Integer.MAX_VALUE - 8);
    private static final Name WAIT = Name.of("user.wait");
    private static final Name DOT = Name.of(".");
    private static final Name DOT_DOT = Name.of("..");
    private static final byte[] NO_TARGET = {};
    private static final String ACL_PREFIX = "system.posix_acl_";

    private final boolean alwaysMoves;
    private final long bytesMax;
    private final long validNs;
    private final MemoryTree tree = new MemoryTree();
    private final AtomicLong nextHandle = new AtomicLong();
    private final AtomicLong bytesUsed = tree.bytesUsed;
    private volatile @Nullable CountDownLatch writeGate;
    private final AtomicInteger waiting = new AtomicInteger();

    /**
     * @param alwaysMoves every operation asks for a thread that may wait, as an uncached one would
     * @param bytesMax of all files
     * @param validNs how long the kernel may keep names and attributes
     */
    public MemoryFileSystem(boolean alwaysMoves, long bytesMax, long validNs) {
        this.alwaysMoves = alwaysMoves;
        this.bytesMax = bytesMax;
        this.validNs = validNs;
    }

    private void begin(Call call) {
        if (alwaysMoves) {
            call.beforeWait();
        }
    }

    /** The answer of a lookup, which counts as one. */
    private Entry counted(MemoryNode node) {
        synchronized (node) {
            node.lookups++;
            return entry(node);
        }
    }

    private Entry entry(MemoryNode node) {
        return new Entry(node.attributes(), validNs, validNs);
    }

    @Override
    public Entry lookup(Call call, InodeId parent, Name name) {
        begin(call);
        MemoryNode dir = tree.node(parent);
        if (name.equals(DOT)) {
            return counted(dir);
        }
        if (name.equals(DOT_DOT)) {
            return counted(Objects.requireNonNull(tree.directory(parent).parent));
        }
        return counted(MemoryTree.existing(tree.directory(parent), name).node());
    }

    @Override
    public long absenceValidNs(InodeId parent, Name name) {
        return validNs;
    }

    @Override
    public void forget(InodeId inode, long lookups) {
        MemoryNode node = tree.maybe(inode);
        if (node != null) {
            synchronized (node) {
                node.lookups = Math.max(0, node.lookups - lookups);
                tree.dropIfUnused(node);
            }
        }
    }

    @Override
    public AttributesAnswer getAttributes(Call call, InodeId inode) {
        begin(call);
        return answer(tree.node(inode));
    }

    private AttributesAnswer answer(MemoryNode node) {
        return new AttributesAnswer(node.attributes(), validNs);
    }

    @Override
    public void setInodeFlags(Call call, InodeId inode, int flags) {
        throw new FsException(Errno.EOPNOTSUPP);
    }

    @Override
    public AttributesAnswer setAttributes(Call call, InodeId inode, AttributeChange change) {
        begin(call);
        MemoryNode node = tree.node(inode);
        if (change.size() != null) {
            resize(node, change.size());
        }
        synchronized (node) {
            node.ctimeNs = Clock.SYSTEM.wallNs();
            if (change.killSuidGid()) {
                node.killSuidGid();
            }
            node.mode = change.mode() != null ? change.mode() : node.mode;
            node.uid = change.uid() != null ? change.uid() : node.uid;
            node.gid = change.gid() != null ? change.gid() : node.gid;
            node.atimeNs = time(change.atimeNs(), node.atimeNs);
            node.mtimeNs = time(change.mtimeNs(), node.mtimeNs);
            return answer(node);
        }
    }

    private static long time(@Nullable Long wanted, long old) {
        if (wanted == null) {
            return old;
        }
        return wanted == AttributeChange.NOW ? Clock.SYSTEM.wallNs() : wanted;
    }

    private void resize(MemoryNode node, long size) {
        if (size > SIZE_MAX) {
            throw new FsException(Errno.EFBIG);
        }
        long before = node.attributes().allocatedSectors();
        node.truncate(size);
        bytesUsed.addAndGet((node.attributes().allocatedSectors() - before) * MemoryNode.SECTOR);
    }

    @Override
    public byte[] readLink(Call call, InodeId inode) {
        begin(call);
        return tree.node(inode).target;
    }

    @Override
    public Entry makeNode(Call call, InodeId parent, Name name, int mode, int rdev) {
        begin(call);
        return counted(
                tree.make(
                        call, parent, name, FileType.ofMode(mode), mode & 07777, rdev, NO_TARGET));
    }

    @Override
    public Entry makeDirectory(Call call, InodeId parent, Name name, int mode) {
        begin(call);
        return counted(tree.make(call, parent, name, FileType.DIRECTORY, mode, 0, NO_TARGET));
    }

    @Override
    public Entry symlink(Call call, InodeId parent, Name name, byte[] target) {
        begin(call);
        return counted(tree.make(call, parent, name, FileType.SYMLINK, 0777, 0, target));
    }

    @Override
    public Entry link(Call call, InodeId inode, InodeId newParent, Name newName) {
        begin(call);
        return counted(tree.link(inode, newParent, newName));
    }

    @Override
    public void unlink(Call call, InodeId parent, Name name) {
        begin(call);
        tree.unlink(parent, name, false);
    }

    @Override
    public void removeDirectory(Call call, InodeId parent, Name name) {
        begin(call);
        tree.unlink(parent, name, true);
    }

    @Override
    public void rename(
            Call call,
            InodeId oldParent,
            Name oldName,
            InodeId newParent,
            Name newName,
            int flags) {
        begin(call);
        tree.rename(oldParent, oldName, newParent, newName, flags);
    }

    @Override
    public Opened open(Call call, InodeId inode, int flags) {
        begin(call);
        MemoryNode node = tree.node(inode);
        if ((flags & O_TRUNC) != 0) {
            resize(node, 0);
        }
        return opened(node, flags);
    }

    private Opened opened(MemoryNode node, int flags) {
        synchronized (node) {
            node.opens++;
        }
        boolean direct = (flags & O_DIRECT) != 0;
        return new Opened(nextHandle.incrementAndGet(), true, false, direct);
    }

    @Override
    public Created create(Call call, InodeId parent, Name name, int mode, int flags) {
        begin(call);
        MemoryNode node = tree.make(call, parent, name, FileType.REGULAR, mode, 0, NO_TARGET);
        return new Created(counted(node), opened(node, flags));
    }

    @Override
    public Created createUnnamed(Call call, InodeId parent, int mode, int flags) {
        begin(call);
        MemoryNode node = tree.unnamed(call, tree.directory(parent), FileType.REGULAR, mode);
        node.links = 0;
        return new Created(counted(node), opened(node, flags));
    }

    @Override
    public int read(
            Call call,
            InodeId inode,
            long handle,
            long offset,
            ByteBuffer target,
            boolean intoPageCache) {
        begin(call);
        MemoryNode node = tree.node(inode);
        return node.read(offset, target);
    }

    private void await(Call call, CountDownLatch gate) {
        call.beforeWait();
        waiting.incrementAndGet();
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new FsException(Errno.EINTR);
        } finally {
            waiting.decrementAndGet();
        }
    }

    /** From now on writes wait until the gate opens; null lets them through again. */
    public void holdWrites(@Nullable CountDownLatch gate) {
        writeGate = gate;
    }

    /** Calls that wait now. */
    public int waiting() {
        return waiting.get();
    }

    @Override
    public int write(
            Call call,
            InodeId inode,
            long handle,
            long offset,
            ByteBuffer source,
            int flags,
            boolean killSuidGid,
            boolean fromPageCache) {
        begin(call);
        CountDownLatch gate = writeGate;
        if (gate != null) {
            await(call, gate);
        }
        MemoryNode node = tree.node(inode);
        int bytes = source.remaining();
        if (offset > SIZE_MAX - bytes) {
            throw new FsException(Errno.EFBIG);
        }
        if (bytesUsed.get() + bytes > bytesMax) {
            throw new FsException(Errno.ENOSPC);
        }
        if (killSuidGid) {
            node.killSuidGid();
        }
        long at = (flags & O_APPEND) != 0 && !fromPageCache ? -1 : offset;
        bytesUsed.addAndGet(node.write(at, source));
        return bytes;
    }

    @Override
    public void flush(Call call, InodeId inode, long handle, long lockOwner) {
        begin(call);
    }

    @Override
    public void release(
            Call call, InodeId inode, long handle, long lockOwner, boolean unlockFlock) {
        begin(call);
        MemoryNode node = tree.maybe(inode);
        if (node != null) {
            synchronized (node) {
                node.opens--;
                tree.dropIfUnused(node);
            }
        }
    }

    @Override
    public void fsync(Call call, InodeId inode, long handle, boolean dataOnly) {
        begin(call);
        MemoryNode node = tree.node(inode);
        boolean waits;
        synchronized (node) {
            waits = node.xattrs != null && node.xattrs.containsKey(WAIT);
        }
        if (waits) {
            await(call, new CountDownLatch(1));
        }
    }

    @Override
    public FileLock getLock(Call call, InodeId inode, long handle, long lockOwner, FileLock lock) {
        throw new FsException(Errno.ENOSYS); // Locks stay in the kernel.
    }

    @Override
    public void setLock(
            Call call, InodeId inode, long handle, long lockOwner, FileLock lock, boolean waits) {
        throw new FsException(Errno.ENOSYS);
    }

    @Override
    public Opened openDirectory(Call call, InodeId inode, int flags) {
        begin(call);
        MemoryNode node = tree.directory(inode);
        return opened(node, 0);
    }

    @Override
    public void readDirectory(
            Call call,
            InodeId inode,
            long handle,
            long position,
            boolean plus,
            DirectorySink sink) {
        begin(call);
        MemoryNode dir = tree.directory(inode);
        MemoryNode parent = Objects.requireNonNull(dir.parent);
        if (position < 1
                && !sink.add(DOT, dir.id, FileType.DIRECTORY, 1, plus ? entry(dir) : null)) {
            return;
        }
        if (position < 2
                && !sink.add(
                        DOT_DOT, parent.id, FileType.DIRECTORY, 2, plus ? entry(parent) : null)) {
            return;
        }
        for (DirEntry e : dir.byPosition.tailMap(position, false).values()) {
            MemoryNode node = e.node();
            // Counted only if it was added; the lock keeps the node until then.
            synchronized (node) {
                Entry attributes = plus ? entry(node) : null;
                if (!sink.add(e.name(), node.id, node.type, e.position(), attributes)) {
                    return;
                }
                node.lookups += plus ? 1 : 0;
            }
        }
    }

    @Override
    public void releaseDirectory(Call call, InodeId inode, long handle) {
        release(call, inode, handle, 0, false);
    }

    @Override
    public void fsyncDirectory(Call call, InodeId inode, long handle, boolean dataOnly) {
        begin(call);
    }

    @Override
    public FileSystemStatistics statfs(Call call, InodeId inode) {
        begin(call);
        long blocks = bytesMax / MemoryNode.SECTOR;
        long used = bytesUsed.get() / MemoryNode.SECTOR;
        return new FileSystemStatistics(
                blocks,
                Math.max(0, blocks - used),
                1L << 32,
                (1L << 32) - tree.size(),
                Name.BYTES_MAX);
    }

    @Override
    public byte[] getXattr(Call call, InodeId inode, Name name) {
        begin(call);
        refuseAcl(name);
        MemoryNode node = tree.node(inode);
        synchronized (node) {
            byte[] value = node.xattrs == null ? null : node.xattrs.get(name);
            if (value == null) {
                throw new FsException(Errno.ENODATA);
            }
            return value;
        }
    }

    private static void refuseAcl(Name name) {
        if (name.toString().startsWith(ACL_PREFIX)) {
            throw new FsException(Errno.EOPNOTSUPP);
        }
    }

    @Override
    public List<Name> listXattrs(Call call, InodeId inode) {
        begin(call);
        MemoryNode node = tree.node(inode);
        synchronized (node) {
            return node.xattrs == null ? List.of() : new ArrayList<>(node.xattrs.keySet());
        }
    }

    @Override
    public void setXattr(
            Call call, InodeId inode, Name name, byte[] value, int flags, boolean killSgid) {
        begin(call);
        refuseAcl(name);
        MemoryNode node = tree.node(inode);
        synchronized (node) {
            Map<Name, byte[]> xattrs = node.xattrsForChange();
            if ((flags & XATTR_CREATE) != 0 && xattrs.containsKey(name)) {
                throw new FsException(Errno.EEXIST);
            }
            if ((flags & XATTR_REPLACE) != 0 && !xattrs.containsKey(name)) {
                throw new FsException(Errno.ENODATA);
            }
            xattrs.put(name, value);
            node.touch(false);
        }
    }

    @Override
    public void removeXattr(Call call, InodeId inode, Name name) {
        begin(call);
        MemoryNode node = tree.node(inode);
        synchronized (node) {
            if (node.xattrs == null || node.xattrs.remove(name) == null) {
                throw new FsException(Errno.ENODATA);
            }
            node.touch(false);
        }
    }

    @Override
    public void access(Call call, InodeId inode, int mask) {
        begin(call);
        Objects.requireNonNull(tree.node(inode));
    }

    @Override
    public void fallocate(
            Call call, InodeId inode, long handle, int mode, long offset, long length) {
        begin(call);
        MemoryNode node = tree.node(inode);
        if (offset > SIZE_MAX - length) {
            throw new FsException(Errno.EFBIG);
        }
        if ((mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) != 0) {
            throw new FsException(Errno.EOPNOTSUPP);
        }
        if ((mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) != 0) {
            long before = node.attributes().allocatedSectors();
            node.punch(offset, offset + length);
            bytesUsed.addAndGet(
                    (node.attributes().allocatedSectors() - before) * MemoryNode.SECTOR);
        }
        if ((mode & FALLOC_KEEP_SIZE) == 0) {
            node.extend(offset + length);
        }
    }

    @Override
    public long seek(Call call, InodeId inode, long handle, long offset, int whence) {
        begin(call);
        long found = tree.node(inode).seek(offset, whence == SEEK_HOLE);
        if (found < 0) {
            throw new FsException(Errno.ENXIO);
        }
        return found;
    }

    @Override
    public long copyFileRange(
            Call call,
            InodeId source,
            long sourceHandle,
            long sourceOffset,
            InodeId target,
            long targetHandle,
            long targetOffset,
            long length) {
        begin(call);
        MemoryNode from = tree.node(source);
        MemoryNode to = tree.node(target);
        var buffer = ByteBuffer.allocate(MemoryNode.CHUNK);
        long copied = 0;
        while (copied < length) {
            buffer.clear().limit((int) Math.min(length - copied, buffer.capacity()));
            int n = from.read(sourceOffset + copied, buffer);
            if (n == 0) {
                break;
            }
            bytesUsed.addAndGet(to.write(targetOffset + copied, buffer.flip()));
            copied += n;
        }
        return copied;
    }
}

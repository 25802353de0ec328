package org.keelfs.client.vfs;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Executor;
import org.keelfs.base.Clock;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.MetadataCache;
import org.keelfs.client.data.FileData;
import org.keelfs.client.data.WriteBackListener;
import org.keelfs.client.lease.KernelCache;
import org.keelfs.client.lease.Leases;
import org.keelfs.client.lease.Operations;
import org.keelfs.client.lock.FileLocks;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.NamespaceClient;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.Permissions;
import org.keelfs.wire.proto.MetadataProto.StatfsReply;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The core of a mount: POSIX operations over leases, caches, the metadata session and the data
 * path. Here numbers of the kernel meet those of the volume (the root is 1 to the kernel); the work
 * is in the operations of this package.
 */
public final class Vfs implements FileSystem {
    private static final Logger LOG = LoggerFactory.getLogger(Vfs.class);

    /**
     * statfs(2) is answered from memory for this long: df and shells ask often, the answer moves
     * slowly.
     */
    private static final long STATFS_VALID_NS = 1_000_000_000L;

    private static final int BLOCK_BYTES = 4096;

    private final VfsContext vfs;
    private final InodeId root;
    private final InodeReader reader;
    private final AttributeOperations attributes;
    private final FileOperations files;
    private final CopyOperations copies;
    private final NamespaceOperations names;
    private final NameRemovals removals;
    private final DirectoryOperations directories;
    private final XattrOperations xattrs;
    private final LockOperations locks;
    private final WriteBacks writeBacks;
    private final AccessTimes accessTimes;
    private final SharedOperations shared;
    private final Recalls recalls;
    private final Executor notifier;
    private KernelCache kernel = KernelCache.NONE;
    private volatile long statfsAtNs;
    private volatile StatfsReply statfs = StatfsReply.getDefaultInstance();

    /**
     * @param session open
     * @param notifier runs invalidations of the kernel's caches, off the threads that serve it
     */
    public Vfs(
            MetadataSession session,
            Leases leases,
            FileLocks locks,
            NamespaceWriter names,
            MetadataCache cache,
            FileData data,
            Clock clock,
            AccessRule accessRule,
            Executor notifier) {
        this.vfs =
                new VfsContext(
                        session,
                        new NamespaceClient(session, names::drain),
                        leases,
                        new Operations(session),
                        names,
                        cache,
                        data,
                        new FileStates(),
                        new Handles(),
                        new Commands(clock),
                        clock,
                        accessRule);
        this.root = new InodeId(session.volume().getRoot());
        this.notifier = notifier;
        this.reader = new InodeReader(vfs);
        this.writeBacks = new WriteBacks(vfs);
        this.accessTimes = new AccessTimes(vfs, reader, writeBacks);
        this.shared = new SharedOperations(vfs);
        this.attributes = new AttributeOperations(vfs, reader, writeBacks);
        this.locks = new LockOperations(locks, names);
        this.files = new FileOperations(vfs, reader, attributes, writeBacks, shared, this.locks);
        this.copies = new CopyOperations(vfs, files, writeBacks, session.volume().getChunkBytes());
        this.directories = new DirectoryOperations(vfs, reader, files);
        var adoption = new Adoption(vfs, directories);
        var earlyPins = new EarlyPins(vfs);
        this.recalls = new Recalls(vfs, writeBacks, shared, adoption, earlyPins);
        var answers = new LocalAnswers(vfs, adoption);
        this.names = new NamespaceOperations(vfs, reader, files, answers, earlyPins);
        this.removals = new NameRemovals(vfs, this.names, files, writeBacks, answers);
        this.xattrs = new XattrOperations(vfs, reader);
    }

    /** Connects leases with the kernel's caches; before the first operation. */
    public void attach(KernelCache kernelCache) {
        kernel = new RootedKernelCache(kernelCache, root);
        vfs.names().attach(new LocalNames(vfs));
        vfs.leases().attach(kernel, recalls, reader::onAcquired);
        files.attach(kernel);
    }

    /** Told by the flusher. */
    public WriteBackListener writeBackListener() {
        return writeBacks;
    }

    /**
     * Sends sizes and times that no write-back will bring along; to be called every second or so.
     */
    public void sendSettled() {
        try {
            writeBacks.sendSettled();
            vfs.leases().giveBackIdleShared();
        } catch (FsException e) {
            LOG.debug("Sizes wait for the metadata server: {}", e.getMessage());
        }
    }

    /** Makes everything durable; throws the first failure after trying all. */
    public void flushAll() {
        FsException failure = null;
        for (InodeId inode : vfs.data().dirtyInodes()) {
            try {
                vfs.data().flush(inode);
            } catch (FsException e) {
                LOG.error("{}: not flushed: {}", inode, e.getMessage());
                failure = failure == null ? e : failure;
            }
        }
        List<InodeId> owned = vfs.files().all().stream().map(state -> state.inode).toList();
        writeBacks.send(owned);
        shared.settleAll();
        vfs.names().drain();
        vfs.session().force();
        if (failure != null) {
            throw failure;
        }
    }

    /** Inodes with bytes that are not yet durable. */
    public List<InodeId> dirtyInodes() {
        return vfs.data().dirtyInodes();
    }

    /** A file for messages: its last known path, or its number. */
    public String describe(InodeId inode) {
        return vfs.cache().describe(inode);
    }

    /**
     * The session is gone: what was cached is void, what was not written is lost and reported.
     * Waits for nobody: who uses a file now may wait for the server, which answers only the next
     * session.
     */
    public void onSessionLost() {
        List<InodeId> held = vfs.leases().onSessionLost();
        vfs.names().onSessionLost();
        for (InodeId inode : held) {
            FileState state = vfs.files().ifPresent(inode);
            if (state != null) {
                state.lose();
            }
            // After it has lost its file a writer takes away what it still adds.
            if (vfs.data().abandon(inode)) {
                LOG.error("{}: bytes that were not yet written are lost with the session", inode);
                if (state != null) {
                    state.loseBytes();
                }
            }
            vfs.cache().forget(inode);
            notifier.execute(() -> kernel.invalidateData(inode, 0, 0));
        }
        vfs.cache().clear();
        notifier.execute(() -> kernel.invalidateDirectory(root));
    }

    // ---- numbers ----

    private InodeId in(InodeId nodeid) {
        return nodeid.equals(InodeId.ROOT) ? root : nodeid;
    }

    private Attributes out(Attributes a) {
        if (!a.inode().equals(root) || root.equals(InodeId.ROOT)) {
            return a;
        }
        return new Attributes(
                InodeId.ROOT,
                a.type(),
                a.mode(),
                a.uid(),
                a.gid(),
                a.linkCount(),
                a.rdev(),
                a.size(),
                a.allocatedSectors(),
                a.atimeNs(),
                a.mtimeNs(),
                a.ctimeNs(),
                a.btimeNs(),
                a.flags(),
                a.version());
    }

    private Entry out(Entry entry) {
        return new Entry(out(entry.attributes()), entry.entryValidNs(), entry.attributesValidNs());
    }

    private Created out(Created created) {
        return new Created(out(created.entry()), created.opened());
    }

    private AttributesAnswer answer(Attributes a) {
        return new AttributesAnswer(out(a), reader.validNs(a));
    }

    // ---- names ----

    @Override
    public Entry lookup(Call call, InodeId parent, Name name) {
        return out(names.lookup(call, in(parent), name));
    }

    @Override
    public long absenceValidNs(InodeId parent, Name name) {
        return names.isKnownAbsent(in(parent), name) ? vfs.leases().remainingNs() : 0;
    }

    @Override
    public void forget(InodeId inode, long lookups) {
        // Inode numbers are nodeids: there is no table of references to keep.
    }

    @Override
    public Entry makeNode(Call call, InodeId parent, Name name, int mode, int rdev) {
        return out(names.make(call, in(parent), name, mode, rdev, null));
    }

    @Override
    public Entry makeDirectory(Call call, InodeId parent, Name name, int mode) {
        int stMode = org.keelfs.model.FileType.DIRECTORY.modeBits() | (mode & 0xFFF);
        return out(names.make(call, in(parent), name, stMode, 0, null));
    }

    @Override
    public Entry symlink(Call call, InodeId parent, Name name, byte[] target) {
        int stMode = org.keelfs.model.FileType.SYMLINK.modeBits() | 0x1FF;
        return out(names.make(call, in(parent), name, stMode, 0, target));
    }

    @Override
    public Entry link(Call call, InodeId inode, InodeId newParent, Name newName) {
        return out(names.link(call, in(inode), in(newParent), newName));
    }

    @Override
    public void unlink(Call call, InodeId parent, Name name) {
        removals.remove(call, in(parent), name, false);
    }

    @Override
    public void removeDirectory(Call call, InodeId parent, Name name) {
        removals.remove(call, in(parent), name, true);
    }

    @Override
    public void rename(
            Call call,
            InodeId oldParent,
            Name oldName,
            InodeId newParent,
            Name newName,
            int flags) {
        removals.rename(call, in(oldParent), oldName, in(newParent), newName, flags);
    }

    @Override
    public byte[] readLink(Call call, InodeId inode) {
        byte[] target = reader.symlinkTarget(call, in(inode));
        accessTimes.onRead(call, in(inode), 0);
        return target;
    }

    // ---- attributes ----

    @Override
    public AttributesAnswer getAttributes(Call call, InodeId inode) {
        return answer(reader.attributes(call, in(inode)));
    }

    @Override
    public AttributesAnswer setAttributes(Call call, InodeId inode, AttributeChange change) {
        // The kernel takes what SETATTR answers, also after an invalidation that it crossed.
        return new AttributesAnswer(out(attributes.set(call, in(inode), change)), 0);
    }

    @Override
    public void setInodeFlags(Call call, InodeId inode, int flags) {
        attributes.setInodeFlags(call, in(inode), flags);
    }

    @Override
    public void access(Call call, InodeId inode, int mask) {
        Attributes a = reader.attributes(call, in(inode));
        int bits = a.mode();
        if (Permissions.overrides(a, call.caller(), mask & 7)) {
            return;
        }
        if (call.caller().uid() == a.uid()) {
            bits >>= 6;
        } else if (call.caller().isInGroup(a.gid())) {
            bits >>= 3;
        }
        if ((mask & 7 & ~bits) != 0) {
            throw new FsException(Errno.EACCES);
        }
    }

    @Override
    public byte[] getXattr(Call call, InodeId inode, Name name) {
        return xattrs.get(call, in(inode), name);
    }

    @Override
    public List<Name> listXattrs(Call call, InodeId inode) {
        return xattrs.list(call, in(inode));
    }

    @Override
    public void setXattr(
            Call call, InodeId inode, Name name, byte[] value, int flags, boolean killSgid) {
        xattrs.set(call, in(inode), name, value, flags, killSgid);
    }

    @Override
    public void removeXattr(Call call, InodeId inode, Name name) {
        xattrs.remove(call, in(inode), name);
    }

    @Override
    public FileSystemStatistics statfs(Call call, InodeId inode) {
        if (statfsAtNs == 0 || System.nanoTime() - statfsAtNs > STATFS_VALID_NS) {
            call.beforeWait();
            statfs = vfs.namespace().statfs();
            statfsAtNs = System.nanoTime();
        }
        StatfsReply s = statfs;
        return new FileSystemStatistics(
                s.getTotalBytes() / BLOCK_BYTES,
                s.getFreeBytes() / BLOCK_BYTES,
                s.getInodes(),
                s.getInodesFree(),
                Name.BYTES_MAX);
    }

    // ---- files ----

    @Override
    public Opened open(Call call, InodeId inode, int flags) {
        return files.open(call, in(inode), flags);
    }

    @Override
    public Created create(Call call, InodeId parent, Name name, int mode, int flags) {
        return out(names.createOpen(call, in(parent), name, mode, flags));
    }

    @Override
    public Created createUnnamed(Call call, InodeId parent, int mode, int flags) {
        return names.createUnnamed(call, in(parent), mode, flags);
    }

    @Override
    public int read(
            Call call,
            InodeId inode,
            long handle,
            long offset,
            ByteBuffer target,
            boolean intoPageCache) {
        int count = files.read(call, in(inode), handle, offset, target, intoPageCache);
        accessTimes.onRead(call, in(inode), handle);
        return count;
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
        // What fits in front of the greatest size is written, as on other file systems.
        boolean append = (flags & OpenFlags.APPEND) != 0 && !fromPageCache;
        long room = FileSize.MAX_BYTES - offset;
        if (!append && room > 0 && room < source.remaining()) {
            source.limit(source.position() + (int) room);
        }
        int count = source.remaining();
        byte last = count == 0 ? 0 : source.get(source.limit() - 1);
        long at =
                files.write(
                        call, in(inode), handle, offset, source, flags, killSuidGid, fromPageCache);
        writeBacks.note(inode);
        if (at != offset && count > 0) {
            onMovedAppend(call, inode, handle, at + count - 1, last);
        }
        return count;
    }

    /**
     * The kernel appended at its own idea of the end: pages that it holds are wrong there, or where
     * the bytes went, and so is its size. The invalidation makes it drop a size that a GETATTR on
     * its way brings. So a direct write is answered after it; a buffered one, which keeps the page
     * locked until it is answered, is followed by its own last byte, which raises the size.
     */
    private void onMovedAppend(Call call, InodeId inode, long handle, long lastAt, byte last) {
        FileState state = vfs.files().ifPresent(in(inode));
        if (state == null || !state.isCached()) {
            return;
        }
        Handles.FileHandle open = vfs.handles().file(handle);
        if (call.mayBlock() && open != null && !open.cached) {
            kernel.invalidateData(inode, 0, 0);
            return;
        }
        notifier.execute(
                () -> {
                    // Otherwise the byte may be another by now.
                    if (state.isOwned() && lastAt < state.size()) {
                        kernel.storeByte(inode, lastAt, last);
                    }
                    kernel.invalidateData(inode, 0, 0);
                });
    }

    @Override
    public void flush(Call call, InodeId inode, long handle, long lockOwner) {
        locks.close(call, in(inode), lockOwner);
        files.flush(call, in(inode), handle);
    }

    @Override
    public void release(
            Call call, InodeId inode, long handle, long lockOwner, boolean unlockFlock) {
        locks.release(in(inode), handle);
        files.release(call, in(inode), handle);
    }

    @Override
    public void fsync(Call call, InodeId inode, long handle, boolean dataOnly) {
        locks.check(handle);
        files.fsync(call, in(inode), handle, dataOnly);
    }

    @Override
    public FileLock getLock(Call call, InodeId inode, long handle, long lockOwner, FileLock lock) {
        return locks.get(call, in(inode), handle, lockOwner, lock);
    }

    @Override
    public void setLock(
            Call call, InodeId inode, long handle, long lockOwner, FileLock lock, boolean waits) {
        locks.set(call, in(inode), handle, lockOwner, lock, waits);
    }

    @Override
    public void fallocate(
            Call call, InodeId inode, long handle, int mode, long offset, long length) {
        files.fallocate(call, in(inode), mode, offset, length);
    }

    @Override
    public long seek(Call call, InodeId inode, long handle, long offset, int whence) {
        return files.seek(call, in(inode), offset, whence);
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
        locks.check(sourceHandle);
        locks.check(targetHandle);
        return copies.copyRange(
                call,
                new CopyOperations.Range(
                        in(source), sourceOffset, in(target), targetHandle, targetOffset, length));
    }

    // ---- directories ----

    @Override
    public Opened openDirectory(Call call, InodeId inode, int flags) {
        return directories.open(call, in(inode));
    }

    @Override
    public void readDirectory(
            Call call,
            InodeId inode,
            long handle,
            long position,
            boolean plus,
            DirectorySink sink) {
        directories.read(call, in(inode), handle, position, plus, sink);
        accessTimes.onRead(call, in(inode), handle);
    }

    @Override
    public void releaseDirectory(Call call, InodeId inode, long handle) {
        files.release(call, in(inode), handle);
        vfs.handles().removeDirectory(handle);
    }

    @Override
    public void fsyncDirectory(Call call, InodeId inode, long handle, boolean dataOnly) {
        call.beforeWait();
        vfs.names().drain();
        files.reportLost(in(inode));
        vfs.session().force();
    }
}

package org.keelfs.client.vfs;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.CachedInode;
import org.keelfs.client.lease.KernelCache;
import org.keelfs.client.lease.LeaseUse;
import org.keelfs.client.lease.SharedLease;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.client.vfs.Handles.FileHandle;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Attributes;
import org.keelfs.model.Capability;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;

/** Contents of regular files: open to release, read and write, fsync, holes. */
final class FileOperations {

    private final VfsContext vfs;
    private final InodeReader reader;
    private final AttributeOperations attributeOperations;
    private final WriteBacks writeBacks;
    private final SharedOperations shared;
    private final LockOperations locks;
    private volatile KernelCache kernel = KernelCache.NONE;

    FileOperations(
            VfsContext vfs,
            InodeReader reader,
            AttributeOperations attributeOperations,
            WriteBacks writeBacks,
            SharedOperations shared,
            LockOperations locks) {
        this.vfs = vfs;
        this.reader = reader;
        this.attributeOperations = attributeOperations;
        this.writeBacks = writeBacks;
        this.shared = shared;
        this.locks = locks;
    }

    /** Before the first operation. */
    void attach(KernelCache kernelCache) {
        kernel = kernelCache;
    }

    /** Takes part in a lease; with {@code shareable} in SHARED too, unless the kernel caches. */
    LeaseUse use(Call call, InodeId inode, LeaseMode least, boolean kernelIo, boolean shareable) {
        FileState state = vfs.files().ifPresent(inode);
        boolean writers = state != null && state.isOpenForWriting();
        boolean shares = shareable && (state == null || !state.isCached());
        // With writers no page is filled under READ alone (DESIGN section 4, a cached handle open
        // for writing).
        LeaseMode mode = writers ? LeaseMode.WRITE : least;
        LeaseUse use = vfs.leases().tryUse(inode, mode, kernelIo, shares);
        if (use != null) {
            return use;
        }
        call.beforeWait();
        return vfs.leases().use(inode, mode, kernelIo, shares);
    }

    /** The kernel fills or empties a page: if it does so without a cached handle, it is mapped. */
    private void notePage(InodeId inode) {
        FileState state = vfs.files().ifPresent(inode);
        if (state != null && !state.isCached()) {
            state.onMapped();
        }
    }

    /**
     * Attributes for who uses the lease on the inode. They came with the grant; asking the server
     * here could wait for a recall that waits for this very use.
     */
    private Attributes underLease(Call call, InodeId inode) {
        CachedInode known = vfs.cache().inode(inode);
        return known != null ? reader.overlay(known.attributes()) : reader.attributes(call, inode);
    }

    // ---- open and close ----

    Opened open(Call call, InodeId inode, int flags) {
        boolean truncates = (flags & OpenFlags.TRUNCATE) != 0;
        boolean writes = OpenFlags.writes(flags) || truncates;
        if (truncates) {
            call.beforeWait();
        }
        LeaseMode mode = writes ? LeaseMode.WRITE : LeaseMode.READ;
        try (LeaseUse use = use(call, inode, mode, false, !truncates)) {
            boolean isShared = use.shared() != null;
            Attributes attributes = underLease(call, inode);
            if (attributes.isDirectory()) {
                throw new FsException(Errno.EISDIR);
            }
            InodeFlags.requireMayOpen(attributes, flags);
            FileState state = lockedFor(call, inode);
            try {
                if (truncates && attributes.isRegular()) {
                    attributeOperations.truncateLocked(call, state);
                }
                boolean contended = isShared || vfs.leases().isContended(inode);
                Opened opened = opened(state, flags, contended);
                return isReadUnseen(attributes, flags) ? opened.withoutCache() : opened;
            } finally {
                vfs.files().unlock(state);
            }
        }
    }

    /**
     * Whether the kernel is to forget its pages so that the read that changes the access time comes
     * here: once for each change of the file, and once a day.
     */
    private boolean isReadUnseen(Attributes attributes, int flags) {
        boolean reads = (flags & OpenFlags.ACCESS_MASK) != OpenFlags.WRITE_ONLY;
        return reads
                && AccessTimes.isDue(vfs.accessRule(), attributes, flags, vfs.clock().wallNs());
    }

    /**
     * A new handle of a locked state.
     *
     * @param contended several mounts use the file: the kernel is to cache nothing of this handle
     */
    Opened opened(FileState state, int flags, boolean contended) {
        boolean noCache = (flags & OpenFlags.DIRECT) != 0;
        boolean direct = contended || (noCache && OpenFlags.writes(flags));
        boolean cached = !direct && !noCache;
        state.onOpen(OpenFlags.writes(flags), cached);
        var handle = new FileHandle(state.inode, flags, cached, state.errorsToldBefore());
        return new Opened(vfs.handles().add(handle), !direct, direct, direct);
    }

    /** The number of a new handle of a directory, which outlives its name as a file does. */
    long openDirectory(Call call, InodeId inode) {
        FileState state = lockedFor(call, inode);
        try {
            state.onOpen(false, false);
            return vfs.handles().add(new FileHandle(inode, 0, false, state.errorsToldBefore()));
        } finally {
            vfs.files().unlock(state);
        }
    }

    /**
     * close(2): tells errors known by now, waits for nothing. It leaves them for fsync(2): a child
     * that ends closes what it inherited, and nobody looks at that answer.
     */
    void flush(Call call, InodeId inode, long handle) {
        FileHandle open = vfs.handles().file(handle);
        if (open == null || !open.isWritable()) {
            return;
        }
        FileState state = lockedFor(call, inode);
        try {
            Errno error = state.errorAfter(open.errorsSeen);
            if (error != null) {
                throw lost(inode, error);
            }
        } finally {
            vfs.files().unlock(state);
        }
    }

    private static FsException lost(InodeId inode, Errno error) {
        return new FsException(error, inode + ": an earlier write was lost");
    }

    void release(Call call, InodeId inode, long handle) {
        FileHandle open = vfs.handles().file(handle);
        if (open == null) {
            return;
        }
        FileState state = lockedFor(call, inode);
        boolean unpin;
        try {
            if (state.isPinned()) {
                call.beforeWait();
            }
            var _ = vfs.handles().removeFile(handle);
            if (state.isCached()) {
                vfs.leases().onCachedHandleClosing(inode);
            }
            state.onRelease(open.isWritable(), open.cached);
            unpin = !state.isOpen() && state.isPinned();
            if (unpin) {
                state.pinned(false);
            }
        } finally {
            vfs.files().unlock(state);
        }
        if (unpin) {
            try (NamespaceWriter.Flux _ = vfs.names().flux(List.of(inode))) {
                var result = vfs.names().submitOne(vfs.commands().pin(inode, false));
                if (!result.hasInode()) {
                    forgetGone(inode);
                }
            }
        }
    }

    /** The inode does not exist any more: nothing of it needs to be kept or written. */
    void forgetGone(InodeId inode) {
        vfs.files()
                .with(
                        inode,
                        state -> {
                            state.markGone();
                            state.disown();
                            return state;
                        });
        boolean _ = vfs.data().abandon(inode);
        vfs.cache().forget(inode);
        vfs.leases().drop(inode);
    }

    private static void reportErrorOnce(FileState state, @Nullable FileHandle handle) {
        Errno error = handle == null ? null : state.errorAfter(handle.errorsSeen);
        if (handle != null && error != null) {
            handle.errorsSeen = state.tellErrors();
            throw lost(state.inode, error);
        }
    }

    // ---- read and write ----

    /* Whether the handle's locks are lost is asked under the lease: getting it may be what tells the mount that it lost its
     * session, and then others may have had both, the locks and the lease, since the program asked.
     */

    /**
     * @throws FsException EIO, as {@link #write}, when locks that were got through it are lost
     */
    int read(
            Call call,
            InodeId inode,
            long handle,
            long offset,
            ByteBuffer target,
            boolean intoPageCache) {
        if (intoPageCache) {
            notePage(inode);
        }
        int count;
        do {
            try (LeaseUse use = use(call, inode, LeaseMode.READ, true, !intoPageCache)) {
                locks.check(handle);
                SharedLease lease = use.shared();
                if (lease != null) {
                    count = shared.read(call, inode, lease, offset, target);
                } else if (intoPageCache) {
                    count = fillPages(call, inode, offset, target);
                } else {
                    count = readUnderLease(call, inode, offset, target);
                }
            }
        } while (count == SharedOperations.AGAIN);
        return count;
    }

    private int fillPages(Call call, InodeId inode, long offset, ByteBuffer target) {
        FileState state = vfs.files().ifPresent(inode);
        if (state == null) {
            return readUnderLease(call, inode, offset, target);
        }
        long stamp = state.pages().beginFill(call);
        try {
            return readUnderLease(call, inode, offset, target);
        } finally {
            state.pages().endFill(stamp);
        }
    }

    private int readUnderLease(Call call, InodeId inode, long offset, ByteBuffer target) {
        int start = target.position();
        FileState state = vfs.files().ifPresent(inode);
        for (; ; target.position(start)) {
            int shrinks = state == null ? 0 : state.shrinks();
            int count = readUpToSize(call, inode, offset, target);
            if (state == null || state.shrinks() == shrinks) {
                return count;
            }
        }
    }

    private int readUpToSize(Call call, InodeId inode, long offset, ByteBuffer target) {
        long size = underLease(call, inode).size();
        if (offset >= size) {
            return 0;
        }
        int count = (int) Math.min(target.remaining(), size - offset);
        int limit = target.limit();
        target.limit(target.position() + count);
        try {
            if (!vfs.data().read(inode, offset, target, call.mayBlock())) {
                throw new WouldBlock();
            }
        } finally {
            target.limit(limit);
        }
        return count;
    }

    /** Returns the offset at which the bytes went. */
    long write(
            Call call,
            InodeId inode,
            long handle,
            long offset,
            ByteBuffer source,
            int flags,
            boolean killSuidGid,
            boolean fromPageCache) {
        boolean sync = (flags & (OpenFlags.SYNC | OpenFlags.DATA_SYNC)) != 0;
        if (sync) {
            call.beforeWait();
        }
        boolean append = (flags & OpenFlags.APPEND) != 0 && !fromPageCache;
        if (fromPageCache) {
            notePage(inode);
        }
        var write = new SharedOperations.Write(offset, append, source, killSuidGid, fromPageCache);
        FileState pastPages = fromPageCache ? null : stateOfDirect(handle);
        long beganNs = System.nanoTime();
        long at;
        do {
            // Without the lease: a page that is being filled may wait for another one.
            long fills = pastPages == null ? 0 : dropPages(call, pastPages, write);
            boolean anyway = System.nanoTime() - beganNs > KernelPages.ROUNDS_NS;
            // A buffered write keeps the page that it fills in part locked until it is answered,
            // and the invalidation of a recall waits for that page: so writes too are served while
            // it runs.
            try (LeaseUse use = use(call, inode, LeaseMode.WRITE, true, !fromPageCache)) {
                SharedLease lease = use.shared();
                if (lease != null) {
                    locks.check(handle);
                    at = shared.write(call, inode, lease, write);
                } else if (pastPages != null) {
                    at = writePastPages(call, pastPages, handle, write, anyway ? -1 : fills);
                } else {
                    at = writeUnderLease(call, inode, handle, write);
                }
            }
        } while (at == SharedOperations.AGAIN);
        if (sync) {
            fsync(call, inode, handle, (flags & OpenFlags.SYNC) != OpenFlags.SYNC);
        }
        return at;
    }

    /** The state of a file that is written through this handle past the kernel's pages, or null. */
    private @Nullable FileState stateOfDirect(long handle) {
        FileHandle open = vfs.handles().file(handle);
        return open == null || open.cached ? null : vfs.files().ifPresent(open.inode);
    }

    /** Has the kernel drop its pages of what is to be written; returns the fills before that. */
    private long dropPages(Call call, FileState state, SharedOperations.Write write) {
        long fills = state.pages().fills();
        if (state.isCached()) {
            call.beforeWait();
            boolean append = write.append();
            long from = append ? Math.min(write.offset(), state.size()) : write.offset();
            kernel.invalidateData(state.inode, from, append ? 0 : write.source().remaining());
        }
        return fills;
    }

    /** AGAIN: a page was filled since its pages were dropped. */
    private long writePastPages(
            Call call, FileState state, long handle, SharedOperations.Write write, long fills) {
        long stamp = state.pages().beginWrite(call, fills);
        if (stamp == 0) {
            return SharedOperations.AGAIN;
        }
        try {
            return writeUnderLease(call, state.inode, handle, write);
        } finally {
            state.pages().endWrite(stamp);
        }
    }

    private long writeUnderLease(
            Call call, InodeId inode, long handle, SharedOperations.Write write) {
        CachedInode known = vfs.cache().inode(inode);
        if (known != null && !write.fromPageCache()) {
            InodeFlags.requireMayWrite(known.attributes());
        }
        FileState state = lockedFor(call, inode);
        try {
            // From here on the file is not owned anew: a session lost now is seen by the write.
            locks.check(handle);
            long at = write.append() ? state.size() : write.offset();
            writeLocked(call, state, at, write.source(), write.killSuidGid());
            return at;
        } finally {
            vfs.files().unlock(state);
        }
    }

    private FileState lockedFor(Call call, InodeId inode) {
        FileState state = vfs.files().tryLocked(inode);
        if (state != null) {
            return state;
        }
        call.beforeWait();
        return vfs.files().locked(inode);
    }

    /** Bytes that came after their lease was lost must not wait for the next one. */
    private void checkStillOwned(FileState state) {
        if (!state.isOwned()) {
            boolean _ = vfs.data().abandon(state.inode);
            throw new FsException(Errno.EIO, state.inode + ": the lease was lost");
        }
    }

    private void writeLocked(
            Call call, FileState state, long at, ByteBuffer source, boolean killSuidGid) {
        if (!state.isOwned()) {
            throw new FsException(Errno.EIO, state.inode + ": the lease was lost");
        }
        long size = state.size();
        if (at > FileSize.MAX_BYTES - source.remaining()) {
            throw new FsException(Errno.EFBIG);
        }
        long end = at + source.remaining();
        if (end > size && state.trimBound() > size) {
            call.beforeWait();
            vfs.data().trim(state.inode, size, state.trimBound());
            state.trimmed();
        }
        if (!vfs.data().write(state.inode, at, source, size, call.mayBlock())) {
            throw new WouldBlock();
        }
        checkStillOwned(state);
        state.onWrite(end, vfs.clock().wallNs(), killSuidGid);
    }

    // ---- durability ----

    void fsync(Call call, InodeId inode, long handle, boolean dataOnly) {
        call.beforeWait();
        shared.settle(inode);
        FsException failure = null;
        try {
            vfs.data().flush(inode);
        } catch (FsException e) {
            failure = e;
        }
        FileState state = vfs.files().locked(inode);
        try {
            FileHandle open = vfs.handles().file(handle);
            if (failure != null) {
                if (open != null) {
                    open.errorsSeen = state.tellErrors();
                }
                throw failure;
            }
            reportErrorOnce(state, open);
            if (state.isOwned()) {
                state.addAllocated(vfs.data().takeAllocatedDelta(inode));
            }
            if (dataOnly ? state.hasUnsentSize() : state.hasUnsent()) {
                writeBacks.sendLocked(state);
            } else {
                state.awaitSent();
            }
        } finally {
            vfs.files().unlock(state);
        }
        // Also what the file's names depend on, which may be younger than the file.
        vfs.names().drain();
        reportLost(inode);
        vfs.session().force();
    }

    /** A change that was answered and then lost with its session is told once. */
    void reportLost(InodeId inode) {
        Errno lost = vfs.names().takeError(inode);
        if (lost != null) {
            throw new FsException(lost, inode + ": changes were lost with the session");
        }
    }

    // ---- holes ----

    void fallocate(Call call, InodeId inode, int mode, long offset, long length) {
        call.beforeWait();
        checkFallocate(mode, offset, length);
        boolean keepSize = (mode & OpenFlags.FALLOC_KEEP_SIZE) != 0;
        boolean zeroes = (mode & (OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_ZERO_RANGE)) != 0;
        boolean kills = mustKillSuidGid(call);
        try (LeaseUse _ = vfs.leases().use(inode, LeaseMode.WRITE, false)) {
            InodeFlags.requireMayAllocate(underLease(call, inode), mode);
            vfs.files()
                    .with(
                            inode,
                            state -> {
                                long end = offset + length;
                                fallocateLocked(state, zeroes, keepSize, offset, end);
                                checkStillOwned(state);
                                long grown = keepSize ? 0 : end;
                                state.onWrite(grown, vfs.clock().wallNs(), kills);
                                return state;
                            });
        }
        writeBacks.note(inode);
    }

    /** Where the kernel does not say whether setuid and setgid go. */
    static boolean mustKillSuidGid(Call call) {
        return !call.caller().has(Capability.FSETID);
    }

    private void checkFallocate(int mode, long offset, long length) {
        int known =
                OpenFlags.FALLOC_KEEP_SIZE
                        | OpenFlags.FALLOC_PUNCH_HOLE
                        | OpenFlags.FALLOC_ZERO_RANGE;
        boolean punchAndZero =
                (mode & OpenFlags.FALLOC_PUNCH_HOLE) != 0
                        && (mode & OpenFlags.FALLOC_ZERO_RANGE) != 0;
        boolean punchGrows =
                (mode & OpenFlags.FALLOC_PUNCH_HOLE) != 0
                        && (mode & OpenFlags.FALLOC_KEEP_SIZE) == 0;
        if ((mode & ~known) != 0 || punchAndZero || punchGrows) {
            throw new FsException(Errno.EOPNOTSUPP);
        }
        if (offset < 0 || length <= 0) {
            throw new FsException(Errno.EINVAL);
        }
        if (offset > FileSize.MAX_BYTES - length) {
            throw new FsException(Errno.EFBIG);
        }
    }

    private void fallocateLocked(
            FileState state, boolean zeroes, boolean keepSize, long offset, long end) {
        long size = state.size();
        if (zeroes && offset < size) {
            vfs.data().punch(state.inode, offset, Math.min(end, size));
        }
        if (!keepSize && end > size) {
            if (state.trimBound() > size) {
                vfs.data().trim(state.inode, size, state.trimBound());
                state.trimmed();
            }
            checkFree(end - size);
        } else if (!zeroes) {
            checkFree(end - offset);
        }
    }

    private void checkFree(long bytes) {
        if (vfs.namespace().statfs().getFreeBytes() < bytes) {
            throw new FsException(Errno.ENOSPC);
        }
    }

    long seek(Call call, InodeId inode, long offset, int whence) {
        call.beforeWait();
        if (whence != OpenFlags.SEEK_DATA && whence != OpenFlags.SEEK_HOLE) {
            throw new FsException(Errno.EINVAL);
        }
        try (LeaseUse _ = use(call, inode, LeaseMode.READ, false, false)) {
            long size = underLease(call, inode).size();
            if (offset < 0 || offset >= size) {
                throw new FsException(Errno.ENXIO);
            }
            boolean data = whence == OpenFlags.SEEK_DATA;
            long found = vfs.data().seek(inode, offset, size, data);
            if (found >= 0) {
                return Math.min(found, size);
            }
            if (data) {
                throw new FsException(Errno.ENXIO);
            }
            return size;
        }
    }
}

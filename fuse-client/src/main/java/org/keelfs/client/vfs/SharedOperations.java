package org.keelfs.client.vfs;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.lease.Operations.Begun;
import org.keelfs.client.lease.SharedLease;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.model.Caller;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.WriteBackCommandValue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads and writes of a file that is SHARED: each under its operation lock, straight to the nodes.
 * Thread-safe.
 */
final class SharedOperations {
    /* A write is at a majority of the nodes before its lock is released; the release carries size and times and is a
     * command, so that it is applied once and sent again after a restart of the server. Who extends the file is
     * answered after the release: others see the bytes by then, and a mount that dies takes nothing from them. Who
     * writes below the size is answered before: only the modification time is still on its way, and whoever looks at
     * it waits for the lock. A write that fails half way keeps its lock until the lease goes back "in doubt": then
     * all leave the mode, and a fresh epoch decides what is there.
     */
    private static final Logger LOG = LoggerFactory.getLogger(SharedOperations.class);

    /** Instead of a count or an offset: the lease is on its way back, begin all over. */
    static final int AGAIN = -1;

    private final VfsContext vfs;
    private final Releases releases = new Releases();

    SharedOperations(VfsContext vfs) {
        this.vfs = vfs;
    }

    /** Locks that are being released in the background, by file. */
    private static final class Releases {
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition fewer = lock.newCondition();
        private final ConcurrentHashMap<InodeId, Integer> counts = new ConcurrentHashMap<>();

        void begin(InodeId inode) {
            counts.merge(inode, 1, Integer::sum);
        }

        void end(InodeId inode) {
            counts.computeIfPresent(inode, (_, n) -> n == 1 ? null : n - 1);
            lock.lock();
            try {
                fewer.signalAll();
            } finally {
                lock.unlock();
            }
        }

        void await(InodeId inode) {
            if (!counts.containsKey(inode)) {
                return;
            }
            lock.lock();
            try {
                while (counts.containsKey(inode)) {
                    fewer.awaitUninterruptibly();
                }
            } finally {
                lock.unlock();
            }
        }

        List<InodeId> files() {
            return List.copyOf(counts.keySet());
        }
    }

    /** Waits until the server knows of all writes of this file that were answered. */
    void settle(InodeId inode) {
        releases.await(inode);
    }

    /** The same for all files. */
    void settleAll() {
        releases.files().forEach(releases::await);
    }

    /** Bytes read, or {@link #AGAIN} with nothing changed. */
    int read(Call call, InodeId inode, SharedLease lease, long offset, ByteBuffer target) {
        call.beforeWait();
        if (!target.hasRemaining()) {
            return 0;
        }
        long end = offset + target.remaining();
        Begun op = vfs.operations().beginRead(inode, lease, offset, end);
        if (op == null) {
            return AGAIN;
        }
        try {
            long size = op.attributes().size();
            int count = Math.clamp(size - offset, 0, target.remaining());
            if (count > 0) {
                int limit = target.limit();
                target.limit(target.position() + count);
                try {
                    vfs.data().readShared(inode, offset, target);
                } finally {
                    target.limit(limit);
                }
            }
            return count;
        } finally {
            vfs.operations().end(inode, lease, op.token());
        }
    }

    /** What a write is to do. */
    record Write(
            long offset,
            boolean append,
            ByteBuffer source,
            boolean killSuidGid,
            boolean fromPageCache) {}

    /** The offset at which the bytes went, or {@link #AGAIN} with nothing changed. */
    long write(Call call, InodeId inode, SharedLease lease, Write write) {
        call.beforeWait();
        int count = write.source.remaining();
        if (count == 0) {
            return write.offset;
        }
        Begun op =
                write.append
                        ? vfs.operations().beginAppend(inode, lease)
                        : vfs.operations()
                                .beginWrite(inode, lease, write.offset, write.offset + count);
        if (op == null) {
            return AGAIN;
        }
        long size = op.attributes().size();
        long at = write.append ? size : write.offset;
        boolean trims = at + count > size && op.trimBound() > size;
        long delta;
        try {
            InodeFlags.requireMayWrite(op.attributes());
            if (at > FileSize.MAX_BYTES - count) {
                throw new FsException(Errno.EFBIG);
            }
            delta = trims ? vfs.data().trimShared(inode, size, op.trimBound()) : 0;
            delta += vfs.data().writeShared(inode, at, write.source, size);
        } catch (RuntimeException e) {
            giveUp(inode, lease, op, e);
            throw e;
        }
        var change =
                WriteBackCommandValue.newBuilder()
                        .setInode(inode.value())
                        .setSize(at + count > size ? at + count : 0)
                        .setMtimeNs(Math.max(vfs.clock().wallNs(), op.attributes().mtimeNs()))
                        .setAllocatedDelta(delta)
                        .setKillSuidgid(write.killSuidGid)
                        .setOperation(op.token())
                        .setTrimmed(trims);
        Command command = vfs.commands().by(Caller.ROOT).setWriteBack(change).build();
        if (at + count > size || write.killSuidGid) {
            release(lease, op, command);
        } else {
            releaseLater(inode, lease, op, command);
        }
        return at;
    }

    /** Nothing, or nobody knows what, was written. */
    private void giveUp(InodeId inode, SharedLease lease, Begun op, RuntimeException why) {
        if (!vfs.data().isInDoubt(inode)) {
            vfs.operations().end(inode, lease, op.token());
            return;
        }
        LOG.warn(
                "{}: a write is in doubt, its sharers begin a fresh epoch: {}",
                inode,
                why.getMessage());
        vfs.session().execute(() -> vfs.leases().giveBackShared(inode));
    }

    private void release(SharedLease lease, Begun op, Command command) {
        try {
            var submitted = vfs.session().submitIn(op.session(), List.of(command));
            var _ = MetadataSession.orThrow(submitted.results().getFirst());
        } finally {
            lease.ended(op.token());
        }
    }

    private void releaseLater(InodeId inode, SharedLease lease, Begun op, Command command) {
        releases.begin(inode);
        vfs.session()
                .execute(
                        () -> {
                            try {
                                release(lease, op, command);
                            } catch (RuntimeException e) {
                                // The bytes are safe; the modification time is not.
                                LOG.warn("{}: times not taken: {}", inode, e.getMessage());
                            } finally {
                                releases.end(inode);
                            }
                        });
    }
}

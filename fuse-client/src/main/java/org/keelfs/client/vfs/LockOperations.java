package org.keelfs.client.vfs;

import java.util.List;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.lock.FileLocks;
import org.keelfs.client.lock.LockWant;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.lock.LockKind;
import org.keelfs.lock.RangeLock;
import org.keelfs.model.InodeId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** flock(2), fcntl(2) and OFD locks, from getting one to the close that ends it. */
final class LockOperations {
    private static final Logger LOG = LoggerFactory.getLogger(LockOperations.class);

    private final FileLocks locks;
    private final NamespaceWriter names;

    LockOperations(FileLocks locks, NamespaceWriter names) {
        this.locks = locks;
        this.names = names;
    }

    /** EIO where a lock that was got through the handle is lost. */
    void check(long handle) {
        locks.check(handle);
    }

    FileLock get(Call call, InodeId inode, long handle, long owner, FileLock lock) {
        beforeAsking(call, inode);
        RangeLock conflict = locks.conflict(want(inode, handle, owner, lock, false));
        if (conflict == null) {
            return new FileLock(lock.flock(), FileLock.Type.UNLOCK, lock.start(), lock.end(), 0);
        }
        FileLock.Type type = conflict.exclusive() ? FileLock.Type.EXCLUSIVE : FileLock.Type.SHARED;
        return new FileLock(
                lock.flock(), type, conflict.start(), conflict.end(), locks.pid(conflict));
    }

    void set(Call call, InodeId inode, long handle, long owner, FileLock lock, boolean waits) {
        if (lock.start() < 0 || lock.end() < lock.start()) {
            throw new FsException(Errno.EINVAL);
        }
        LockWant want = want(inode, handle, owner, lock, waits);
        if (lock.type() == FileLock.Type.UNLOCK) {
            if (!locks.tryUnlock(want)) {
                call.beforeWait();
                locks.unlock(want);
            }
            return;
        }
        if (!locks.tryLock(want)) {
            beforeAsking(call, inode);
            locks.lock(want);
        }
    }

    /** The server has no locks for a file that it does not know yet. */
    private void beforeAsking(Call call, InodeId inode) {
        call.beforeWait();
        names.awaitMade(List.of(inode));
    }

    private static LockWant want(
            InodeId inode, long handle, long owner, FileLock lock, boolean waits) {
        return new LockWant(
                inode,
                handle,
                kind(lock),
                owner,
                lock.type() == FileLock.Type.EXCLUSIVE,
                lock.start(),
                lock.end(),
                lock.pid(),
                waits);
    }

    private static LockKind kind(FileLock lock) {
        return lock.flock() ? LockKind.FLOCK : LockKind.POSIX;
    }

    /** close(2) by a process: its fcntl locks on the file end, through whatever handle. */
    void close(Call call, InodeId inode, long owner) {
        if (!locks.tryClose(inode, owner)) {
            call.beforeWait();
            try {
                locks.finishClose(inode);
            } catch (FsException e) {
                LOG.warn("{}: locks are given up later: {}", inode, e.getMessage());
            }
        }
    }

    /** The last descriptor of a handle is gone: its flock and OFD locks end. */
    void release(InodeId inode, long handle) {
        locks.release(inode, handle);
    }
}

package org.keelfs.client.lock;

import org.keelfs.lock.LockKind;
import org.keelfs.lock.LockOwner;
import org.keelfs.lock.RangeLock;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/**
 * A lock that a program asks for.
 *
 * @param inode of which file
 * @param handle through which handle
 * @param kind which kind
 * @param owner the kernel's number for the process or open file description
 * @param exclusive a write lock, else a read lock
 * @param start first byte
 * @param end last byte; {@link RangeLock#END_MAX}: to the end, however the file grows
 * @param pid of the process
 * @param waits whether it may wait for the lock
 */
public record LockWant(
        InodeId inode,
        long handle,
        LockKind kind,
        long owner,
        boolean exclusive,
        long start,
        long end,
        int pid,
        boolean waits) {
    LockOwner owner(long session) {
        return owner(session, kind, kind == LockKind.FLOCK ? handle : owner);
    }

    /**
     * @param number of flock the handle: the kernel names an open file description by its address,
     *     which the next one may have before the end of this one is told
     */
    static LockOwner owner(long session, LockKind kind, long number) {
        return new LockOwner(new SessionId(session), kind, number);
    }

    RangeLock lock(long session, int host) {
        long process = ((long) host << 32) | Integer.toUnsignedLong(pid);
        return new RangeLock(owner(session), exclusive, start, end, process);
    }
}

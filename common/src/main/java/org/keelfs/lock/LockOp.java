package org.keelfs.lock;

import java.util.List;

/** What a session asks of the lock table about one inode. */
public sealed interface LockOp {
    /**
     * Get or convert a lock.
     *
     * @param waits whether it may wait
     * @param waiter the session's name for the wait; asking again with the same one goes on waiting
     *     in the same place
     */
    record Lock(RangeLock wanted, boolean waits, long waiter) implements LockOp {}

    /** Give up a range. */
    record Unlock(LockOwner owner, long start, long end) implements LockOp {}

    /** What forbids this lock? */
    record Test(RangeLock wanted) implements LockOp {}

    /** Wait no longer, unless it is granted already. */
    record Cancel(RangeLock wanted, long waiter) implements LockOp {}

    /** Give a delegation back, with all locks that were granted under it. */
    record HandOver(List<RangeLock> locks) implements LockOp {
        public HandOver {
            locks = List.copyOf(locks);
        }
    }

    /**
     * After a restart of the server: what the session holds.
     *
     * @param delegated it has the delegation, and so the locks need not be told
     */
    record Reclaim(List<RangeLock> locks, boolean delegated) implements LockOp {
        public Reclaim {
            locks = List.copyOf(locks);
        }
    }
}

package org.keelfs.lock;

import org.jspecify.annotations.Nullable;

/**
 * Answer to a {@link LockOp}.
 *
 * @param status what became of it
 * @param conflict a lock that forbids it, where one does
 * @param delegated from now on the session grants all locks of this inode itself, until it is asked
 *     to hand them over
 */
public record LockAnswer(Status status, @Nullable RangeLock conflict, boolean delegated) {
    /** What became of an operation. */
    public enum Status {
        /** Done; of a test: nothing forbids the lock. */
        DONE,
        /** Another's lock forbids it, and it is not to wait. */
        CONFLICT,
        /** It waits; the session is told when it has the lock. */
        WAITING,
        /** Another session grants the locks and is asked to hand over; ask again when told. */
        RECALLING,
        /** To wait would close a cycle of waits. */
        DEADLOCK,
        /** It waited and does no more. */
        CANCELLED,
        /** More ranges than one session may hold. */
        TOO_MANY,
        /** A request that is overtaken by a later one, or too old to be known: no effect. */
        STALE,
        /** The server has restarted, and the locks of before are not all known yet. */
        GRACE,
        /** Too late to be reclaimed, or another holds what contradicts it. */
        LOST
    }

    static LockAnswer of(Status status) {
        return new LockAnswer(status, null, false);
    }
}

package org.keelfs.lock;

import org.keelfs.base.Invariant;

/**
 * A lock on a range of bytes, held or wanted.
 *
 * @param owner whose
 * @param exclusive a write lock, else a read lock
 * @param start first byte, from 0
 * @param end last byte, at least start; {@link #END_MAX}: to the end of the file, however it grows
 * @param process for F_GETLK: the mount's name for the process that set it, 0 unknown
 */
public record RangeLock(LockOwner owner, boolean exclusive, long start, long end, long process) {
    /** The kernel's OFFSET_MAX. */
    public static final long END_MAX = Long.MAX_VALUE;

    public RangeLock {
        Invariant.check(start >= 0 && end >= start, "a lock from %d to %d", start, end);
    }

    /** Whether both could not be held at the same time. */
    public boolean conflicts(RangeLock other) {
        return owner.kind() == other.owner.kind()
                && (exclusive || other.exclusive)
                && start <= other.end
                && other.start <= end
                && !owner.equals(other.owner);
    }

    RangeLock from(long newStart) {
        return new RangeLock(owner, exclusive, newStart, end, process);
    }

    RangeLock upTo(long newEnd) {
        return new RangeLock(owner, exclusive, start, newEnd, process);
    }
}

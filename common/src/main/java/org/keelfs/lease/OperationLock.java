package org.keelfs.lease;

import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/**
 * One operation of a session on a file that is SHARED: others that touch the same bytes wait for
 * it.
 *
 * @param inode the file
 * @param session whose operation
 * @param token the session's name for it, never used twice by it
 * @param from first byte; {@link #APPEND}: the end of the file as it is when the lock is granted
 * @param end one past the last byte
 * @param exclusive it changes something; else it only reads
 */
public record OperationLock(
        InodeId inode, SessionId session, long token, long from, long end, boolean exclusive) {
    /** As {@code from}: wherever the file ends. */
    public static final long APPEND = -1;

    /** Bytes of a sector: what is changed in part is read and written whole. */
    private static final long SECTOR = 4096;

    public OperationLock {
        boolean range = from >= 0 && end > from;
        boolean append = from == APPEND && exclusive;
        if (!range && !append) {
            throw new IllegalArgumentException("no operation: " + from + " to " + end);
        }
    }

    /** A look at size and times, which every change changes. */
    static OperationLock look(InodeId inode, SessionId session, long token) {
        return new OperationLock(inode, session, token, 0, Long.MAX_VALUE, false);
    }

    /**
     * What it covers in a file of this size: whole sectors, and for what changes the size all from
     * the last sector on.
     */
    Range rangeAt(long size) {
        long last = floor(size);
        if (exclusive && (from == APPEND || end > size)) {
            return new Range(from == APPEND ? last : Math.min(floor(from), last), Long.MAX_VALUE);
        }
        long up = end > Long.MAX_VALUE - SECTOR ? Long.MAX_VALUE : floor(end + SECTOR - 1);
        return new Range(floor(from), up);
    }

    private static long floor(long offset) {
        return offset & -SECTOR;
    }

    /** Bytes from {@code from} to before {@code end}. */
    record Range(long from, long end) {
        boolean overlaps(Range other) {
            return from < other.end && other.from < end;
        }
    }
}

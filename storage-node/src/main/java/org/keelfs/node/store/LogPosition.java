package org.keelfs.node.store;

/**
 * Places in the log as one ascending number: segment number in the high 32 bits, byte offset in
 * that segment's file in the low 32. A record's <em>position</em> is the place right behind it: the
 * log is durable up to a position when everything in front of it is.
 */
public final class LogPosition {
    private LogPosition() {}

    /** The place at an offset of a segment. */
    public static long of(int segment, int offset) {
        return ((long) segment << 32) | (offset & 0xffff_ffffL);
    }

    public static int segment(long position) {
        return (int) (position >>> 32);
    }

    public static int offset(long position) {
        return (int) position;
    }

    /** For logs: segment and offset. */
    public static String describe(long position) {
        return "segment " + segment(position) + " offset " + offset(position);
    }
}

package org.keelfs.namespace;

import org.keelfs.base.Invariant;

/**
 * Inode numbers granted ahead to a session, so that it can name what it creates before the server
 * knows of it: two ranges of numbers, used in ascending order and each at most once (DESIGN section
 * 4, namespace write-back). Numbers left out are never used at all.
 *
 * @param next first number left of the range in use
 * @param end behind its last
 * @param spare first number of the range that follows, which lies above; both 0 for none
 * @param spareEnd behind its last
 */
public record InodePool(long next, long end, long spare, long spareEnd) {
    /** Of a session that has none. */
    public static final InodePool EMPTY = new InodePool(0, 0, 0, 0);

    /**
     * Numbers of a range. A session that makes ten thousand files a second uses it up in six
     * seconds and is given the next one with an answer of the server, which takes milliseconds.
     */
    static final int RANGE = 1 << 16;

    public InodePool {
        Invariant.check(
                next <= end && spare <= spareEnd && (spareEnd == 0 || end <= spare),
                "ranges of inode numbers out of order");
    }

    /** The number to use next; 0 when there is none. */
    public long first() {
        if (next < end) {
            return next;
        }
        return spare < spareEnd ? spare : 0;
    }

    public boolean contains(long number) {
        return (number >= next && number < end) || (number >= spare && number < spareEnd);
    }

    /** What is left when a number of it, which is then the highest one used, was used. */
    public InodePool after(long number) {
        Invariant.check(contains(number), "inode number %d is not of the pool", number);
        return number < end
                ? new InodePool(number + 1, end, spare, spareEnd)
                : new InodePool(number + 1, spareEnd, 0, 0);
    }

    /** The same with a spare range, drawn where there was none. */
    public InodePool refilled(Tables tables) {
        if (spare < spareEnd) {
            return this;
        }
        long last = tables.counter(Counter.INODE);
        tables.putCounter(Counter.INODE, last + RANGE);
        long from = last + 1;
        return next < end
                ? new InodePool(next, end, from, from + RANGE)
                : new InodePool(from, from + RANGE, 0, 0);
    }

    /**
     * This pool, as its user knows it, with the ranges of a granted one that it does not know yet.
     * The granted one may be older: ranges lie above all that were granted before.
     */
    public InodePool merged(InodePool granted) {
        long known = Math.max(end, spareEnd);
        InodePool merged = this;
        if (granted.next < granted.end && granted.end > known) {
            merged = merged.with(granted.next, granted.end);
        }
        if (granted.spare < granted.spareEnd && granted.spareEnd > known) {
            merged = merged.with(granted.spare, granted.spareEnd);
        }
        return merged;
    }

    private InodePool with(long from, long to) {
        if (next == end && spare == spareEnd) {
            return new InodePool(from, to, 0, 0);
        }
        if (next == end) {
            return new InodePool(spare, spareEnd, from, to);
        }
        return spare < spareEnd ? this : new InodePool(next, end, from, to);
    }
}

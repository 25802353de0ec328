package org.keelfs.node.store;

import org.keelfs.model.Timestamp;

/**
 * Runs of sectors in a plain {@code long[]}, {@link #WORDS} words each, so that an index of
 * millions of runs costs no objects:
 *
 * <pre>
 * word 0  first sector (high 32 bits), sector count &lt;&lt; 2, bit 1 damaged, bit 0 hole
 * word 1  timestamp: epoch
 * word 2  timestamp: counter
 * word 3  timestamp: session
 * word 4  place in the log of the first stored sector; of a hole, of the record that made it
 * </pre>
 */
public final class RunWords {
    /** Words of one run. */
    public static final int WORDS = 5;

    private static final int HOLE = 1;
    private static final int DAMAGED = 2;
    private static final int FLAG_BITS = 2;

    private RunWords() {}

    /** Writes one run at index {@code i} of runs. */
    public static void set(
            long[] words,
            int i,
            int first,
            int count,
            Timestamp timestamp,
            boolean hole,
            long place) {
        int at = i * WORDS;
        words[at] = header(first, count, hole, false);
        words[at + 1] = timestamp.epoch();
        words[at + 2] = timestamp.counter();
        words[at + 3] = timestamp.session();
        words[at + 4] = place;
    }

    /** Word 0. */
    public static long header(int first, int count, boolean hole, boolean damaged) {
        return ((long) first << 32)
                | ((long) count << FLAG_BITS)
                | (hole ? HOLE : 0)
                | (damaged ? DAMAGED : 0);
    }

    public static int first(long[] words, int i) {
        return (int) (words[i * WORDS] >>> 32);
    }

    public static int count(long[] words, int i) {
        return (int) ((words[i * WORDS] & 0xffff_ffffL) >>> FLAG_BITS);
    }

    /** Index one past the run's last sector. */
    public static int end(long[] words, int i) {
        return first(words, i) + count(words, i);
    }

    public static boolean isHole(long[] words, int i) {
        return (words[i * WORDS] & HOLE) != 0;
    }

    public static boolean isDamaged(long[] words, int i) {
        return (words[i * WORDS] & DAMAGED) != 0;
    }

    public static Timestamp timestamp(long[] words, int i) {
        int at = i * WORDS;
        return new Timestamp(words[at + 1], words[at + 2], words[at + 3]);
    }

    /** Whether two runs carry the same timestamp. */
    public static boolean sameTimestamp(long[] a, int i, long[] b, int j) {
        int x = i * WORDS;
        int y = j * WORDS;
        return a[x + 1] == b[y + 1] && a[x + 2] == b[y + 2] && a[x + 3] == b[y + 3];
    }

    public static long place(long[] words, int i) {
        return words[i * WORDS + 4];
    }

    public static void setPlace(long[] words, int i, long place) {
        words[i * WORDS + 4] = place;
    }
}

package org.keelfs.node.index;

import java.util.Arrays;
import org.keelfs.base.Invariant;
import org.keelfs.model.Payload;
import org.keelfs.node.store.LiveBytes;
import org.keelfs.node.store.RunWords;

/**
 * Which version of each sector of one chunk counts and where it lies: disjoint runs, ascending, as
 * {@link RunWords}. Neighbours that go on in one another are merged. Guarded by the lock of the
 * chunk's stripe.
 */
final class RunMap {
    /* A sorted array: 40 bytes a run, binary search, and one move of memory for an insertion. The worst chunk (16384
     * runs of one sector) is 640 KiB, and it stops growing when each sector has its run, so that a write into it only
     * replaces words. */
    private static final int WORDS = RunWords.WORDS;
    private static final int FIRST_CAPACITY = 2;

    private long[] words;
    private int count;

    RunMap() {
        this.words = new long[FIRST_CAPACITY * WORDS];
    }

    /** Takes over the words. */
    RunMap(long[] words, int count) {
        this.words = words;
        this.count = count;
    }

    int count() {
        return count;
    }

    long[] words() {
        return words;
    }

    long bytes() {
        return (long) words.length * Long.BYTES;
    }

    /** Index of the first run that ends behind the sector. */
    int indexFrom(int sector) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (RunWords.end(words, middle) <= sector) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Puts run {@code i} of the other words in place of what is there. */
    void put(long[] from, int i, LiveBytes live) {
        long[] one = Arrays.copyOfRange(from, i * WORDS, (i + 1) * WORDS);
        replace(RunWords.first(one, 0), RunWords.end(one, 0), one, 1, live);
    }

    void remove(int first, int end, LiveBytes live) {
        replace(first, end, new long[0], 0, live);
    }

    void clear(LiveBytes live) {
        for (int i = 0; i < count; i++) {
            countLive(words, i, -1, live);
        }
        words = new long[FIRST_CAPACITY * WORDS];
        count = 0;
    }

    /**
     * Sectors of the same timestamp as run {@code i} of the other words lie where that run says.
     */
    void relocate(long[] from, int i, LiveBytes live) {
        int first = RunWords.first(from, i);
        int end = RunWords.end(from, i);
        int at = indexFrom(first);
        int n = 0;
        long[] pieces = new long[0];
        while (at + n < count && RunWords.first(words, at + n) < end) {
            n++;
        }
        for (int j = at; j < at + n; j++) {
            if (RunWords.sameTimestamp(words, j, from, i) && !RunWords.isHole(words, j)) {
                int pieceFirst = Math.max(first, RunWords.first(words, j));
                int pieceEnd = Math.min(end, RunWords.end(words, j));
                int m = pieces.length;
                pieces = Arrays.copyOf(pieces, m + WORDS);
                cut(from, i, pieceFirst, pieceEnd, pieces, m / WORDS);
            }
        }
        for (int j = 0; j < pieces.length / WORDS; j++) {
            put(pieces, j, live);
        }
    }

    /** Marks sectors damaged whose bytes lie at this place, if that is still so. */
    boolean markDamaged(int first, int sectorCount, long place, LiveBytes live) {
        boolean marked = false;
        for (int sector = first; sector < first + sectorCount; sector++) {
            int i = indexFrom(sector);
            long expected = place + (long) (sector - first) * Payload.STORED_SECTOR_BYTES;
            if (i < count
                    && RunWords.first(words, i) <= sector
                    && !RunWords.isHole(words, i)
                    && !RunWords.isDamaged(words, i)
                    && placeOf(words, i, sector) == expected) {
                long[] one = new long[WORDS];
                cut(words, i, sector, sector + 1, one, 0);
                one[0] = RunWords.header(sector, 1, false, true);
                put(one, 0, live);
                marked = true;
            }
        }
        return marked;
    }

    /** Copies the part [first, end) of run {@code i} to index {@code to} of the other words. */
    static void cut(long[] from, int i, int first, int end, long[] out, int to) {
        int at = to * WORDS;
        System.arraycopy(from, i * WORDS, out, at, WORDS);
        boolean hole = RunWords.isHole(from, i);
        out[at] = RunWords.header(first, end - first, hole, RunWords.isDamaged(from, i));
        out[at + 4] = hole ? RunWords.place(from, i) : placeOf(from, i, first);
    }

    private static long placeOf(long[] words, int i, int sector) {
        long skipped = sector - (long) RunWords.first(words, i);
        return RunWords.place(words, i) + skipped * Payload.STORED_SECTOR_BYTES;
    }

    private void replace(int first, int end, long[] with, int withCount, LiveBytes live) {
        int from = indexFrom(first);
        int to = from;
        while (to < count && RunWords.first(words, to) < end) {
            countLive(words, to, -1, live);
            to++;
        }
        // At most two remainders and the new run, merged with what they touch.
        long[] pieces = new long[(withCount + 2) * WORDS];
        int n = 0;
        if (to > from && RunWords.first(words, from) < first) {
            cut(words, from, RunWords.first(words, from), first, pieces, n);
            countLive(pieces, n++, 1, live);
        }
        for (int i = 0; i < withCount; i++) {
            System.arraycopy(with, i * WORDS, pieces, n * WORDS, WORDS);
            countLive(pieces, n++, 1, live);
        }
        if (to > from && RunWords.end(words, to - 1) > end) {
            cut(words, to - 1, end, RunWords.end(words, to - 1), pieces, n);
            countLive(pieces, n++, 1, live);
        }
        splice(from, to, pieces, n);
        mergeAround(Math.max(0, from - 1), Math.min(count - 1, from + n));
    }

    private void splice(int from, int to, long[] pieces, int n) {
        int newCount = count - (to - from) + n;
        if (newCount * WORDS > words.length) {
            int capacity = Math.max(newCount, count + count / 2);
            words = Arrays.copyOf(words, capacity * WORDS);
        }
        System.arraycopy(words, to * WORDS, words, (from + n) * WORDS, (count - to) * WORDS);
        System.arraycopy(pieces, 0, words, from * WORDS, n * WORDS);
        count = newCount;
    }

    private void mergeAround(int low, int high) {
        for (int i = high; i > low; i--) {
            if (joins(words, i - 1, i)) {
                words[(i - 1) * WORDS] =
                        RunWords.header(
                                RunWords.first(words, i - 1),
                                RunWords.count(words, i - 1) + RunWords.count(words, i),
                                RunWords.isHole(words, i),
                                RunWords.isDamaged(words, i));
                System.arraycopy(words, (i + 1) * WORDS, words, i * WORDS, (count - i - 1) * WORDS);
                count--;
            }
        }
    }

    /** Whether run {@code j} goes on where run {@code i} ends, in the chunk and in the log. */
    private static boolean joins(long[] words, int i, int j) {
        return RunWords.end(words, i) == RunWords.first(words, j)
                && RunWords.sameTimestamp(words, i, words, j)
                && RunWords.isHole(words, i) == RunWords.isHole(words, j)
                && RunWords.isDamaged(words, i) == RunWords.isDamaged(words, j)
                && RunWords.place(words, j)
                        == (RunWords.isHole(words, i)
                                ? RunWords.place(words, i)
                                : placeOf(words, i, RunWords.first(words, j)));
    }

    static void countLive(long[] words, int i, int sign, LiveBytes live) {
        if (!RunWords.isHole(words, i) && !RunWords.isDamaged(words, i)) {
            live.add(RunWords.place(words, i), sign * RunWords.count(words, i));
        }
    }

    void invariants() {
        for (int i = 0; i < count; i++) {
            Invariant.check(RunWords.count(words, i) > 0, "a run has sectors");
            Invariant.check(
                    i == 0 || RunWords.end(words, i - 1) <= RunWords.first(words, i),
                    "runs ascend and do not overlap");
            Invariant.check(i == 0 || !joins(words, i - 1, i), "neighbours that go on are merged");
        }
    }
}

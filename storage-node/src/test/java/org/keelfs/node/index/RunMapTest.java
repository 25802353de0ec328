package org.keelfs.node.index;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.keelfs.model.Payload;
import org.keelfs.model.Timestamp;
import org.keelfs.node.store.RunWords;

/** Runs against an array with an entry a sector. */
class RunMapTest {
    private static final int SECTORS = 64;

    private final Timestamp[] stamps = new Timestamp[SECTORS];
    private final long[] places = new long[SECTORS];
    private final boolean[] damaged = new boolean[SECTORS];
    private final RunMap map = new RunMap();
    private long live;

    private void count(long place, int sectors) {
        live += sectors;
    }

    private static long[] words(int first, int count, Timestamp stamp, boolean hole, long place) {
        long[] words = new long[RunWords.WORDS];
        RunWords.set(words, 0, first, count, stamp, hole, place);
        return words;
    }

    /** Holes have negative places in the array. */
    private void put(int first, int count, Timestamp stamp, boolean hole, long place) {
        map.put(words(first, count, stamp, hole, place), 0, this::count);
        for (int i = 0; i < count; i++) {
            stamps[first + i] = stamp;
            places[first + i] = hole ? -place : place + (long) i * Payload.STORED_SECTOR_BYTES;
            damaged[first + i] = false;
        }
    }

    private void relocate(int first, int count, Timestamp stamp, long place) {
        map.relocate(words(first, count, stamp, false, place), 0, this::count);
        for (int i = first; i < first + count; i++) {
            if (stamp.equals(stamps[i]) && places[i] > 0) {
                places[i] = place + (long) (i - first) * Payload.STORED_SECTOR_BYTES;
                damaged[i] = false;
            }
        }
    }

    private void check(String context) {
        map.invariants();
        int run = 0;
        long expectedLive = 0;
        for (int sector = 0; sector < SECTORS; sector++) {
            while (run < map.count() && RunWords.end(map.words(), run) <= sector) {
                run++;
            }
            boolean there = run < map.count() && RunWords.first(map.words(), run) <= sector;
            assertEquals(stamps[sector] != null, there, context);
            if (there) {
                assertEquals(stamps[sector], RunWords.timestamp(map.words(), run), context);
                assertEquals(damaged[sector], RunWords.isDamaged(map.words(), run), context);
                long[] one = new long[RunWords.WORDS];
                RunMap.cut(map.words(), run, sector, sector + 1, one, 0);
                long place = RunWords.place(one, 0);
                assertEquals(places[sector], RunWords.isHole(one, 0) ? -place : place, context);
                expectedLive += places[sector] > 0 && !damaged[sector] ? 1 : 0;
            }
        }
        assertEquals(expectedLive, live, context);
    }

    @Test
    void itShowsWhatAnArrayShows() {
        var random = new Random(1);
        for (int step = 0; step < 50_000; step++) {
            int first = random.nextInt(SECTORS);
            int count = 1 + random.nextInt(Math.min(16, SECTORS - first));
            var stamp = new Timestamp(1, 1L + random.nextInt(3), 1);
            long place = (1L + random.nextInt(1000)) << 20;
            switch (random.nextInt(6)) {
                case 0 -> {
                    map.remove(first, first + count, this::count);
                    for (int i = first; i < first + count; i++) {
                        stamps[i] = null;
                    }
                }
                case 1 -> relocate(first, count, stamp, place);
                case 2 -> {
                    if (stamps[first] != null && places[first] > 0) {
                        map.markDamaged(first, 1, places[first], this::count);
                        damaged[first] = true;
                    }
                }
                case 3 -> put(first, count, stamp, true, place);
                default -> put(first, count, stamp, false, place);
            }
            check("step " + step);
        }
    }

    @Test
    void aChunkWrittenInOrderIsOneRunPerRecord() {
        for (int i = 0; i < 64; i++) {
            var stamp = new Timestamp(1, i + 1L, 1);
            map.put(words(i * 256, 256, stamp, false, (1L + i) << 21), 0, this::count);
        }
        assertEquals(64, map.count());
        var stamp = new Timestamp(1, 100, 1);
        long record = 1L << 40;
        for (int i = 0; i < 16; i++) {
            long place = record + 16L * i * Payload.STORED_SECTOR_BYTES;
            map.put(words(i * 16, 16, stamp, false, place), 0, this::count);
        }
        assertEquals(64, map.count());
    }
}

package org.keelfs.register;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;

/** A bag of random changes against an array that says the same. */
class StampMapTest {
    private static final int SECTORS = 24;

    @Test
    void saysWhatAnArrayOfSectorsSays() {
        for (int seed = 0; seed < 300; seed++) {
            var random = new SplittableRandom(seed);
            var map = new StampMap();
            var array = new Timestamp[SECTORS];
            java.util.Arrays.fill(array, Timestamp.ZERO);
            for (int step = 0; step < 60; step++) {
                change(random, map, array);
                map.invariants();
                compare(map, array, random);
            }
        }
    }

    private static void change(SplittableRandom random, StampMap map, Timestamp[] array) {
        int first = random.nextInt(SECTORS);
        var run = new SectorRun(first, 1 + random.nextInt(SECTORS - first));
        var timestamp = new Timestamp(1 + random.nextInt(3), random.nextInt(3), 1);
        int kind = random.nextInt(4);
        switch (kind) {
            case 0 -> map.put(run, timestamp, false);
            case 1 -> map.putGreater(run, timestamp, false);
            case 2 -> map.remove(run);
            default -> map.removeUpTo(run, timestamp);
        }
        for (int s = run.first(); s < run.end(); s++) {
            boolean greater = timestamp.isAfter(array[s]);
            array[s] =
                    switch (kind) {
                        case 0 -> timestamp;
                        case 1 -> greater ? timestamp : array[s];
                        case 2 -> Timestamp.ZERO;
                        default -> array[s].isAfter(timestamp) ? array[s] : Timestamp.ZERO;
                    };
        }
    }

    private static void compare(StampMap map, Timestamp[] array, SplittableRandom random) {
        var digest = Digest.EMPTY;
        for (int s = 0; s < SECTORS; s++) {
            assertEquals(array[s], map.at(s));
            digest = digest.xor(SectorHash.of(new SectorRun(s, 1), array[s]));
        }
        assertEquals(digest, map.digest());
        int first = random.nextInt(SECTORS);
        var range = new SectorRun(first, 1 + random.nextInt(SECTORS - first));
        int at = range.first();
        for (StampRun stamp : map.cover(range)) {
            assertEquals(at, stamp.run().first());
            for (int s = stamp.run().first(); s < stamp.run().end(); s++) {
                assertEquals(array[s], stamp.timestamp());
            }
            at = stamp.run().end();
        }
        assertEquals(range.end(), at);
        assertEquals(!map.within(range).isEmpty(), map.overlaps(range));
        map.forEachDifference(map.copy(), range, stamp -> assertFalse(true, "no difference"));
    }
}

package org.keelfs.register;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;

class SectorHashTest {
    @Test
    void aRunIsTheXorOfItsSectors() {
        var timestamp = new Timestamp(3, 7, 9);
        var digest = Digest.EMPTY;
        for (int sector = 5; sector < 25; sector++) {
            digest = digest.xor(SectorHash.of(new SectorRun(sector, 1), timestamp));
        }
        assertEquals(SectorHash.of(new SectorRun(5, 20), timestamp), digest);
    }

    @Test
    void neverWrittenCountsNothing() {
        assertEquals(Digest.EMPTY, SectorHash.of(new SectorRun(0, 9), Timestamp.ZERO));
    }

    @Test
    void neighboursInEveryDirectionDifferInBothLanes() {
        var high = new HashSet<Long>();
        var low = new HashSet<Long>();
        int count = 0;
        for (int sector = 0; sector < 16; sector++) {
            for (int epoch = 1; epoch <= 16; epoch++) {
                for (int counter = 0; counter < 16; counter++) {
                    for (int session = 0; session < 4; session++) {
                        var hash =
                                SectorHash.of(
                                        new SectorRun(sector, 1),
                                        new Timestamp(epoch, counter, session));
                        high.add(hash.high());
                        low.add(hash.low());
                        count++;
                    }
                }
            }
        }
        assertEquals(count, high.size());
        assertEquals(count, low.size());
    }

    @Test
    void oneBitOfInputChangesAboutHalfOfTheOutput() {
        var random = new SplittableRandom(1);
        long changed = 0;
        int cases = 2_000;
        for (int i = 0; i < cases; i++) {
            int sector = random.nextInt(1 << 14);
            long epoch = random.nextLong(1, 1L << 40);
            var one = SectorHash.of(new SectorRun(sector, 1), new Timestamp(epoch, 1, 1));
            var other =
                    SectorHash.of(
                            new SectorRun(sector, 1),
                            new Timestamp(epoch ^ 1L << random.nextInt(40), 1, 1));
            changed += Long.bitCount(one.high() ^ other.high());
            changed += Long.bitCount(one.low() ^ other.low());
        }
        double share = changed / (128.0 * cases);
        assertTrue(share > 0.48 && share < 0.52, "share " + share);
    }
}

package org.keelfs.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DeadlineWheelTest {
    private static final class Timed extends DeadlineWheel.Entry {
        final long deadlineNs;

        Timed(long deadlineNs) {
            this.deadlineNs = deadlineNs;
        }
    }

    @Test
    void everyEntryExpiresOnceAndWithinATickOfItsDeadlineOrIsRemoved() {
        for (long seed = 0; seed < 200; seed++) {
            var random = new Random(seed);
            long now = random.nextLong(1L << 40);
            var wheel = new DeadlineWheel<Timed>(now);
            Set<Timed> live = new HashSet<>();
            for (int step = 0; step < 300; step++) {
                now = step(random, now, wheel, live);
            }
            assertEquals(live.isEmpty(), wheel.isEmpty());
            long end = now;
            wheel.advance(end + 3_600_000_000_000L, live::remove);
            assertTrue(live.isEmpty(), "seed " + seed);
            assertTrue(wheel.isEmpty());
        }
    }

    private static long step(
            Random random, long before, DeadlineWheel<Timed> wheel, Set<Timed> live) {
        int adds = random.nextInt(4);
        for (int i = 0; i < adds; i++) {
            // Some in the past, some several turns of the wheel away.
            var timed = new Timed(before + random.nextLong(-1_000_000L, 20_000_000_000L));
            live.add(timed);
            wheel.add(timed, timed.deadlineNs);
        }
        if (random.nextInt(3) == 0 && !live.isEmpty()) {
            var gone = live.iterator().next();
            live.remove(gone);
            wheel.remove(gone);
            wheel.remove(gone);
        }
        long now =
                before + random.nextLong(random.nextInt(10) == 0 ? 30_000_000_000L : 50_000_000L);
        wheel.advance(
                now,
                timed -> {
                    assertTrue(live.remove(timed), "expired twice or after its removal");
                    assertTrue(timed.deadlineNs <= now, "expired early");
                });
        for (var timed : live) {
            assertTrue(timed.deadlineNs > now - DeadlineWheel.TICK_NS, "forgotten");
        }
        return now;
    }
}

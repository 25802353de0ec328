package org.keelfs.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.keelfs.model.SessionId;

final class InodeLocksTest {
    private static final int BYTES = 24;
    private static final int OWNERS = 4;

    private final InodeLocks locks = new InodeLocks();

    private static LockOwner owner(int number) {
        return new LockOwner(new SessionId(1 + number % 2), LockKind.POSIX, number);
    }

    private static RangeLock lock(int owner, boolean exclusive, long start, long end) {
        return new RangeLock(owner(owner), exclusive, start, end, 0);
    }

    @Test
    void neighboursOfOneTypeAreMerged() {
        locks.put(lock(1, true, 0, 9));
        locks.put(lock(1, true, 20, RangeLock.END_MAX));
        locks.put(lock(1, true, 10, 19));
        assertEquals(List.of(lock(1, true, 0, RangeLock.END_MAX)), locks.held());
    }

    @Test
    void anotherTypeSplitsARange() {
        locks.put(lock(1, true, 0, 99));
        locks.put(lock(1, false, 10, 19));
        assertEquals(
                List.of(lock(1, true, 0, 9), lock(1, false, 10, 19), lock(1, true, 20, 99)),
                locks.held());
    }

    @Test
    void anUnlockCutsAHole() {
        locks.put(lock(1, false, 0, RangeLock.END_MAX));
        locks.remove(owner(1), 5, 5);
        assertEquals(
                List.of(lock(1, false, 0, 4), lock(1, false, 6, RangeLock.END_MAX)), locks.held());
    }

    @Test
    void theConflictIsTheOneWithTheFirstByte() {
        locks.put(lock(1, false, 30, 39));
        locks.put(lock(2, true, 10, 19));
        locks.put(lock(3, false, 0, 9));
        assertEquals(lock(3, false, 0, 9), locks.conflict(lock(0, true, 0, 99)));
        assertEquals(lock(2, true, 10, 19), locks.conflict(lock(0, false, 0, 99)));
        assertNull(locks.conflict(lock(0, false, 20, 99)));
    }

    @Test
    void flockAndFcntlDoNotSeeEachOther() {
        locks.put(lock(1, true, 0, RangeLock.END_MAX));
        var flock = new LockOwner(new SessionId(9), LockKind.FLOCK, 1);
        assertNull(locks.conflict(new RangeLock(flock, true, 0, RangeLock.END_MAX, 0)));
    }

    /**
     * Against an array that says for each byte what each owner holds: 0 nothing, 1 read, 2 write.
     */
    @Test
    void doesWhatAnArrayOfBytesDoes() {
        for (long seed = 1; seed <= 200; seed++) {
            var random = new Random(seed);
            var tested = new InodeLocks();
            int[][] model = new int[OWNERS][BYTES];
            for (int step = 0; step < 200; step++) {
                int who = random.nextInt(OWNERS);
                int start = random.nextInt(BYTES);
                int end = start + random.nextInt(BYTES - start);
                int type = random.nextInt(3);
                if (type == 0) {
                    tested.remove(owner(who), start, end);
                    fill(model[who], start, end, 0);
                } else {
                    RangeLock wanted = lock(who, type == 2, start, end);
                    RangeLock conflict = tested.conflict(wanted);
                    assertEquals(firstConflict(model, who, type, start, end), at(conflict, start));
                    if (conflict == null) {
                        tested.put(wanted);
                        fill(model[who], start, end, type);
                    }
                }
                tested.invariants();
                assertSame(model, tested, "seed " + seed + " step " + step);
            }
        }
    }

    private static void fill(int[] bytes, int start, int end, int type) {
        for (int i = start; i <= end; i++) {
            bytes[i] = type;
        }
    }

    private static long at(@org.jspecify.annotations.Nullable RangeLock conflict, int start) {
        return conflict == null ? -1 : Math.max(start, conflict.start());
    }

    private static long firstConflict(int[][] model, int who, int type, int start, int end) {
        for (int i = start; i <= end; i++) {
            for (int other = 0; other < OWNERS; other++) {
                if (other != who && model[other][i] != 0 && (type == 2 || model[other][i] == 2)) {
                    return i;
                }
            }
        }
        return -1;
    }

    private static void assertSame(int[][] model, InodeLocks tested, String where) {
        for (int who = 0; who < OWNERS; who++) {
            for (int i = 0; i < BYTES; i++) {
                List<RangeLock> held = tested.held(owner(who), i, i);
                int type = held.isEmpty() ? 0 : held.getFirst().exclusive() ? 2 : 1;
                assertEquals(model[who][i], type, where + " owner " + who + " byte " + i);
                assertEquals(type != 0, tested.holdsAny(owner(who), i, i), where);
            }
        }
    }
}

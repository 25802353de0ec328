package org.keelfs.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

class OperationLocksTest {
    private static final InodeId FILE = new InodeId(7);
    private static final SessionId A = new SessionId(1);
    private static final SessionId B = new SessionId(2);
    private static final long PERIOD = 100;
    private static final int SECTOR = 4096;

    private final List<String> log = new ArrayList<>();
    private final OperationLocks.Effects out =
            new OperationLocks.Effects() {
                @Override
                public void granted(OperationLock lock) {
                    log.add("granted " + lock.token());
                }

                @Override
                public void again(OperationLock lock) {
                    log.add("again " + lock.token());
                }

                @Override
                public void stuck(InodeId inode) {
                    log.add("stuck " + inode);
                }
            };
    private long size = 10 * SECTOR;
    private final OperationLocks locks = new OperationLocks(_ -> size);
    private long now;

    private void ask(SessionId session, long token, long from, long end, boolean exclusive) {
        var lock = new OperationLock(FILE, session, token, from, end, exclusive);
        locks.onRequest(lock, PERIOD, now, out);
        locks.invariants();
    }

    private void release(SessionId session, long token) {
        locks.onRelease(FILE, session, token, now, out);
        locks.invariants();
    }

    private void assertEffects(String... effects) {
        assertEquals(List.of(effects), log);
        log.clear();
    }

    @Test
    void operationsOnDifferentSectorsGoOnSideBySide() {
        ask(A, 1, 0, SECTOR, true);
        ask(B, 2, SECTOR, 2 * SECTOR, true);
        ask(B, 3, 2 * SECTOR + 5, 2 * SECTOR + 6, true);
        assertEffects("granted 1", "granted 2", "granted 3");
    }

    @Test
    void readersShareAndAWriterOfTheirSectorsWaits() {
        ask(A, 1, 0, 100, false);
        ask(B, 2, 50, 60, false);
        ask(B, 3, 4000, 4001, true);
        assertEffects("granted 1", "granted 2");
        release(A, 1);
        release(B, 2);
        assertEffects("granted 3");
    }

    @Test
    void aReaderDoesNotPassAWriterThatCameBefore() {
        ask(A, 1, 0, 100, false);
        ask(B, 2, 0, 100, true);
        ask(A, 3, 0, 100, false);
        assertEffects("granted 1");
        release(A, 1);
        assertEffects("granted 2");
        release(B, 2);
        assertEffects("granted 3");
    }

    @Test
    void appendsWaitForEachOtherAndALookWaitsForAllChanges() {
        ask(A, 1, OperationLock.APPEND, 0, true);
        ask(B, 2, 0, SECTOR, true);
        ask(B, 3, OperationLock.APPEND, 0, true);
        locks.onLook(FILE, A, 50, now, out);
        assertEffects("granted 1", "granted 2");
        size += 10;
        release(A, 1);
        assertEffects("granted 3");
        release(B, 3);
        assertEffects();
        release(B, 2);
        assertEffects("granted 50");
    }

    @Test
    void aReadAcrossTheEndMeetsAnAppendAndOneBelowDoesNot() {
        size = 10 * SECTOR + 17;
        ask(A, 1, OperationLock.APPEND, 0, true);
        ask(B, 2, 9 * SECTOR, 10 * SECTOR, false);
        ask(B, 3, 9 * SECTOR, 10 * SECTOR + 1, false);
        assertEffects("granted 1", "granted 2");
        release(A, 1);
        assertEffects("granted 3");
    }

    @Test
    void theSameTokenGetsTheSameLock() {
        ask(A, 1, 0, 1, true);
        ask(A, 1, 0, 1, true);
        ask(B, 2, 0, 1, true);
        ask(B, 2, 0, 1, true);
        assertEffects("granted 1", "granted 1");
        release(A, 1);
        assertEffects("granted 2");
    }

    @Test
    void whoKeepsOthersWaitingTooLongHasAllLeave() {
        now = 5;
        ask(A, 1, 0, 1, true);
        locks.onTick(5 + OperationLocks.PATIENCE_NS, out);
        assertEffects("granted 1");
        now = 7;
        ask(B, 2, 0, 1, true);
        locks.onLook(FILE, B, 50, now, out);
        locks.onTick(5 + OperationLocks.PATIENCE_NS - 1, out);
        assertEffects();
        locks.onTick(5 + OperationLocks.PATIENCE_NS, out);
        assertEffects("again 2", "stuck " + FILE);
        ask(B, 3, 5 * SECTOR, 5 * SECTOR + 1, true);
        locks.onLook(FILE, B, 51, now, out);
        locks.onTick(9 + 2 * OperationLocks.PATIENCE_NS, out);
        assertEffects("again 3");
        locks.onEnded(FILE, out);
        assertEffects("again 50", "again 51");
    }

    @Test
    void locksGoWithTheirSessionAndWithTheirPeriod() {
        ask(A, 1, 0, 1, true);
        ask(B, 2, 0, 1, true);
        locks.retain(lock -> !lock.session().equals(A), now, out);
        assertEffects("granted 1", "granted 2");
        var later = new OperationLock(FILE, A, 3, 0, 1, true);
        locks.onTrimmed(FILE);
        assertTrue(locks.isTrimmed(FILE));
        locks.onRequest(later, PERIOD + 1, now, out);
        assertEffects("granted 3");
        assertTrue(!locks.isTrimmed(FILE));
        ask(B, 4, SECTOR, SECTOR + 1, true);
        assertEffects("again 4");
    }

    @Test
    void whatWasHeldBeforeARestartIsHeldAgain() {
        var held = new OperationLock(FILE, A, 9, OperationLock.APPEND, 0, true);
        locks.onReclaim(held, PERIOD, now, out);
        ask(B, 1, OperationLock.APPEND, 0, true);
        assertEffects();
        release(A, 9);
        assertEffects("granted 1");
    }

    /** Sessions come with operations of all kinds, end them in any order, and some go away. */
    @Test
    void nothingConflictsAndEverythingIsGrantedInTime() {
        for (int seed = 0; seed < 300; seed++) {
            new Bag(seed).run();
        }
    }

    private static final class Bag implements OperationLocks.Effects {
        private final Random random;
        private final long seed;
        private final Map<Long, OperationLock> waiting = new LinkedHashMap<>();
        private final Map<Long, OperationLock> held = new LinkedHashMap<>();
        private final OperationLocks locks = new OperationLocks(_ -> this.size);
        private long size = 3 * SECTOR;
        private long token;

        Bag(long seed) {
            this.seed = seed;
            this.random = new Random(seed);
        }

        @Override
        public void granted(OperationLock lock) {
            boolean look = waiting.remove(lock.token()) == null;
            if (!look) {
                held.put(lock.token(), lock);
            }
        }

        @Override
        public void again(OperationLock lock) {
            waiting.remove(lock.token());
        }

        @Override
        public void stuck(InodeId inode) {
            throw new AssertionError("no time has passed");
        }

        void run() {
            try {
                for (int step = 0; step < 300; step++) {
                    step();
                    locks.invariants();
                    checkHeld();
                }
                for (int i = 0; i < 1000 && !held.isEmpty(); i++) {
                    end();
                    locks.invariants();
                }
                assertTrue(waiting.isEmpty(), "still waiting: " + waiting);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed, e);
            }
        }

        private void step() {
            SessionId session = new SessionId(1 + random.nextInt(3));
            switch (random.nextInt(10)) {
                case 0, 1, 2, 3, 4 -> {
                    long from = random.nextInt(6 * SECTOR);
                    boolean append = random.nextInt(4) == 0;
                    var lock =
                            new OperationLock(
                                    FILE,
                                    session,
                                    ++token,
                                    append ? OperationLock.APPEND : from,
                                    from + 1 + random.nextInt(2 * SECTOR),
                                    append || random.nextBoolean());
                    waiting.put(token, lock);
                    locks.onRequest(lock, PERIOD, 0, this);
                }
                case 5 -> locks.onLook(FILE, session, 1_000_000 + ++token, 0, this);
                case 6 -> {
                    if (random.nextInt(10) == 0) {
                        held.values().removeIf(l -> l.session().equals(session));
                        locks.retain(l -> !l.session().equals(session), 0, this);
                    }
                }
                default -> end();
            }
        }

        private void end() {
            if (held.isEmpty()) {
                return;
            }
            var all = List.copyOf(held.values());
            OperationLock lock = all.get(random.nextInt(all.size()));
            held.remove(lock.token());
            if (lock.from() == OperationLock.APPEND) {
                size += random.nextInt(SECTOR);
            } else if (lock.exclusive()) {
                size = Math.max(size, lock.end());
            }
            locks.onRelease(FILE, lock.session(), lock.token(), 0, this);
        }

        /** By the bytes that operations name, apart from how the machine rounds them. */
        private void checkHeld() {
            long appends =
                    held.values().stream().filter(l -> l.from() == OperationLock.APPEND).count();
            assertTrue(appends <= 1, "two appends at once");
            for (OperationLock a : held.values()) {
                for (OperationLock b : held.values()) {
                    boolean pair = a.token() < b.token() && (a.exclusive() || b.exclusive());
                    boolean ranges = a.from() >= 0 && b.from() >= 0;
                    assertTrue(
                            !(pair && ranges && a.from() < b.end() && b.from() < a.end()),
                            a + " beside " + b);
                }
            }
        }
    }
}

package org.keelfs.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

class LeaseTableTest {
    private static final long SECOND = 1_000_000_000L;
    private static final LeaseTableConfig CONFIG =
            new LeaseTableConfig(30 * SECOND, 5 * SECOND, 30 * SECOND, 600 * SECOND, 5 * SECOND, 4);
    private static final SessionId A = new SessionId(1);
    private static final SessionId B = new SessionId(2);
    private static final SessionId C = new SessionId(3);
    private static final InodeId FILE = new InodeId(10);
    private static final InodeId DIRECTORY = new InodeId(11);

    private final Recorder out = new Recorder();
    private LeaseTable table = new LeaseTable(CONFIG, 100);
    private long now = SECOND;
    private long token;

    /** Keeps effects as text, and what was granted. */
    private static final class Recorder implements LeaseEffects {
        final List<String> log = new ArrayList<>();
        final Map<Long, List<LeaseState>> granted = new LinkedHashMap<>();
        final List<SessionId> evictions = new ArrayList<>();

        @Override
        public void recall(SessionId holder, InodeId inode, long generation, LeaseMode keep) {
            log.add("recall " + holder + " " + inode + " keep " + keep);
        }

        @Override
        public void granted(long token, List<LeaseState> leases) {
            log.add("granted " + token);
            granted.put(token, leases);
        }

        @Override
        public void refused(long token) {
            log.add("refused " + token);
        }

        @Override
        public void evict(SessionId session, String why) {
            log.add("evict " + session);
            evictions.add(session);
        }

        List<String> take() {
            List<String> taken = List.copyOf(log);
            log.clear();
            return taken;
        }
    }

    private void open(SessionId... sessions) {
        for (SessionId session : sessions) {
            table.onOpen(session, now);
        }
    }

    @CanIgnoreReturnValue
    private long ask(SessionId session, LeaseNeed... needs) {
        table.onRequest(++token, session, List.of(needs), false, now, out);
        table.invariants();
        return token;
    }

    private LeaseState giveBack(SessionId session, InodeId inode, LeaseMode keep) {
        LeaseState held = table.held(session, inode);
        LeaseState left = table.onReturn(session, inode, held.generation(), keep, now, out);
        table.invariants();
        return left;
    }

    private void assertEffects(String... effects) {
        assertEquals(Arrays.asList(effects), out.take());
    }

    @Nested
    class Grants {
        @Test
        void readersShare() {
            open(A, B);
            ask(A, LeaseNeed.read(FILE));
            ask(B, LeaseNeed.read(FILE));
            assertEffects("granted 1", "granted 2");
        }

        @Test
        void aWriterRecallsReadersAndWaits() {
            open(A, B, C);
            ask(A, LeaseNeed.read(FILE));
            ask(B, LeaseNeed.read(FILE));
            ask(C, LeaseNeed.write(FILE));
            assertEffects(
                    "granted 1", "granted 2", "recall s1 i10 keep NONE", "recall s2 i10 keep NONE");
            assertEquals(LeaseMode.NONE, giveBack(A, FILE, LeaseMode.NONE).mode());
            assertEffects();
            var _ = giveBack(B, FILE, LeaseMode.NONE);
            assertEffects("granted 3");
        }

        @Test
        void aReaderLeavesTheWriterAReadLease() {
            open(A, B);
            ask(A, LeaseNeed.write(FILE));
            long before = table.held(A, FILE).generation();
            ask(B, LeaseNeed.read(FILE));
            assertEffects("granted 1", "recall s1 i10 keep READ");
            LeaseState left = giveBack(A, FILE, LeaseMode.READ);
            assertEquals(LeaseMode.READ, left.mode());
            assertTrue(left.generation() > before);
            assertEffects("granted 2");
        }

        @Test
        void anUpgradeDoesNotRecallItself() {
            open(A, B);
            ask(A, LeaseNeed.read(FILE));
            ask(B, LeaseNeed.read(FILE));
            ask(A, LeaseNeed.write(FILE));
            assertEffects("granted 1", "granted 2", "recall s2 i10 keep NONE");
            var _ = giveBack(B, FILE, LeaseMode.NONE);
            assertEffects("granted 3");
            assertEquals(LeaseMode.WRITE, table.held(A, FILE).mode());
        }

        @Test
        void aSecondAskForWhatIsHeldShowsTheSameGeneration() {
            open(A);
            long first = ask(A, LeaseNeed.write(FILE));
            long second = ask(A, LeaseNeed.read(FILE));
            assertEquals(out.granted.get(first), out.granted.get(second));
        }

        @Test
        void firstComeFirstServed() {
            open(A, B, C);
            ask(A, LeaseNeed.write(FILE));
            ask(B, LeaseNeed.write(FILE));
            ask(C, LeaseNeed.read(FILE));
            assertEffects("granted 1", "recall s1 i10 keep NONE");
            var _ = giveBack(A, FILE, LeaseMode.NONE);
            assertEffects("granted 2", "recall s2 i10 keep READ");
        }

        @Test
        void anOldOrRepeatedReturnChangesNothing() {
            open(A);
            ask(A, LeaseNeed.read(FILE));
            long old = table.held(A, FILE).generation();
            ask(A, LeaseNeed.write(FILE));
            LeaseState left = table.onReturn(A, FILE, old, LeaseMode.NONE, now, out);
            assertEquals(LeaseMode.WRITE, left.mode());
            var _ = giveBack(A, FILE, LeaseMode.NONE);
            assertEquals(
                    LeaseMode.NONE,
                    table.onReturn(A, FILE, left.generation(), LeaseMode.NONE, now, out).mode());
        }

        @Test
        void moreLeasesThanAllowedRecallTheOldest() {
            open(A);
            for (int i = 0; i < 5; i++) {
                ask(A, LeaseNeed.read(new InodeId(20 + i)));
            }
            assertTrue(out.take().contains("recall s1 i20 keep NONE"));
        }

        @Test
        void aCancelledRequestLetsTheNextGoOn() {
            open(A, B, C);
            ask(A, LeaseNeed.read(FILE));
            long writer = ask(B, LeaseNeed.write(FILE));
            ask(C, LeaseNeed.read(FILE));
            var _ = out.take();
            table.onCancel(writer, now, out);
            assertEffects("granted 3");
        }
    }

    @Nested
    class Commands {
        @Test
        void aCommandRecallsOthersAndKeepsItsOwn() {
            open(A, B);
            ask(A, LeaseNeed.read(DIRECTORY));
            ask(B, LeaseNeed.read(DIRECTORY));
            long command = ask(A, LeaseNeed.clear(DIRECTORY));
            assertEffects("granted 1", "granted 2", "recall s2 i11 keep NONE");
            var _ = giveBack(B, DIRECTORY, LeaseMode.NONE);
            assertEffects("granted 3");
            assertEquals(LeaseMode.READ, table.held(A, DIRECTORY).mode());
            table.onApplied(command, now, out);
        }

        @Test
        void nobodyReadsWhileACommandIsOnItsWay() {
            open(A, B);
            long command = ask(A, LeaseNeed.clear(DIRECTORY));
            ask(B, LeaseNeed.read(DIRECTORY));
            assertNull(table.tryGrant(B, DIRECTORY, LeaseMode.READ));
            assertEffects("granted 1");
            table.onApplied(command, now, out);
            assertEffects("granted 2");
        }

        @Test
        void aWriterUnderRecallWritesBackPastThoseWhoWaitForIt() {
            open(A, B);
            ask(A, LeaseNeed.write(FILE));
            ask(B, LeaseNeed.write(FILE));
            ask(A, LeaseNeed.clear(FILE));
            assertEffects("granted 1", "recall s1 i10 keep NONE", "granted 3");
        }

        @Test
        void commandsThatAWriterMustFinishBeforeItReturnsGoFirst() {
            open(A, B, C);
            ask(A, LeaseNeed.write(DIRECTORY));
            ask(C, LeaseNeed.write(FILE));
            ask(B, LeaseNeed.clear(FILE), LeaseNeed.clear(DIRECTORY));
            // B heads both queues; A has to finish a command on the file before it returns the
            // directory.
            ask(A, LeaseNeed.clear(DIRECTORY), LeaseNeed.clear(FILE));
            var _ = out.take();
            var _ = giveBack(C, FILE, LeaseMode.NONE);
            assertEffects("granted 4");
            table.onApplied(4, now, out);
            var _ = giveBack(A, DIRECTORY, LeaseMode.NONE);
            assertEffects("granted 3");
        }
    }

    @Nested
    class Evictions {
        @Test
        void aSilentHolderInTheWayIsEvictedAfterTermAndMargin() {
            open(A, B);
            ask(A, LeaseNeed.write(FILE));
            ask(B, LeaseNeed.write(FILE));
            now += 34 * SECOND;
            assertTrue(table.onRenew(B, 0, false, now, out));
            table.onTick(now, out);
            assertTrue(out.evictions.isEmpty());
            now += SECOND;
            table.onTick(now, out);
            assertEquals(List.of(A), out.evictions);
            assertFalse(table.isOpen(A));
            assertFalse(table.onRenew(A, 0, false, now, out));
            assertFalse(out.granted.containsKey(2L));
            table.onEvicted(A, now, out);
            assertTrue(out.granted.containsKey(2L));
        }

        @Test
        void aSilentSessionInNobodysWayStays() {
            open(A);
            ask(A, LeaseNeed.write(FILE));
            now += 500 * SECOND;
            table.onTick(now, out);
            assertTrue(out.evictions.isEmpty());
        }

        @Test
        void aHolderThatRenewsWithoutProgressIsEvicted() {
            open(A, B);
            ask(A, LeaseNeed.write(FILE));
            ask(B, LeaseNeed.write(FILE));
            for (int i = 1; i <= 8; i++) {
                now += 5 * SECOND;
                assertTrue(table.onRenew(A, Math.min(i, 2), false, now, out), "after " + i);
                assertTrue(table.onRenew(B, 0, false, now, out));
                table.onTick(now, out);
            }
            // It is refused from here on, and what it was told last runs out before others are
            // granted.
            assertFalse(table.isOpen(A));
            assertFalse(table.onRenew(A, 9, false, now, out));
            assertTrue(out.evictions.isEmpty());
            now += 35 * SECOND;
            table.onTick(now, out);
            assertEquals(List.of(A), out.evictions);
        }

        @Test
        void anEvictedSessionsRequestsAreRefused() {
            open(A, B);
            ask(A, LeaseNeed.write(FILE));
            ask(B, LeaseNeed.write(FILE));
            var _ = out.take();
            table.onEvict(B, "replaced", now, out);
            assertEffects("evict s2", "refused 2");
            ask(B, LeaseNeed.read(DIRECTORY));
            assertEffects("refused 3");
        }
    }

    @Nested
    class Restart {
        @Test
        void nothingIsGrantedBeforeAllHaveReclaimed() {
            table.onRestart(List.of(A, B), now);
            open(C);
            ask(C, LeaseNeed.read(FILE));
            assertNotNull(table.onReclaim(A, FILE, LeaseMode.WRITE, now));
            assertNull(table.onReclaim(B, FILE, LeaseMode.READ, now));
            assertTrue(table.onRenew(A, 0, true, now, out));
            assertEffects();
            assertTrue(table.onRenew(B, 0, true, now, out));
            assertFalse(table.isGrace());
            assertEffects("recall s1 i10 keep READ");
        }

        @Test
        void whoDoesNotComeBackIsEvicted() {
            table.onRestart(List.of(A), now);
            open(B);
            ask(B, LeaseNeed.write(FILE));
            now = table.nextDeadlineNs();
            table.onTick(now, out);
            assertEquals(List.of(A), out.evictions);
            assertTrue(table.nextDeadlineNs() > now);
            table.onEvicted(A, now, out);
            assertEffects("evict s1", "granted 1");
        }

        @Test
        void commandsSentAgainDoNotWaitForTheOthers() {
            table.onRestart(List.of(A, B), now);
            ask(A, LeaseNeed.clear(DIRECTORY));
            assertEffects();
            table.onRequest(++token, A, List.of(LeaseNeed.clear(DIRECTORY)), true, now, out);
            assertEffects("granted 2");
            assertTrue(table.isReclaiming(A));
        }
    }

    /** Random inputs from sessions that answer recalls, late, never or twice. */
    @Test
    void lawsHoldForAnyOrderOfInputs() {
        for (long seed = 1; seed <= 150; seed++) {
            new Bag(seed).run();
        }
    }

    private static final class Bag implements LeaseEffects {
        private final Random random;
        private final long seed;
        private final LeaseTable table = new LeaseTable(CONFIG, 0);
        private final List<SessionId> sessions = new ArrayList<>();
        private final List<SessionId> toEvict = new ArrayList<>();
        private final Map<Long, SessionId> waiting = new LinkedHashMap<>();
        private final List<Long> applying = new ArrayList<>();
        private final Map<SessionId, Map<InodeId, LeaseState>> known = new LinkedHashMap<>();
        private long now = 1;
        private long token;

        Bag(long seed) {
            this.seed = seed;
            this.random = new Random(seed);
        }

        @Override
        public void recall(SessionId holder, InodeId inode, long generation, LeaseMode keep) {
            assertEquals(generation, table.held(holder, inode).generation());
        }

        @Override
        public void granted(long token, List<LeaseState> leases) {
            SessionId session = Objects.requireNonNull(waiting.remove(token));
            boolean command = false;
            for (LeaseState lease : leases) {
                command |= lease.mode() == LeaseMode.NONE;
                known.get(session).put(lease.inode(), lease);
            }
            if (command) {
                applying.add(token);
            }
        }

        @Override
        public void refused(long token) {
            assertNotNull(waiting.remove(token));
        }

        @Override
        public void evict(SessionId session, String why) {
            toEvict.add(session);
        }

        void run() {
            try {
                for (int step = 0; step < 400; step++) {
                    step();
                    table.invariants();
                }
                drain();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed, e);
            }
        }

        private void step() {
            now += random.nextLong(SECOND);
            int what = random.nextInt(100);
            if (what < 6 && sessions.size() < 5) {
                SessionId session = new SessionId(++token);
                sessions.add(session);
                known.put(session, new LinkedHashMap<>());
                table.onOpen(session, now);
            } else if (sessions.isEmpty()) {
                return;
            } else if (what < 55) {
                request(any());
            } else if (what < 80) {
                answer(any());
            } else if (what < 85) {
                tick();
            } else if (what < 92) {
                var _ = table.onRenew(any(), random.nextInt(3), false, now, this);
            } else if (what < 94 && !waiting.isEmpty()) {
                long first = waiting.keySet().iterator().next();
                waiting.remove(first);
                table.onCancel(first, now, this);
            } else if (what < 98) {
                finishOne();
            } else {
                SessionId gone = any();
                sessions.remove(gone);
                table.onClose(gone, now, this);
            }
        }

        private SessionId any() {
            return sessions.get(random.nextInt(sessions.size()));
        }

        private void request(SessionId session) {
            List<LeaseNeed> needs = new ArrayList<>();
            int first = random.nextInt(4);
            int count = 1 + random.nextInt(2);
            LeaseNeed.Kind[] kinds = LeaseNeed.Kind.values();
            boolean command = random.nextInt(3) == 0;
            for (int i = 0; i < count; i++) {
                var kind = command ? LeaseNeed.Kind.CLEAR : kinds[random.nextInt(2)];
                needs.add(new LeaseNeed(new InodeId(1 + (first + i) % 4), kind));
            }
            waiting.put(++token, session);
            table.onRequest(token, session, needs, false, now, this);
        }

        private void answer(SessionId session) {
            for (LeaseState lease : List.copyOf(known.get(session).values())) {
                if (random.nextBoolean()) {
                    LeaseMode keep = random.nextInt(3) == 0 ? LeaseMode.READ : LeaseMode.NONE;
                    LeaseState left =
                            table.onReturn(
                                    session, lease.inode(), lease.generation(), keep, now, this);
                    known.get(session).put(lease.inode(), left);
                }
            }
        }

        private void finishOne() {
            if (!applying.isEmpty()) {
                long done = applying.remove(random.nextInt(applying.size()));
                table.onApplied(done, now, this);
            }
        }

        private void tick() {
            table.onTick(now, this);
            assertTrue(table.nextDeadlineNs() > now);
            for (SessionId session : List.copyOf(toEvict)) {
                sessions.remove(session);
                table.onEvicted(session, now, this);
            }
            toEvict.clear();
        }

        /** When all answer, all that wait go on. */
        private void drain() {
            for (int round = 0; round < 200 && !waiting.isEmpty(); round++) {
                while (!applying.isEmpty()) {
                    finishOne();
                }
                for (SessionId session : sessions) {
                    for (int inode = 1; inode <= 4; inode++) {
                        LeaseState held = table.held(session, new InodeId(inode));
                        var _ =
                                table.onReturn(
                                        session,
                                        held.inode(),
                                        held.generation(),
                                        LeaseMode.NONE,
                                        now,
                                        this);
                    }
                }
                table.invariants();
            }
            assertTrue(waiting.isEmpty(), "still waiting: " + waiting);
            assertEquals(0, table.waitingCount());
        }
    }
}

package org.keelfs.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import org.junit.jupiter.api.Test;
import org.keelfs.lease.LeaseNeed.Kind;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/** SHARED mode in the lease table: when it begins, who joins, how it ends. */
class SharedLeaseTest {
    private static final long MS = 1_000_000L;
    private static final long SECOND = 1000 * MS;
    private static final LeaseTableConfig CONFIG =
            new LeaseTableConfig(
                    30 * SECOND, 5 * SECOND, 30 * SECOND, 600 * SECOND, 5 * SECOND, 100);
    private static final SessionId A = new SessionId(1);
    private static final SessionId B = new SessionId(2);
    private static final SessionId C = new SessionId(3);
    private static final InodeId FILE = new InodeId(10);

    private final List<String> log = new ArrayList<>();
    private final Map<Long, LeaseState> granted = new LinkedHashMap<>();
    private final LeaseTable table = new LeaseTable(CONFIG, 100);
    private long now = SECOND;
    private long token;

    private final LeaseEffects out =
            new LeaseEffects() {
                @Override
                public void recall(
                        SessionId holder, InodeId inode, long generation, LeaseMode keep) {
                    log.add("recall " + holder + " keep " + keep);
                }

                @Override
                public void granted(long done, List<LeaseState> leases) {
                    log.add("granted " + done + " " + leases.getFirst().mode());
                    granted.put(done, leases.getFirst());
                }

                @Override
                public void refused(long refused) {
                    log.add("refused " + refused);
                }

                @Override
                public void evict(SessionId session, String why) {
                    log.add("evict " + session);
                }
            };

    @CanIgnoreReturnValue
    private long ask(SessionId session, Kind kind) {
        table.onRequest(++token, session, List.of(new LeaseNeed(FILE, kind)), false, now, out);
        table.invariants();
        return token;
    }

    private void giveBack(SessionId session, boolean shareable, boolean inDoubt) {
        long generation = table.held(session, FILE).generation();
        var how = new LeaseReturn(generation, LeaseMode.NONE, shareable, inDoubt);
        var _ = table.onReturn(session, FILE, how, now, out);
        table.invariants();
    }

    private void assertEffects(String... effects) {
        assertEquals(Arrays.asList(effects), log);
        log.clear();
    }

    private LeaseMode mode(SessionId session) {
        return table.held(session, FILE).mode();
    }

    /** A and B take WRITE from each other until the table has seen enough. */
    private void bounce(boolean shareable) {
        Kind kind = shareable ? Kind.WRITE_OR_SHARED : Kind.WRITE;
        SessionId holder = A;
        ask(holder, kind);
        for (int i = 0; i < Contention.HAND_OVERS; i++) {
            SessionId next = holder.equals(A) ? B : A;
            now += MS;
            ask(next, kind);
            giveBack(holder, shareable, false);
            holder = next;
        }
        log.clear();
    }

    private void share() {
        for (SessionId session : List.of(A, B, C)) {
            table.onOpen(session, now);
        }
        bounce(true);
        assertEquals(LeaseMode.SHARED, mode(B));
        ask(A, Kind.READ_OR_SHARED);
        assertEquals(LeaseMode.SHARED, mode(A));
        log.clear();
    }

    @Test
    void aFileThatGoesToAndFroIsShared() {
        share();
        assertTrue(table.isContended(FILE, now));
        assertEquals(table.held(A, FILE).since(), table.held(B, FILE).since());
    }

    @Test
    void itIsNotSharedWhileASessionCaches() {
        table.onOpen(A, now);
        table.onOpen(B, now);
        bounce(false);
        assertEquals(LeaseMode.WRITE, mode(B));
        now += MS;
        ask(A, Kind.WRITE_OR_SHARED);
        giveBack(B, false, false);
        assertEquals(LeaseMode.WRITE, mode(A));
        now += Contention.UNSHAREABLE_NS + 1;
        ask(B, Kind.WRITE_OR_SHARED);
        giveBack(A, true, false);
        assertEquals(LeaseMode.SHARED, mode(B));
    }

    @Test
    void whoCannotShareTakesItFromAllAndALookFromNone() {
        share();
        long look = ask(C, Kind.LOOK);
        assertEffects("granted " + look + " NONE");
        long write = ask(C, Kind.WRITE);
        assertEffects("recall s2 keep NONE", "recall s1 keep NONE");
        giveBack(A, true, false);
        giveBack(B, true, false);
        assertEffects("granted " + write + " WRITE");
    }

    @Test
    void aHolderStoresSizesBesideOthersAndACommandClearsThem() {
        share();
        long store = ask(A, Kind.STORE);
        assertEffects("granted " + store + " NONE");
        table.onApplied(store, now, out);
        long clear = ask(A, Kind.CLEAR);
        assertEffects("recall s2 keep NONE");
        giveBack(B, true, false);
        assertEffects("granted " + clear + " NONE");
    }

    @Test
    void whoJoinsIsOfThePeriodOfTheOthersAndANewPeriodIsYounger() {
        share();
        long since = table.held(A, FILE).since();
        table.stamp(500);
        ask(C, Kind.WRITE_OR_SHARED);
        assertEquals(since, table.held(C, FILE).since());
        giveBack(A, true, false);
        giveBack(B, true, false);
        giveBack(C, true, false);
        ask(A, Kind.WRITE_OR_SHARED);
        assertEquals(LeaseMode.SHARED, mode(A));
        assertEquals(500, table.held(A, FILE).since());
    }

    @Test
    void anEvictedSharerHasTheOthersLeaveBeforeAnybodyEnters() {
        share();
        table.onEvict(B, "test", now, out);
        assertEffects("evict s2");
        ask(C, Kind.READ_OR_SHARED);
        assertEquals(LeaseMode.SHARED, mode(C));
        table.onEvicted(B, now, out);
        table.invariants();
        assertTrue(table.isTainted(FILE));
        table.stamp(900);
        log.clear();
        giveBack(C, true, false);
        long again = ask(C, Kind.WRITE_OR_SHARED);
        assertEffects();
        giveBack(A, true, false);
        assertEffects("granted " + again + " SHARED");
        assertEquals(900, table.held(C, FILE).since());
    }

    @Test
    void whatIsInDoubtEndsThePeriodToo() {
        share();
        giveBack(B, true, true);
        assertEffects("recall s1 keep NONE");
        assertTrue(table.isTainted(FILE));
        long again = ask(B, Kind.WRITE_OR_SHARED);
        assertEffects();
        giveBack(A, true, false);
        assertEffects("granted " + again + " SHARED");
    }

    @Test
    void whoIsLeftAloneGoesBackToAnOrdinaryLease() {
        share();
        giveBack(B, true, false);
        assertEffects();
        assertEquals(now + LeaseQueues.SOLE_NS, table.nextDeadlineNs());
        now += LeaseQueues.SOLE_NS;
        table.onTick(now, out);
        assertEffects("recall s1 keep NONE");
        giveBack(A, true, false);
        ask(A, Kind.WRITE_OR_SHARED);
        assertEquals(LeaseMode.WRITE, mode(A));
    }

    @Test
    void afterARestartSharersOfOnePeriodReclaim() {
        var restarted = new LeaseTable(CONFIG, 100);
        restarted.onRestart(List.of(A, B, C), now);
        assertNotNull(restarted.onReclaim(A, FILE, LeaseMode.SHARED, 77, now));
        assertNotNull(restarted.onReclaim(B, FILE, LeaseMode.SHARED, 77, now));
        assertNull(restarted.onReclaim(C, FILE, LeaseMode.SHARED, 78, now));
        assertNull(restarted.onReclaim(C, FILE, LeaseMode.READ, now));
        restarted.invariants();
        assertEquals(77, restarted.held(B, FILE).since());
    }

    /** All kinds of requests on two files, with returns, evictions and time. */
    @Test
    void anyOrderOfInputsKeepsTheLawsAndLosesNoRequest() {
        int sharedGrants = 0;
        for (int seed = 0; seed < 400; seed++) {
            var bag = new Bag(seed);
            bag.run();
            sharedGrants += bag.sharedGrants;
        }
        assertTrue(sharedGrants > 1000, "too few grants of SHARED: " + sharedGrants);
    }

    private static final class Bag implements LeaseEffects {
        private final long seed;
        private final Random random;
        private final LeaseTable table = new LeaseTable(CONFIG, 100);
        private final List<SessionId> sessions = new ArrayList<>();
        private final Map<Long, SessionId> waiting = new LinkedHashMap<>();
        private final Map<Long, Boolean> commands = new LinkedHashMap<>();
        private final List<Long> applying = new ArrayList<>();
        private final List<SessionId> toEvict = new ArrayList<>();
        private long now = SECOND;
        private long token;
        private long epoch;
        private int sharedGrants;

        Bag(long seed) {
            this.seed = seed;
            this.random = new Random(seed);
        }

        @Override
        public void recall(SessionId holder, InodeId inode, long generation, LeaseMode keep) {
            assertEquals(generation, table.held(holder, inode).generation());
        }

        @Override
        public void granted(long done, List<LeaseState> leases) {
            assertNotNull(waiting.remove(done));
            if (Objects.requireNonNull(commands.remove(done))) {
                applying.add(done);
            } else if (leases.getFirst().mode() == LeaseMode.SHARED) {
                sharedGrants++;
            }
        }

        @Override
        public void refused(long refused) {
            assertNotNull(waiting.remove(refused));
            commands.remove(refused);
        }

        @Override
        public void evict(SessionId session, String why) {
            toEvict.add(session);
        }

        void run() {
            try {
                for (int step = 0; step < 400; step++) {
                    step();
                    table.stamp(++epoch);
                    table.invariants();
                }
                drain();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed, e);
            }
        }

        private void step() {
            now += random.nextLong(50 * MS);
            int what = random.nextInt(100);
            if (sessions.size() < 3) {
                SessionId session = new SessionId(++token);
                sessions.add(session);
                table.onOpen(session, now);
            } else if (what < 50) {
                request(any());
            } else if (what < 85) {
                giveBack(any());
            } else if (what < 90) {
                tick();
            } else if (what < 97) {
                finishOne();
            } else if (what < 98) {
                table.onEvict(any(), "seed", now, this);
                tick();
            } else if (!waiting.isEmpty()) {
                long first = waiting.keySet().iterator().next();
                waiting.remove(first);
                commands.remove(first);
                table.onCancel(first, now, this);
            }
        }

        private SessionId any() {
            return sessions.get(random.nextInt(sessions.size()));
        }

        private void request(SessionId session) {
            Kind[] often = {Kind.WRITE_OR_SHARED, Kind.READ_OR_SHARED};
            Kind kind =
                    random.nextInt(4) > 0
                            ? often[random.nextInt(2)]
                            : Kind.values()[random.nextInt(Kind.values().length)];
            var need = new LeaseNeed(new InodeId(1 + random.nextInt(2)), kind);
            waiting.put(++token, session);
            commands.put(token, kind.isCommand());
            table.onRequest(token, session, List.of(need), false, now, this);
        }

        private void giveBack(SessionId session) {
            for (int inode = 1; inode <= 2; inode++) {
                LeaseState held = table.held(session, new InodeId(inode));
                LeaseMode keep = random.nextInt(3) == 0 ? LeaseMode.READ : LeaseMode.NONE;
                boolean doubt = random.nextInt(20) == 0;
                var how = new LeaseReturn(held.generation(), keep, random.nextInt(8) > 0, doubt);
                var _ = table.onReturn(session, held.inode(), how, now, this);
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

        private void drain() {
            for (int round = 0; round < 200 && !waiting.isEmpty(); round++) {
                while (!applying.isEmpty()) {
                    finishOne();
                }
                List.copyOf(sessions).forEach(this::giveBack);
                table.invariants();
            }
            assertTrue(waiting.isEmpty(), "still waiting: " + waiting);
            assertEquals(0, table.waitingCount());
        }
    }
}

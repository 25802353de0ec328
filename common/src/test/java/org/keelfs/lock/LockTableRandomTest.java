package org.keelfs.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.keelfs.lock.LockAnswer.Status;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/**
 * Random requests of some sessions, each a mount that keeps locks which are delegated to it,
 * against arrays of bytes. Replies are lost and requests repeated; sessions end.
 */
final class LockTableRandomTest {
    private static final int SEEDS = Integer.getInteger("keelfs.test.locks.seeds", 300);
    private static final int STEPS = 400;
    private static final int SESSIONS = 3;
    private static final int OWNERS = 6;
    private static final int INODES = 3;
    private static final int BYTES = 8;
    private static final long MS = 1_000_000;

    @Test
    void doesWhatArraysOfBytesDo() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            var run = new Run(seed);
            try {
                for (int i = 0; i < STEPS; i++) {
                    run.step();
                }
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed + " after " + run.last, e);
            }
        }
    }

    /** A wait that has not ended. */
    private record Waiting(int inode, RangeLock wanted, long number) {}

    private static final class Run implements LockEffects {
        private final Random random;
        private final LockTable table =
                new LockTable(new LockTableConfig(50 * MS, 10 * MS, 1_000_000 * MS, 1000, 1000));

        /** For each inode, owner and byte: 0 nothing, 1 read, 2 write. */
        private final int[][][] model = new int[INODES][OWNERS][BYTES];

        /** Locks of inodes that are delegated. */
        private final Map<String, InodeLocks> delegated = new LinkedHashMap<>();

        private final Map<Long, Waiting> waiting = new LinkedHashMap<>();
        private final Set<String> recalled = new LinkedHashSet<>();
        private final List<Runnable> effects = new ArrayList<>();
        private final int[] generation = new int[SESSIONS];
        private long now = 1_000 * MS;
        private long sequence;
        private long waiter;
        private String last = "nothing";

        Run(long seed) {
            random = new Random(seed);
        }

        void step() {
            now += random.nextInt(20) * MS;
            int kind = random.nextInt(100);
            if (kind < 3) {
                endSession(random.nextInt(SESSIONS));
            } else if (kind < 10) {
                table.onTick(now);
            } else if (kind < 25 && !recalled.isEmpty()) {
                handOver(recalled.iterator().next());
            } else if (kind < 35 && !waiting.isEmpty()) {
                cancel(List.copyOf(waiting.values()).get(random.nextInt(waiting.size())));
            } else {
                request();
            }
            effects.forEach(Runnable::run);
            effects.clear();
            table.invariants();
            compare();
        }

        private SessionId session(int owner) {
            int s = owner % SESSIONS;
            return new SessionId(1 + s + (long) generation[s] * SESSIONS);
        }

        private LockOwner owner(int owner) {
            return new LockOwner(session(owner), LockKind.POSIX, owner);
        }

        private static String key(SessionId session, int inode) {
            return session + "/" + inode;
        }

        private void request() {
            int inode = random.nextInt(INODES);
            int who = random.nextInt(OWNERS);
            int start = random.nextInt(BYTES);
            int end = start + random.nextInt(BYTES - start);
            int type = random.nextInt(3);
            last = "owner %d type %d of %d to %d on %d".formatted(who, type, start, end, inode);
            InodeLocks own = delegated.get(key(session(who), inode));
            if (own != null) {
                local(own, inode, who, type, start, end);
            } else if (type == 0) {
                LockAnswer answer = ask(who, inode, new LockOp.Unlock(owner(who), start, end));
                if (answer.status() == Status.DONE) {
                    fill(inode, who, start, end, 0);
                }
            } else {
                lock(inode, who, new RangeLock(owner(who), type == 2, start, end, 0));
            }
        }

        private void local(InodeLocks own, int inode, int who, int type, int start, int end) {
            if (type == 0) {
                own.remove(owner(who), start, end);
                fill(inode, who, start, end, 0);
                return;
            }
            var wanted = new RangeLock(owner(who), type == 2, start, end, 0);
            boolean free = own.conflict(wanted) == null;
            assertEquals(isFree(inode, who, wanted), free);
            if (free) {
                own.put(wanted);
                fill(inode, who, start, end, type);
            } else if (random.nextInt(4) == 0) {
                handOver(key(session(who), inode));
            }
        }

        private void lock(int inode, int who, RangeLock wanted) {
            boolean waits = random.nextBoolean();
            boolean free = isFree(inode, who, wanted);
            long number = ++waiter;
            LockAnswer answer = ask(who, inode, new LockOp.Lock(wanted, waits, number));
            switch (answer.status()) {
                case DONE -> {
                    assertTrue(free, "granted beside a conflict");
                    fill(inode, who, wanted);
                    if (answer.delegated()) {
                        delegate(inode, session(who));
                    }
                }
                case CONFLICT -> assertFalse(free || waits, "refused");
                case WAITING -> {
                    assertFalse(free, "waits for what is free");
                    waiting.put(number, new Waiting(inode, wanted, number));
                    assertFalse(hasCycle(), "waits in a cycle");
                }
                case DEADLOCK -> {
                    waiting.put(number, new Waiting(inode, wanted, number));
                    assertTrue(hasCycle(), "no cycle");
                    waiting.remove(number);
                }
                case RECALLING -> assertNotEquals(session(who), table.delegatedTo(id(inode)));
                default -> throw new AssertionError(answer);
            }
        }

        private void delegate(int inode, SessionId session) {
            var locks = new InodeLocks();
            for (int who = 0; who < OWNERS; who++) {
                for (int i = 0; i < BYTES; i++) {
                    if (model[inode][who][i] != 0) {
                        assertEquals(session, session(who), "delegated beside others");
                        locks.put(new RangeLock(owner(who), model[inode][who][i] == 2, i, i, 0));
                    }
                }
            }
            delegated.put(key(session, inode), locks);
        }

        /** The last answer may be lost, and then the request comes again, and again. */
        private LockAnswer ask(int who, int inode, LockOp op) {
            long number = ++sequence;
            LockAnswer answer =
                    table.onRequest(session(who), number, id(inode), op, false, now, this);
            for (int i = random.nextInt(3); i > 0; i--) {
                assertEquals(
                        answer,
                        table.onRequest(session(who), number, id(inode), op, false, now, this));
            }
            return answer;
        }

        private void handOver(String key) {
            recalled.remove(key);
            InodeLocks locks = delegated.remove(key);
            if (locks != null) {
                int inode = Integer.parseInt(key.substring(key.indexOf('/') + 1));
                var session = new SessionId(Long.parseLong(key.substring(1, key.indexOf('/'))));
                last = "hand over " + key;
                LockAnswer answer =
                        table.onRequest(
                                session,
                                ++sequence,
                                id(inode),
                                new LockOp.HandOver(locks.held()),
                                false,
                                now,
                                this);
                assertEquals(Status.DONE, answer.status());
            }
        }

        private void cancel(Waiting wait) {
            last = "cancel " + wait;
            int who = (int) wait.wanted.owner().number();
            LockAnswer answer = ask(who, wait.inode, new LockOp.Cancel(wait.wanted, wait.number));
            assertEquals(Status.CANCELLED, answer.status());
            waiting.remove(wait.number);
        }

        private void endSession(int number) {
            SessionId session = session(number);
            last = "end of " + session;
            waiting.values().removeIf(wait -> wait.wanted.owner().session().equals(session));
            for (int inode = 0; inode < INODES; inode++) {
                delegated.remove(key(session, inode));
                recalled.remove(key(session, inode));
                for (int who = 0; who < OWNERS; who++) {
                    if (session(who).equals(session)) {
                        fill(inode, who, 0, BYTES - 1, 0);
                    }
                }
            }
            generation[number]++;
            table.onSessionEnd(session, this);
        }

        // ---- the model ----

        private static InodeId id(int inode) {
            return new InodeId(100 + inode);
        }

        private void fill(int inode, int who, RangeLock lock) {
            fill(inode, who, (int) lock.start(), (int) lock.end(), lock.exclusive() ? 2 : 1);
        }

        private void fill(int inode, int who, int start, int end, int type) {
            for (int i = start; i <= end; i++) {
                model[inode][who][i] = type;
            }
        }

        private boolean isFree(int inode, int who, RangeLock wanted) {
            return blockers(inode, who, wanted).isEmpty();
        }

        private List<Integer> blockers(int inode, int who, RangeLock wanted) {
            List<Integer> found = new ArrayList<>();
            for (int other = 0; other < OWNERS; other++) {
                for (int i = (int) wanted.start(); i <= wanted.end() && other != who; i++) {
                    int type = model[inode][other][i];
                    if (type == 2 || (type == 1 && wanted.exclusive())) {
                        found.add(other);
                        break;
                    }
                }
            }
            return found;
        }

        /** Floyd and Warshall over the owners. */
        private boolean hasCycle() {
            boolean[][] reaches = new boolean[OWNERS][OWNERS];
            for (Waiting wait : waiting.values()) {
                int who = (int) wait.wanted.owner().number();
                blockers(wait.inode, who, wait.wanted).forEach(b -> reaches[who][b] = true);
            }
            for (int k = 0; k < OWNERS; k++) {
                for (int i = 0; i < OWNERS; i++) {
                    for (int j = 0; j < OWNERS; j++) {
                        reaches[i][j] |= reaches[i][k] && reaches[k][j];
                    }
                }
            }
            for (int i = 0; i < OWNERS; i++) {
                if (reaches[i][i]) {
                    return true;
                }
            }
            return false;
        }

        private void compare() {
            for (int inode = 0; inode < INODES; inode++) {
                SessionId holder = table.delegatedTo(id(inode));
                List<RangeLock> held = table.held(id(inode));
                if (holder != null && delegated.containsKey(key(holder, inode))) {
                    held = delegated.get(key(holder, inode)).held();
                }
                int[][] seen = new int[OWNERS][BYTES];
                for (RangeLock lock : held) {
                    for (int i = (int) lock.start(); i <= lock.end(); i++) {
                        seen[(int) lock.owner().number()][i] = lock.exclusive() ? 2 : 1;
                    }
                }
                for (int who = 0; who < OWNERS; who++) {
                    assertEquals(
                            java.util.Arrays.toString(model[inode][who]),
                            java.util.Arrays.toString(seen[who]),
                            "inode " + inode + " owner " + who);
                }
            }
            for (Waiting wait : waiting.values()) {
                int who = (int) wait.wanted.owner().number();
                assertFalse(isFree(wait.inode, who, wait.wanted), "nobody woke " + wait);
            }
            assertFalse(hasCycle(), "a cycle stays");
        }

        // ---- effects ----

        @Override
        public void recall(SessionId holder, InodeId inode) {
            recalled.add(key(holder, (int) (inode.value() - 100)));
        }

        @Override
        public void askAgain(SessionId session, InodeId inode) {}

        /** Effects are carried out after the input. */
        @Override
        public void waitEnded(SessionId session, InodeId inode, long number, boolean granted) {
            effects.add(() -> ended(number, granted));
        }

        private void ended(long number, boolean granted) {
            @Nullable Waiting wait = waiting.remove(number);
            if (wait == null) {
                throw new AssertionError("nobody waits as " + number);
            }
            if (granted) {
                int who = (int) wait.wanted.owner().number();
                assertTrue(isFree(wait.inode, who, wait.wanted), "woken beside a conflict");
                fill(wait.inode, who, wait.wanted);
            }
        }

        @Override
        public void wanted(SessionId holder) {}

        @Override
        public void evict(SessionId session, String why) {
            throw new AssertionError("nobody is slow here");
        }
    }
}

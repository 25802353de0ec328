package org.keelfs.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.keelfs.lock.LockAnswer.Status;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

final class LockTableTest {
    private static final long SECOND = 1_000_000_000L;
    private static final SessionId A = new SessionId(1);
    private static final SessionId B = new SessionId(2);
    private static final SessionId C = new SessionId(3);
    private static final InodeId FILE = new InodeId(10);
    private static final InodeId OTHER = new InodeId(11);

    private final LockTable table = new LockTable(LockTableConfig.DEFAULT);
    private final Recorder out = new Recorder();
    private long now = SECOND;
    private long sequence;

    /** Keeps effects as text. */
    private static final class Recorder implements LockEffects {
        final List<String> log = new ArrayList<>();

        @Override
        public void recall(SessionId holder, InodeId inode) {
            log.add("recall " + holder + " " + inode);
        }

        @Override
        public void askAgain(SessionId session, InodeId inode) {
            log.add("again " + session + " " + inode);
        }

        @Override
        public void waitEnded(SessionId session, InodeId inode, long waiter, boolean granted) {
            log.add((granted ? "granted " : "refused ") + session + " " + waiter);
        }

        @Override
        public void wanted(SessionId holder) {
            log.add("wanted " + holder);
        }

        @Override
        public void evict(SessionId session, String why) {
            log.add("evict " + session);
        }

        List<String> take() {
            List<String> taken = List.copyOf(log);
            log.clear();
            return taken;
        }
    }

    @AfterEach
    void lawsHold() {
        table.invariants();
    }

    private LockAnswer ask(SessionId session, InodeId inode, LockOp op) {
        return table.onRequest(session, ++sequence, inode, op, false, now, out);
    }

    private static RangeLock posix(SessionId session, long start, long end) {
        var owner = new LockOwner(session, LockKind.POSIX, 1);
        return new RangeLock(owner, true, start, end, 0);
    }

    private static RangeLock flock(SessionId session, boolean exclusive) {
        var owner = new LockOwner(session, LockKind.FLOCK, 1);
        return new RangeLock(owner, exclusive, 0, RangeLock.END_MAX, 0);
    }

    @CanIgnoreReturnValue
    private LockAnswer lock(RangeLock wanted, InodeId inode, boolean waits) {
        SessionId session = wanted.owner().session();
        return ask(session, inode, new LockOp.Lock(wanted, waits, session.value() * 100));
    }

    private void unlock(RangeLock held, InodeId inode) {
        LockOp op = new LockOp.Unlock(held.owner(), held.start(), held.end());
        assertEquals(Status.DONE, ask(held.owner().session(), inode, op).status());
    }

    /** Makes the server keep the locks of the inode: two sessions have used it. */
    private void share(InodeId inode) {
        ask(A, inode, new LockOp.Test(posix(A, 0, 0)));
        ask(B, inode, new LockOp.Test(posix(B, 0, 0)));
    }

    @Nested
    final class Waits {
        @Test
        void whoWaitsGetsTheLockWhenItIsFree() {
            share(FILE);
            assertEquals(Status.DONE, lock(posix(A, 0, 9), FILE, true).status());
            assertEquals(Status.CONFLICT, lock(posix(B, 5, 5), FILE, false).status());
            assertEquals(Status.WAITING, lock(posix(B, 5, 5), FILE, true).status());
            out.take();
            unlock(posix(A, 0, 9), FILE);
            assertEquals(List.of("granted s2 200"), out.take());
            assertEquals(Status.DONE, lock(posix(B, 5, 5), FILE, true).status());
        }

        @Test
        void askingAgainGoesOnWaitingInTheSamePlace() {
            share(FILE);
            lock(posix(A, 0, 9), FILE, true);
            lock(posix(B, 0, 9), FILE, true);
            lock(posix(C, 0, 9), FILE, true);
            assertEquals(Status.WAITING, lock(posix(B, 0, 9), FILE, true).status());
            out.take();
            unlock(posix(A, 0, 9), FILE);
            assertEquals(List.of("granted s2 200"), out.take());
        }

        @Test
        void aCancelledWaitGetsNothing() {
            share(FILE);
            lock(posix(A, 0, 9), FILE, true);
            lock(posix(B, 0, 9), FILE, true);
            var cancel = new LockOp.Cancel(posix(B, 0, 9), 200);
            assertEquals(Status.CANCELLED, ask(B, FILE, cancel).status());
            out.take();
            unlock(posix(A, 0, 9), FILE);
            assertEquals(List.of(), out.take());
        }

        @Test
        void aCancelThatComesTooLateSaysSo() {
            share(FILE);
            lock(posix(A, 0, 9), FILE, true);
            lock(posix(B, 0, 9), FILE, true);
            unlock(posix(A, 0, 9), FILE);
            var cancel = new LockOp.Cancel(posix(B, 0, 9), 200);
            assertEquals(Status.DONE, ask(B, FILE, cancel).status());
        }

        @Test
        void theEndOfASessionGivesItsLocksAway() {
            share(FILE);
            lock(posix(A, 0, 9), FILE, true);
            lock(posix(C, 0, 9), FILE, true);
            lock(posix(B, 0, 9), FILE, true);
            out.take();
            table.onSessionEnd(C, out);
            table.onSessionEnd(A, out);
            assertEquals(List.of("granted s2 200"), out.take());
        }

        @Test
        void aConvertedFlockIsGivenUpFirst() {
            share(FILE);
            lock(flock(A, false), FILE, true);
            lock(flock(B, false), FILE, true);
            assertEquals(Status.WAITING, lock(flock(A, true), FILE, true).status());
            assertEquals(Status.DONE, lock(flock(B, true), FILE, true).status());
        }
    }

    @Nested
    final class Deadlocks {
        @Test
        void aCycleOverTwoFilesAndSessionsIsRefused() {
            share(FILE);
            share(OTHER);
            lock(posix(A, 0, 9), FILE, true);
            lock(posix(B, 0, 9), OTHER, true);
            assertEquals(Status.WAITING, lock(posix(A, 0, 9), OTHER, true).status());
            assertEquals(Status.DEADLOCK, lock(posix(B, 0, 9), FILE, true).status());
        }

        @Test
        void aCycleOfThreeIsRefused() {
            share(FILE);
            lock(posix(A, 0, 0), FILE, true);
            lock(posix(B, 1, 1), FILE, true);
            lock(posix(C, 2, 2), FILE, true);
            assertEquals(Status.WAITING, lock(posix(A, 1, 1), FILE, true).status());
            assertEquals(Status.WAITING, lock(posix(B, 2, 2), FILE, true).status());
            assertEquals(Status.DEADLOCK, lock(posix(C, 0, 0), FILE, true).status());
        }

        @Test
        void flockWaitsForEver() {
            share(FILE);
            share(OTHER);
            lock(flock(A, true), FILE, true);
            lock(flock(B, true), OTHER, true);
            assertEquals(Status.WAITING, lock(flock(A, true), OTHER, true).status());
            assertEquals(Status.WAITING, lock(flock(B, true), FILE, true).status());
        }
    }

    @Nested
    final class Delegation {
        @Test
        void whoIsAloneGrantsItsLocksItself() {
            assertTrue(lock(posix(A, 0, 9), FILE, true).delegated());
            assertEquals(A, table.delegatedTo(FILE));
            assertEquals(List.of(), table.held(FILE));
        }

        @Test
        void anotherSessionsRequestCallsForAHandOver() {
            lock(posix(A, 0, 9), FILE, true);
            assertEquals(Status.RECALLING, lock(posix(B, 5, 5), FILE, true).status());
            assertEquals(List.of("recall s1 i10", "wanted s1"), out.take());
            ask(A, FILE, new LockOp.HandOver(List.of(posix(A, 0, 9))));
            assertEquals(List.of("again s2 i10"), out.take());
            assertEquals(Status.WAITING, lock(posix(B, 5, 5), FILE, true).status());
            assertNull(table.delegatedTo(FILE));
        }

        @Test
        void isNotGivenWhileSessionsTakeTurns() {
            lock(posix(A, 0, 9), FILE, true);
            lock(posix(B, 20, 29), FILE, true);
            ask(A, FILE, new LockOp.HandOver(List.of()));
            LockAnswer answer = lock(posix(B, 20, 29), FILE, true);
            assertEquals(new LockAnswer(Status.DONE, null, false), answer);
            now += LockTableConfig.DEFAULT.quietNs() + 1;
            ask(B, FILE, new LockOp.Test(posix(B, 0, 0)));
            now += LockTableConfig.DEFAULT.quietNs() + 1;
            assertTrue(lock(posix(B, 30, 39), FILE, true).delegated());
        }

        @Test
        void aHolderThatDoesNotHandOverIsEvicted() {
            lock(posix(A, 0, 9), FILE, true);
            lock(posix(B, 0, 9), FILE, true);
            now += LockTableConfig.DEFAULT.stallNs();
            out.take();
            lock(posix(B, 0, 9), FILE, true);
            assertEquals(List.of("evict s1", "wanted s1"), out.take());
            table.onSessionEnd(A, out);
            assertEquals(List.of("again s2 i10"), out.take());
            assertEquals(Status.DONE, lock(posix(B, 0, 9), FILE, true).status());
        }
    }

    @Nested
    final class LostMessages {
        @Test
        void aRequestSentAgainGetsTheSameAnswer() {
            share(FILE);
            lock(posix(A, 0, 9), FILE, true);
            unlock(posix(A, 0, 9), FILE);
            lock(posix(B, 0, 9), FILE, true);
            var op = new LockOp.Unlock(posix(A, 0, 9).owner(), 0, 9);
            LockAnswer again = table.onRequest(A, sequence - 1, FILE, op, false, now, out);
            assertEquals(Status.DONE, again.status());
        }

        @Test
        void aRequestThatComesTooLateHasNoEffect() {
            share(FILE);
            long late = ++sequence;
            unlock(posix(A, 0, 9), FILE);
            var op = new LockOp.Lock(posix(A, 0, 9), true, 1);
            assertEquals(
                    Status.STALE, table.onRequest(A, late, FILE, op, false, now, out).status());
            assertEquals(List.of(), table.held(FILE));
        }

        @Test
        void neitherHasOneOfAForgottenInode() {
            share(FILE);
            long late = ++sequence;
            unlock(posix(A, 0, 9), FILE);
            now += 10 * LockTableConfig.DEFAULT.quietNs();
            table.onTick(now);
            assertEquals(0, table.inodeCount());
            var op = new LockOp.Lock(posix(A, 0, 9), true, 1);
            assertEquals(
                    Status.STALE, table.onRequest(A, late, FILE, op, false, now, out).status());
            assertEquals(Status.DONE, lock(posix(A, 0, 9), FILE, true).status());
        }
    }

    @Nested
    final class Restart {
        private LockAnswer inGrace(SessionId session, LockOp op) {
            return table.onRequest(session, ++sequence, FILE, op, true, now, out);
        }

        @Test
        void nothingIsGrantedBeforeAllHaveReclaimed() {
            var op = new LockOp.Lock(posix(B, 0, 9), true, 1);
            assertEquals(Status.GRACE, inGrace(B, op).status());
            var reclaim = new LockOp.Reclaim(List.of(posix(A, 0, 9)), false);
            assertEquals(Status.DONE, inGrace(A, reclaim).status());
            assertEquals(Status.CONFLICT, lock(posix(B, 0, 9), FILE, false).status());
        }

        @Test
        void aDelegationIsReclaimed() {
            var reclaim = new LockOp.Reclaim(List.of(), true);
            assertEquals(Status.DONE, inGrace(A, reclaim).status());
            assertEquals(A, table.delegatedTo(FILE));
            assertEquals(Status.RECALLING, lock(posix(B, 0, 9), FILE, true).status());
        }

        @Test
        void whatContradictsAnotherIsLost() {
            inGrace(A, new LockOp.Reclaim(List.of(posix(A, 0, 9)), false));
            var reclaim = new LockOp.Reclaim(List.of(posix(B, 9, 9)), false);
            assertEquals(Status.LOST, inGrace(B, reclaim).status());
        }
    }
}

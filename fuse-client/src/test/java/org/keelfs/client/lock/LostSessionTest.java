package org.keelfs.client.lock;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.FsException;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.QuietListener;
import org.keelfs.client.meta.SessionConfig;
import org.keelfs.lock.LockAnswer.Status;
import org.keelfs.lock.LockKind;
import org.keelfs.lock.LockOp;
import org.keelfs.lock.LockOwner;
import org.keelfs.lock.RangeLock;
import org.keelfs.model.InodeId;

/** Locks of a mount whose session is evicted while programs use them (docs/decisions/0010). */
@Timeout(60)
class LostSessionTest {
    private static final long TIMEOUT_MS = 10_000;
    private static final long MARGIN_MS = 5_000;

    /** Never in time: the mount asks the server about everything. */
    private static final int NO_TERM_MS = 1_000;

    private static final InodeId FILE = new InodeId(7);
    private static final InodeId OTHER_FILE = new InodeId(8);
    private static final LockOwner OTHER =
            new LockOwner(EvictingLockServer.otherSession(), LockKind.POSIX, 1);

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final EvictingLockServer server = new EvictingLockServer(NO_TERM_MS);
    private final MetadataSession session =
            new MetadataSession(
                    new SessionConfig("v", new byte[16], TIMEOUT_MS, MARGIN_MS),
                    new TellsLocks(),
                    _ -> server,
                    timer,
                    threads);
    private final FileLocks locks = new FileLocks(session, threads, 1, TIMEOUT_MS);

    private final class TellsLocks extends QuietListener {
        @Override
        public void onSessionLost() {
            locks.events().onSessionLost();
        }
    }

    @AfterEach
    void close() {
        timer.shutdownNow();
        threads.shutdownNow();
    }

    private static LockWant want(InodeId inode, boolean waits) {
        return new LockWant(inode, 3, LockKind.POSIX, 33, true, 0, 9, 0, waits);
    }

    /** It keeps no delegation. */
    private Status otherLocks() {
        var lock = new RangeLock(OTHER, true, 0, 9, 0);
        Status got = server.other(FILE, new LockOp.Lock(lock, false, 0));
        if (got == Status.DONE) {
            server.other(FILE, new LockOp.HandOver(List.of(lock)));
        }
        return got;
    }

    private void otherUnlocks() {
        assertEquals(Status.DONE, server.other(FILE, new LockOp.Unlock(OTHER, 0, 9)));
    }

    private void tellNotices() {
        server.takeNotices().forEach(locks.events()::onNotice);
    }

    /** A program waits for a lock that the other session has. */
    private Future<?> waitingProgram() {
        session.open();
        assertEquals(Status.DONE, otherLocks());
        Future<?> program = threads.submit(() -> locks.lock(want(FILE, true)));
        await().until(() -> server.waitCount() == 1);
        return program;
    }

    /** Another program's call finds out that the session is gone. */
    private Future<?> finderOut() {
        return threads.submit(() -> locks.conflict(want(OTHER_FILE, false)));
    }

    @Test
    void whoWaitsForALockWaitsOnInTheNextSession() throws Exception {
        Future<?> program = waitingProgram();
        var next = server.holdNextSession();
        server.evict();
        Future<?> finder = finderOut();
        // The waiter too asks before there is a new session.
        await().until(() -> server.refused() >= 2);
        next.complete(null);
        finder.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
        await().until(() -> server.waitCount() == 1);
        otherUnlocks();
        tellNotices();
        program.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
        assertEquals(Status.CONFLICT, otherLocks());
    }

    @Test
    void whatIsGrantedInTheNextSessionIsGivenUpThere() {
        session.open();
        locks.lock(want(FILE, false));
        locks.unlock(want(FILE, false));
        server.evict();
        locks.lock(want(FILE, false)); // The delegation goes back first, which tells of the loss.
        assertEquals(Status.CONFLICT, otherLocks());
        locks.unlock(want(FILE, false));
        assertEquals(Status.DONE, otherLocks());
    }

    @Test
    void aGrantOfALostSessionThatIsToldLateIsNone() throws Exception {
        Future<?> program = waitingProgram();
        otherUnlocks();
        var late = server.takeNotices();
        assertEquals(1, late.size());
        server.evict();
        assertEquals(Status.DONE, otherLocks());
        LockedInode file = locks.events().find(FILE);
        file.slot.lock();
        try {
            finderOut().get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
            await().until(file.slot::hasQueuedThreads);
            late.forEach(locks.events()::onNotice);
        } finally {
            file.slot.unlock();
        }
        await().until(() -> server.waitCount() == 1);
        await().during(Duration.ofMillis(300)).until(() -> !program.isDone());
        otherUnlocks();
        tellNotices();
        program.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
        assertEquals(Status.CONFLICT, otherLocks());
    }

    @Test
    void aLockThatWasLostIsToldUntilItsHandleIsClosed() throws Exception {
        session.open();
        locks.lock(want(FILE, false));
        server.evict();
        finderOut().get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
        assertThrows(FsException.class, () -> locks.check(3));
        assertThrows(FsException.class, () -> locks.lock(want(FILE, false)));
        locks.release(FILE, 3);
        locks.check(3);
        locks.lock(want(FILE, false));
        assertEquals(Status.CONFLICT, otherLocks());
    }
}

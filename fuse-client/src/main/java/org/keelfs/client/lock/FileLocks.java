package org.keelfs.client.lock;

import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.lock.LockedInode.Waiter;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.lock.LockAnswer;
import org.keelfs.lock.LockAnswer.Status;
import org.keelfs.lock.LockKind;
import org.keelfs.lock.LockOp;
import org.keelfs.lock.LockOwner;
import org.keelfs.lock.LockTableConfig;
import org.keelfs.lock.RangeLock;
import org.keelfs.model.InodeId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mount's file locks. Those of an inode that no other mount locks are granted here; all others
 * at the server, where also fcntl(2) locks wait, because only there all waits are known
 * (docs/decisions/0010). Thread-safe.
 *
 * <p>Methods that begin with "try" never wait.
 */
public final class FileLocks {
    private static final Logger LOG = LoggerFactory.getLogger(FileLocks.class);

    /** Who waits for a lock asks again so often, in case a notice was lost. */
    private static final long WAIT_POLL_MS = 10_000;

    /** Who waits for a hand-over asks again so often; this repeats the recall too. */
    private static final long RECALL_POLL_MS = 1_000;

    private final LockCalls calls;
    private final LockedInodes inodes;
    private final int host;
    private final long operationTimeoutMs;
    private final AtomicLong lastWaiter = new AtomicLong();

    /**
     * @param blocking runs tasks that wait, each on a thread of its own
     * @param host tells process ids of this machine from those of others
     */
    public FileLocks(
            MetadataSession session, Executor blocking, int host, long operationTimeoutMs) {
        this.calls = new LockCalls(session, blocking);
        this.inodes = new LockedInodes(calls, blocking, host);
        this.host = host;
        this.operationTimeoutMs = operationTimeoutMs;
    }

    /**
     * Programs that rely on a lock which was lost with the session must not go on as if they had
     * it.
     *
     * @throws FsException EIO when locks that were got through this handle are lost
     */
    public void check(long handle) {
        if (inodes.isLost(handle)) {
            throw new FsException(Errno.EIO, "a lock was lost with the session");
        }
    }

    /** What happens to the session, and what the server tells about locks. */
    public LockedInodes events() {
        return inodes;
    }

    // ---- getting ----

    /**
     * @return false when it has to wait
     * @throws FsException EAGAIN where it is not to wait for another's lock
     */
    public boolean tryLock(LockWant want) {
        check(want.handle());
        LockedInode s = inodes.find(want.inode());
        if (s == null || !calls.isInTime()) {
            return false;
        }
        s.lock.lock();
        try {
            return tryLockHere(s, want, want.lock(calls.sessionId(), host));
        } finally {
            s.lock.unlock();
        }
    }

    /** The lock of the inode is held. False: it has to wait, or to ask the server. */
    private static boolean tryLockHere(LockedInode s, LockWant want, RangeLock wanted) {
        if (s.forgotten) {
            return false;
        }
        s.usedNs = System.nanoTime();
        boolean held = s.own.holds(wanted);
        if (held || !s.delegated) {
            if (held) {
                s.got(want, wanted);
            }
            return held;
        }
        if (s.own.rangeCount() >= LockTableConfig.RANGES_MAX) {
            throw new FsException(Errno.ENOLCK);
        }
        if (wanted.owner().kind() == LockKind.FLOCK) {
            s.own.remove(wanted.owner()); // A conversion gives up first (flock(2)).
        }
        boolean free = s.own.conflict(wanted) == null;
        if (free) {
            s.got(want, wanted);
        }
        s.settle();
        if (!free && !want.waits()) {
            throw new FsException(Errno.EAGAIN);
        }
        return free;
    }

    /**
     * Waits for the lock.
     *
     * @throws FsException EAGAIN where it is not to wait for another's lock, EDEADLK, EINTR, ENOLCK
     */
    public void lock(LockWant want) {
        long deadlineNs = System.nanoTime() + operationTimeoutMs * 1_000_000;
        long number = lastWaiter.incrementAndGet();
        Waiter waiter = null;
        LockedInode s = null;
        try {
            while (true) {
                check(want.handle());
                if (s == null || s.forgotten) {
                    s = inodes.findOrMake(want.inode());
                    waiter = null;
                }
                if (waiter == null) {
                    waiter = new Waiter(number, want, s.lock.newCondition());
                }
                Step step = attempt(s, want, waiter);
                if (step == Step.DONE) {
                    return;
                }
                if (step == Step.RECALLING && !want.waits() && System.nanoTime() > deadlineNs) {
                    throw new FsException(Errno.EIO, want.inode() + ": another mount is silent");
                }
                if (step != Step.AGAIN && await(s, waiter, step)) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            if (s == null || waiter == null || !giveUp(s, waiter)) {
                throw new FsException(Errno.EINTR, "interrupted while waiting for a lock");
            }
        } finally {
            if (s != null) {
                leave(s, number);
            }
        }
    }

    private enum Step {
        DONE,
        AGAIN,
        /** Until somebody unlocks. */
        WAITING,
        /** Until another mount has handed over. */
        RECALLING
    }

    private Step attempt(LockedInode s, LockWant want, Waiter waiter) throws InterruptedException {
        s.slot.lockInterruptibly();
        try {
            if (s.forgotten) {
                return Step.AGAIN;
            }
            calls.finish(s);
            RangeLock wanted = want.lock(calls.sessionId(), host);
            Step here = attemptHere(s, want, wanted, waiter);
            if (here != null) {
                return here;
            }
            inodes.handOver(s, false);
            var op = new LockOp.Lock(wanted, want.waits(), waiter.number);
            LockAnswer answer = calls.request(s, op);
            return answer == null ? Step.AGAIN : step(s, want, wanted, waiter, answer);
        } catch (FsException e) {
            boolean keepsWaiting = waiter.sequence != 0 && e.errno() == Errno.EIO;
            if (!keepsWaiting) {
                throw e;
            }
            LOG.debug("{}: still waits for a lock: {}", s.inode, e.getMessage());
            return Step.WAITING;
        } finally {
            s.slot.unlock();
        }
    }

    /** Null: to be asked at the server. */
    private @Nullable Step attemptHere(
            LockedInode s, LockWant want, RangeLock wanted, Waiter waiter) {
        s.lock.lock();
        try {
            waiter.again = false;
            waiter.recalling = false;
            s.waiters.put(waiter.number, waiter);
            if (!calls.isInTime()) {
                return null;
            }
            if (tryLockHere(s, want, wanted)) {
                return Step.DONE;
            }
            if (s.delegated && wanted.owner().kind() == LockKind.FLOCK) {
                // flock(2) knows no deadlock, so nobody else needs to know of this wait.
                s.own.await(waiter.number, wanted);
                return Step.WAITING;
            }
            return null;
        } finally {
            s.lock.unlock();
        }
    }

    private Step step(
            LockedInode s, LockWant want, RangeLock wanted, Waiter waiter, LockAnswer answer) {
        s.lock.lock();
        try {
            switch (answer.status()) {
                case DONE -> {
                    if (!calls.isCurrent(wanted.owner().session().value())) {
                        return Step.AGAIN; // It was lost before its handle was known.
                    }
                    s.got(want, wanted);
                    return Step.DONE;
                }
                case WAITING -> {
                    waiter.sequence = s.lastSequence;
                    return Step.WAITING;
                }
                case RECALLING -> {
                    waiter.recalling = true;
                    return Step.RECALLING;
                }
                case CONFLICT -> throw new FsException(Errno.EAGAIN);
                case DEADLOCK -> throw new FsException(Errno.EDEADLK);
                case TOO_MANY -> throw new FsException(Errno.ENOLCK);
                default ->
                        throw new IllegalStateException("a lock was answered " + answer.status());
            }
        } finally {
            s.lock.unlock();
        }
    }

    /** Whether the lock was granted; false: to ask again. */
    private static boolean await(LockedInode s, Waiter waiter, Step step)
            throws InterruptedException {
        long pollNs =
                TimeUnit.MILLISECONDS.toNanos(
                        step == Step.RECALLING ? RECALL_POLL_MS : WAIT_POLL_MS);
        s.lock.lock();
        try {
            long leftNs = pollNs;
            while (!waiter.granted && !waiter.again && leftNs > 0) {
                leftNs = waiter.changed.awaitNanos(leftNs);
                // Whoever unlocks here, or takes the wait to the server, tells.
                boolean local = s.own.waitFor(waiter.number) != null;
                leftNs = local ? pollNs : leftNs;
            }
            return waiter.granted;
        } finally {
            s.lock.unlock();
        }
    }

    /** Interrupted. Whether it has the lock all the same. */
    private boolean giveUp(LockedInode s, Waiter waiter) {
        s.lock.lock();
        try {
            boolean local = s.own.leave(waiter.number);
            if (!waiter.granted && !local && waiter.sequence != 0) {
                RangeLock wanted = waiter.want.lock(calls.sessionId(), host);
                calls.owe(s, new LockOp.Cancel(wanted, waiter.number));
            }
            return waiter.granted;
        } finally {
            s.lock.unlock();
        }
    }

    private void leave(LockedInode s, long number) {
        boolean idle;
        s.lock.lock();
        try {
            s.waiters.remove(number);
            idle = s.isIdle();
        } finally {
            s.lock.unlock();
        }
        if (idle && s.slot.tryLock()) {
            try {
                inodes.maybeForget(s);
            } finally {
                s.slot.unlock();
            }
        }
    }

    /**
     * What forbids a lock: its owner's number and process id are 0 where they mean nothing on this
     * machine. Waits.
     */
    public @Nullable RangeLock conflict(LockWant want) {
        long deadlineNs = System.nanoTime() + operationTimeoutMs * 1_000_000;
        check(want.handle());
        while (true) {
            LockedInode s = inodes.findOrMake(want.inode());
            s.slot.lock();
            try {
                if (s.forgotten) {
                    continue;
                }
                RangeLock wanted = want.lock(calls.sessionId(), host);
                if (s.delegated && calls.isInTime()) {
                    return conflictHere(s, wanted);
                }
                inodes.handOver(s, false);
                LockAnswer answer = calls.request(s, new LockOp.Test(wanted));
                if (answer != null && answer.status() != Status.RECALLING) {
                    return answer.conflict();
                }
            } finally {
                inodes.maybeForget(s);
                s.slot.unlock();
            }
            if (System.nanoTime() > deadlineNs) {
                throw new FsException(Errno.EIO, want.inode() + ": another mount is silent");
            }
            awaitHandOver(s, want);
        }
    }

    private static @Nullable RangeLock conflictHere(LockedInode s, RangeLock wanted) {
        s.lock.lock();
        try {
            return s.own.conflict(wanted);
        } finally {
            s.lock.unlock();
        }
    }

    private void awaitHandOver(LockedInode s, LockWant want) {
        Waiter waiter = new Waiter(lastWaiter.incrementAndGet(), want, s.lock.newCondition());
        s.lock.lock();
        try {
            waiter.recalling = true;
            s.waiters.put(waiter.number, waiter);
            // The notice may have come before: then this is a short wait for nothing.
            long leftNs = TimeUnit.MILLISECONDS.toNanos(RECALL_POLL_MS / 20);
            while (!waiter.again && leftNs > 0) {
                leftNs = waiter.changed.awaitNanos(leftNs);
            }
        } catch (InterruptedException e) {
            throw new FsException(Errno.EINTR, "interrupted while waiting for a hand-over");
        } finally {
            s.waiters.remove(waiter.number);
            s.lock.unlock();
        }
    }

    /** The process id in a lock, or 0 where it is one of another machine. */
    public int pid(RangeLock lock) {
        return (int) (lock.process() >> 32) == host ? (int) lock.process() : 0;
    }

    // ---- giving up ----

    /** False when the server has to be told: then {@link #unlock} does it. */
    public boolean tryUnlock(LockWant range) {
        LockedInode s = inodes.find(range.inode());
        if (s == null) {
            return true;
        }
        s.lock.lock();
        try {
            LockOwner who = range.owner(calls.sessionId());
            if (!s.own.holdsAny(who, range.start(), range.end())) {
                return true;
            }
            if (!s.delegated) {
                return false;
            }
            s.own.remove(who, range.start(), range.end());
            goOn(s);
            return true;
        } finally {
            s.lock.unlock();
        }
    }

    /** Something was given up here; the lock is held. */
    private void goOn(LockedInode s) {
        if (calls.isInTime()) {
            s.settle();
        } else {
            s.stopLocalWaits();
        }
    }

    /** Gives up what the owner holds of a range; waits for the server. */
    public void unlock(LockWant range) {
        while (!tryUnlock(range)) {
            LockedInode s = inodes.find(range.inode());
            if (s == null) {
                return;
            }
            s.slot.lock();
            try {
                calls.finish(s);
                LockOwner who = range.owner(calls.sessionId());
                if (isAtServer(s, who, range.start(), range.end())) {
                    var _ = calls.request(s, new LockOp.Unlock(who, range.start(), range.end()));
                }
            } finally {
                inodes.maybeForget(s);
                s.slot.unlock();
            }
        }
    }

    private static boolean isAtServer(LockedInode s, LockOwner owner, long start, long end) {
        s.lock.lock();
        try {
            return !s.delegated && s.own.holdsAny(owner, start, end);
        } finally {
            s.lock.unlock();
        }
    }

    /**
     * close(2) of a descriptor gives up all fcntl locks of the process on the file. False when the
     * server has to be told: then {@link #finishClose} waits for that.
     */
    public boolean tryClose(InodeId inode, long owner) {
        LockedInode s = inodes.find(inode);
        if (s == null) {
            return true;
        }
        s.lock.lock();
        try {
            LockOwner who = LockWant.owner(calls.sessionId(), LockKind.POSIX, owner);
            s.giveUp(who);
            goOn(s);
            return !s.isGivingUp(who);
        } finally {
            s.lock.unlock();
        }
    }

    /** Waits until the server knows what was given up. */
    public void finishClose(InodeId inode) {
        LockedInode s = inodes.find(inode);
        if (s == null) {
            return;
        }
        s.slot.lock();
        try {
            calls.finish(s);
        } catch (FsException e) {
            calls.finishLater(s);
            throw e;
        } finally {
            inodes.maybeForget(s);
            s.slot.unlock();
        }
    }

    /**
     * The last descriptor of a handle is closed: flock and OFD locks that were got through it end.
     * The server is told by another thread, and before anything else is asked.
     */
    public void release(InodeId inode, long handle) {
        inodes.onReleased(handle);
        LockedInode s = inodes.find(inode);
        if (s == null) {
            return;
        }
        s.lock.lock();
        try {
            s.release(handle).forEach(s::giveUp);
            goOn(s);
            if (!s.debts.isEmpty()) {
                calls.finishLater(s);
            }
        } finally {
            s.lock.unlock();
        }
    }
}

package org.keelfs.client.lock;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.lock.LockedInode.Sent;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.lock.LockAnswer;
import org.keelfs.lock.LockAnswer.Status;
import org.keelfs.lock.LockKind;
import org.keelfs.lock.LockOp;
import org.keelfs.lock.RangeLock;
import org.keelfs.model.InodeId;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.wire.LockCodec;
import org.keelfs.wire.proto.MetadataProto.LockReply;
import org.keelfs.wire.proto.MetadataProto.LockRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Requests about locks, exactly once: one at a time for each inode, with a number; sent again until
 * it is answered or the session is gone. Who cannot wait for the answer leaves the request behind,
 * and it is finished, and undone, before the next one. Thread-safe.
 */
final class LockCalls {
    private static final Logger LOG = LoggerFactory.getLogger(LockCalls.class);

    /** Before a request is sent again that the server did not take. */
    private static final long PAUSE_MS = 20;

    /** Between attempts to finish what was left behind, while the server cannot be reached. */
    private static final long DEBT_PAUSE_MS = 500;

    private final MetadataSession session;
    private final Executor blocking;
    private final AtomicLong sequence = new AtomicLong();

    /** The session that was lost last; it stays the current one until there is another. */
    private volatile long lostSession;

    LockCalls(MetadataSession session, Executor blocking) {
        this.session = session;
        this.blocking = blocking;
    }

    long sessionId() {
        return session.id();
    }

    boolean isInTime() {
        return session.leasesValidUntilNs() - System.nanoTime() > 0;
    }

    /** The session is gone; before its locks are cleared. */
    void onSessionLost() {
        lostSession = session.id();
    }

    /**
     * Whether locks of this session count. Under the lock of an inode it means more: what is noted
     * there now is cleared when the session is lost.
     */
    boolean isCurrent(long sessionId) {
        return sessionId != lostSession && sessionId == session.id();
    }

    /**
     * Asks, and notes what the answer changes. The slot is held.
     *
     * @return null when the session was lost meanwhile, or is not the one of the lock's owner
     * @throws FsException EIO, EINTR: the request is finished, and undone, later
     */
    @Nullable LockAnswer request(LockedInode s, LockOp op) {
        finish(s);
        Sent sent = begin(s, op);
        try {
            return send(s, sent);
        } catch (FsException e) {
            finishLater(s);
            throw e;
        }
    }

    private Sent begin(LockedInode s, LockOp op) {
        s.lock.lock();
        try {
            Sent sent = new Sent(op, session(op), before(s, op));
            sent.sequence = sequence.incrementAndGet();
            s.lastSequence = sent.sequence;
            s.sent = sent;
            if (op instanceof LockOp.Unlock unlock) {
                // From here on nobody may rely on it.
                s.own.remove(unlock.owner(), unlock.start(), unlock.end());
            }
            return sent;
        } finally {
            s.lock.unlock();
        }
    }

    /* An operation is one of the session that its owner is named after. Sent in the name of the next one it would get a
     * lock under a name that no unlock of its program would find again.
     */
    private long session(LockOp op) {
        return switch (op) {
            case LockOp.Lock lock -> lock.wanted().owner().session().value();
            case LockOp.Test test -> test.wanted().owner().session().value();
            case LockOp.Cancel cancel -> cancel.wanted().owner().session().value();
            case LockOp.Unlock unlock -> unlock.owner().session().value();
            case LockOp.HandOver _, LockOp.Reclaim _ -> session.id();
        };
    }

    private static List<RangeLock> before(LockedInode s, LockOp op) {
        RangeLock wanted =
                switch (op) {
                    case LockOp.Lock lock -> lock.wanted();
                    case LockOp.Cancel cancel -> cancel.wanted();
                    default -> null;
                };
        return wanted == null
                ? List.of()
                : s.own.held(wanted.owner(), wanted.start(), wanted.end());
    }

    private @Nullable LockAnswer send(LockedInode s, Sent sent) {
        while (true) {
            // Of a session that is lost: waits until there is another.
            LockReply reply = call(s.inode, sent.session, sent);
            s.lock.lock();
            try {
                if (!isCurrent(sent.session)) {
                    s.sent = s.sent == sent ? null : s.sent;
                    return null;
                }
                LockAnswer answer = reply == null ? null : LockCodec.decode(reply);
                if (reply != null
                        && answer != null
                        && answer.status() != Status.STALE
                        && reply.getServerIncarnation() == session.serverIncarnation()) {
                    note(s, sent.op, answer);
                    s.sent = null;
                    return answer;
                }
                // Not done, or done by a server that has restarted since: what it knew is gone.
                sent.sequence = sequence.incrementAndGet();
                s.lastSequence = sent.sequence;
            } finally {
                s.lock.unlock();
            }
            pause(s, PAUSE_MS);
        }
    }

    private @Nullable LockReply call(InodeId inode, long sessionId, Sent sent) {
        LockRequest.Builder request =
                LockRequest.newBuilder()
                        .setSession(sessionId)
                        .setSequence(sent.sequence)
                        .setInode(inode.value());
        LockCodec.encode(sent.op, request);
        return session.callWithin(sessionId, RpcMethod.LOCK, request.build(), LockReply.parser());
    }

    /** What the server has done is so here too. */
    private static void note(LockedInode s, LockOp op, LockAnswer answer) {
        boolean done = answer.status() == Status.DONE;
        switch (op) {
            case LockOp.Lock lock -> {
                RangeLock wanted = lock.wanted();
                boolean refused =
                        answer.status() == Status.CONFLICT || answer.status() == Status.WAITING;
                if (done) {
                    s.own.put(wanted);
                    s.delegated = answer.delegated();
                } else if (refused && wanted.owner().kind() == LockKind.FLOCK) {
                    s.own.remove(wanted.owner()); // A conversion gives up first.
                }
            }
            case LockOp.Cancel cancel -> {
                if (done) {
                    s.own.put(cancel.wanted());
                }
            }
            case LockOp.Unlock _, LockOp.Test _, LockOp.HandOver _, LockOp.Reclaim _ -> {}
        }
    }

    /** The same outside of the order of requests, for what is reclaimed. */
    @Nullable LockAnswer reclaim(LockedInode s, LockOp.Reclaim op) {
        Sent sent = new Sent(op, session.id(), List.of());
        sent.sequence = sequence.incrementAndGet();
        LockReply reply = call(s.inode, sent.session, sent);
        return reply == null ? null : LockCodec.decode(reply);
    }

    // ---- what was left behind ----

    /** Something has to be told the server that nobody waits for. The lock is held. */
    void owe(LockedInode s, LockOp op) {
        s.debts.add(op);
        finishLater(s);
    }

    /** Has what is owed done by another thread. */
    void finishLater(LockedInode s) {
        blocking.execute(() -> finishInBackground(s));
    }

    private void finishInBackground(LockedInode s) {
        while (true) {
            s.slot.lock();
            try {
                finish(s);
                return;
            } catch (FsException e) {
                LOG.debug("{}: a lock request waits for the server: {}", s.inode, e.getMessage());
            } finally {
                s.slot.unlock();
            }
            pause(s, DEBT_PAUSE_MS);
        }
    }

    /** Finishes all that was left behind. The slot is held. */
    void finish(LockedInode s) {
        while (true) {
            Sent left;
            LockOp debt = null;
            s.lock.lock();
            try {
                left = s.sent;
                if (left == null) {
                    debt = s.debts.peek();
                }
            } finally {
                s.lock.unlock();
            }
            if (left == null && debt == null) {
                return;
            }
            if (left == null) {
                left = begin(s, java.util.Objects.requireNonNull(debt));
                dropDebt(s, debt);
            }
            LockAnswer answer = send(s, left);
            if (answer != null) {
                undo(s, left, answer);
            }
        }
    }

    private static void dropDebt(LockedInode s, LockOp debt) {
        s.lock.lock();
        try {
            boolean _ = s.debts.remove(debt);
        } finally {
            s.lock.unlock();
        }
    }

    /** Nobody wants what this request was for any more. */
    private static void undo(LockedInode s, Sent left, LockAnswer answer) {
        boolean done = answer.status() == Status.DONE;
        s.lock.lock();
        try {
            switch (left.op) {
                case LockOp.Lock lock when answer.status() == Status.WAITING ->
                        s.debts.add(new LockOp.Cancel(lock.wanted(), lock.waiter()));
                case LockOp.Lock lock when done -> giveUp(s, lock.wanted(), left.before);
                case LockOp.Cancel cancel when done -> giveUp(s, cancel.wanted(), left.before);
                default -> {}
            }
        } finally {
            s.lock.unlock();
        }
    }

    /** Goes back to what was held before, as far as that needs nobody's leave. */
    private static void giveUp(LockedInode s, RangeLock got, List<RangeLock> before) {
        long from = got.start();
        if (got.owner().kind() == LockKind.POSIX) {
            for (RangeLock held : before) {
                if (held.start() > from) {
                    s.debts.add(new LockOp.Unlock(got.owner(), from, held.start() - 1));
                }
                if (!held.exclusive() && got.exclusive()) {
                    s.debts.add(new LockOp.Lock(held, false, 0));
                }
                if (held.end() == RangeLock.END_MAX) {
                    return;
                }
                from = held.end() + 1;
            }
        }
        if (from <= got.end()) {
            s.debts.add(new LockOp.Unlock(got.owner(), from, got.end()));
        }
    }

    private static void pause(LockedInode s, long ms) {
        s.lock.lock();
        try {
            Condition nothing = s.lock.newCondition();
            long leftNs = TimeUnit.MILLISECONDS.toNanos(ms);
            while (leftNs > 0) {
                leftNs = nothing.awaitNanos(leftNs);
            }
        } catch (InterruptedException e) {
            throw new FsException(Errno.EINTR, "interrupted");
        } finally {
            s.lock.unlock();
        }
    }
}

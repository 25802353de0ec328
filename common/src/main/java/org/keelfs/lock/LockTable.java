package org.keelfs.lock;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.lock.LockAnswer.Status;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/**
 * The server's half of file locks: who holds and awaits what, which session grants the locks of an
 * inode itself, and which requests are known already. Soft state, reclaimed after a restart.
 * Confined to its driver.
 */
public final class LockTable {
    /* Every request of a session on an inode has a number above that of the one before, and a session has one on its way
     * at a time for each inode. The last answer is kept, so a request that is sent again after a lost reply gets it and
     * changes nothing, and one that was delayed by the network until a later one was done has no effect. Numbers are one
     * sequence a session: when an inode is forgotten one floor says so for all. The floor may hit a good request; then
     * STALE makes its sender take a new number, which is right, as nothing that still counts was forgotten.
     *
     * A session that is alone on an inode is delegated its locks. It keeps them to itself until another session asks;
     * then it is asked to hand over, and the other one to ask again once that is done: no request waits here.
     */

    private final LockTableConfig config;
    private final LockWaits waits = new LockWaits();
    private final Map<InodeId, Inode> inodes = new LinkedHashMap<>();
    private final Map<SessionId, Session> sessions = new LinkedHashMap<>();
    private long nextSweepNs;

    /** What a session has here. */
    private static final class Session {
        final Set<InodeId> inodes = new LinkedHashSet<>();
        long floor;
        int delegations;
    }

    /** The last request of a session on an inode. */
    private record Answered(long sequence, LockAnswer answer) {}

    /** An inode that somebody has locked, or had not long ago. */
    private static final class Inode {
        final Map<SessionId, Answered> answered = new LinkedHashMap<>();
        @Nullable SessionId delegatedTo;
        @Nullable SessionId lastUser;

        /** Who asked while it was delegated to another. */
        final Set<SessionId> askers = new LinkedHashSet<>();

        /** Not delegated before. */
        long quietAtNs;

        /** When the recall under way began, and was sent last. */
        long recalledNs;

        long recallSentNs;
        boolean recalling;
    }

    public LockTable(LockTableConfig config) {
        this.config = config;
    }

    /**
     * A request.
     *
     * @param session open
     * @param sequence above that of any other request of the session, but those sent again
     * @param grace the server has restarted and not all sessions have reclaimed
     */
    public LockAnswer onRequest(
            SessionId session,
            long sequence,
            InodeId id,
            LockOp op,
            boolean grace,
            long nowNs,
            LockEffects out) {
        if (grace && !(op instanceof LockOp.Reclaim)) {
            return LockAnswer.of(Status.GRACE);
        }
        Inode inode = inodes.get(id);
        Answered last = inode == null ? null : inode.answered.get(session);
        if (last != null && last.sequence == sequence) {
            return last.answer;
        }
        Session s = sessions.computeIfAbsent(session, _ -> new Session());
        if (sequence <= (last == null ? s.floor : last.sequence)) {
            return LockAnswer.of(Status.STALE);
        }
        if (inode == null) {
            inode = new Inode();
            inode.quietAtNs = nowNs;
            inodes.put(id, inode);
        }
        s.inodes.add(id);
        noteUser(inode, session, nowNs);
        LockAnswer answer = answer(session, id, inode, op, nowNs, out);
        inode.answered.put(session, new Answered(sequence, answer));
        return answer;
    }

    /** Two sessions that take turns are better off when the server keeps the locks. */
    private void noteUser(Inode inode, SessionId session, long nowNs) {
        if (inode.lastUser != null && !inode.lastUser.equals(session)) {
            inode.quietAtNs = nowNs + config.quietNs();
        }
        inode.lastUser = session;
    }

    private LockAnswer answer(
            SessionId session, InodeId id, Inode inode, LockOp op, long nowNs, LockEffects out) {
        if (inode.delegatedTo != null && !inode.delegatedTo.equals(session)) {
            return askHolder(session, id, inode, nowNs, out);
        }
        return switch (op) {
            case LockOp.Lock lock -> lock(session, id, inode, lock, nowNs, out);
            case LockOp.Unlock unlock -> {
                waits.unlock(id, unlock.owner(), unlock.start(), unlock.end(), sink(out));
                yield LockAnswer.of(Status.DONE);
            }
            case LockOp.Test test -> {
                RangeLock conflict = waits.locks(id).conflict(test.wanted());
                yield new LockAnswer(
                        conflict == null ? Status.DONE : Status.CONFLICT, conflict, false);
            }
            case LockOp.Cancel cancel -> cancel(id, cancel);
            case LockOp.HandOver handOver -> {
                if (inode.delegatedTo != null) {
                    inode.quietAtNs = nowNs + config.quietNs();
                    endDelegation(id, inode, out);
                    handOver.locks().forEach(held -> waits.locks(id).put(held));
                }
                yield LockAnswer.of(Status.DONE);
            }
            case LockOp.Reclaim reclaim -> reclaim(session, id, inode, reclaim);
        };
    }

    private LockAnswer askHolder(
            SessionId session, InodeId id, Inode inode, long nowNs, LockEffects out) {
        SessionId holder = java.util.Objects.requireNonNull(inode.delegatedTo);
        inode.askers.add(session);
        if (!inode.recalling) {
            inode.recalling = true;
            inode.recalledNs = nowNs;
            inode.recallSentNs = nowNs;
            out.recall(holder, id);
        } else if (nowNs - inode.recalledNs >= config.stallNs()) {
            out.evict(holder, "it did not hand over the locks of " + id);
        } else if (nowNs - inode.recallSentNs >= config.repeatNs()) {
            inode.recallSentNs = nowNs;
            out.recall(holder, id);
        }
        out.wanted(holder);
        return LockAnswer.of(Status.RECALLING);
    }

    private LockAnswer lock(
            SessionId session,
            InodeId id,
            Inode inode,
            LockOp.Lock op,
            long nowNs,
            LockEffects out) {
        Invariant.check(inode.delegatedTo == null, "%s asks for what it grants itself", session);
        RangeLock wanted = op.wanted();
        InodeLocks locks = waits.locks(id);
        if (waits.waitOf(id, wanted.owner(), op.waiter()) != null) {
            return LockAnswer.of(Status.WAITING);
        }
        int max = config.rangesPerInodeMax();
        if (locks.rangeCount() >= max && locks.held(session).size() >= max) {
            return LockAnswer.of(Status.TOO_MANY);
        }
        if (wanted.owner().kind() == LockKind.FLOCK && !locks.holds(wanted)) {
            // Conversion gives up what was held first, whatever comes of it (flock(2)).
            locks.remove(wanted.owner());
        }
        RangeLock conflict = locks.conflict(wanted);
        if (conflict == null) {
            waits.grant(id, wanted, sink(out));
            return new LockAnswer(Status.DONE, null, maybeDelegate(session, id, inode, nowNs));
        }
        locks.forEachBlocker(wanted, owner -> out.wanted(owner.session()));
        LockAnswer.Status status = Status.CONFLICT;
        if (op.waits()) {
            inode.quietAtNs = nowNs + config.quietNs();
            status = waits.wouldDeadlock(id, wanted) ? Status.DEADLOCK : Status.WAITING;
        }
        if (status == Status.WAITING) {
            waits.await(id, wanted, op.waiter());
        }
        waits.settle(id, sink(out));
        return new LockAnswer(status, conflict, false);
    }

    private boolean maybeDelegate(SessionId session, InodeId id, Inode inode, long nowNs) {
        InodeLocks locks = waits.locks(id);
        Session s = sessions.computeIfAbsent(session, _ -> new Session());
        boolean alone =
                nowNs - inode.quietAtNs >= 0
                        && !locks.hasWaits()
                        && !locks.concernsOthersThan(session)
                        && s.delegations < config.delegationsMax();
        if (alone) {
            waits.drop(id);
            inode.delegatedTo = session;
            s.delegations++;
        }
        return alone;
    }

    private void endDelegation(InodeId id, Inode inode, LockEffects out) {
        SessionId holder = inode.delegatedTo;
        Session s = holder == null ? null : sessions.get(holder);
        if (s != null) {
            s.delegations--;
        }
        inode.delegatedTo = null;
        inode.recalling = false;
        inode.askers.forEach(asker -> out.askAgain(asker, id));
        inode.askers.clear();
    }

    private LockAnswer cancel(InodeId id, LockOp.Cancel cancel) {
        LockWaits.Wait wait = waits.waitOf(id, cancel.wanted().owner(), cancel.waiter());
        if (wait != null) {
            waits.leave(wait);
            return LockAnswer.of(Status.CANCELLED);
        }
        boolean granted = waits.locks(id).holds(cancel.wanted());
        return LockAnswer.of(granted ? Status.DONE : Status.CANCELLED);
    }

    private LockAnswer reclaim(SessionId session, InodeId id, Inode inode, LockOp.Reclaim reclaim) {
        InodeLocks locks = waits.locks(id);
        boolean lost =
                reclaim.delegated()
                        ? locks.concernsOthersThan(session)
                        : reclaim.locks().stream().anyMatch(lock -> locks.conflict(lock) != null);
        if (lost) {
            return LockAnswer.of(Status.LOST);
        }
        if (reclaim.delegated() && inode.delegatedTo == null) {
            waits.drop(id);
            inode.delegatedTo = session;
            sessions.computeIfAbsent(session, _ -> new Session()).delegations++;
        } else if (!reclaim.delegated()) {
            reclaim.locks().forEach(locks::put);
        }
        return LockAnswer.of(Status.DONE);
    }

    /** The session is over: its locks go to who waits for them. */
    public void onSessionEnd(SessionId session, LockEffects out) {
        Session s = sessions.get(session);
        if (s == null) {
            return;
        }
        for (InodeId id : s.inodes) {
            Inode inode = inodes.get(id);
            if (inode == null) {
                continue;
            }
            inode.answered.remove(session);
            inode.askers.remove(session);
            if (session.equals(inode.delegatedTo)) {
                endDelegation(id, inode, out);
            } else {
                waits.removeSession(id, session, sink(out));
            }
        }
        sessions.remove(session);
    }

    /** Time passes: inodes that nobody locks are forgotten. */
    public void onTick(long nowNs) {
        if (nowNs - nextSweepNs < 0 && nextSweepNs != 0) {
            return;
        }
        nextSweepNs = nowNs + config.quietNs();
        for (Map.Entry<InodeId, Inode> entry : List.copyOf(inodes.entrySet())) {
            Inode inode = entry.getValue();
            InodeLocks locks = waits.find(entry.getKey());
            boolean idle = inode.delegatedTo == null && (locks == null || locks.isIdle());
            if (idle && nowNs - inode.quietAtNs >= config.quietNs()) {
                forget(entry.getKey(), inode);
            }
        }
    }

    private void forget(InodeId id, Inode inode) {
        inode.answered.forEach(
                (session, last) -> {
                    Session s = sessions.get(session);
                    if (s != null) {
                        s.floor = Math.max(s.floor, last.sequence);
                        s.inodes.remove(id);
                    }
                });
        waits.drop(id);
        inodes.remove(id);
    }

    private static LockWaits.Sink sink(LockEffects out) {
        return (inode, wait, granted) ->
                out.waitEnded(wait.owner().session(), inode, wait.number(), granted);
    }

    // ---- counts ----

    /** Inodes whose locks are known or delegated. */
    public int inodeCount() {
        return inodes.size();
    }

    public int waitCount() {
        return waits.waitCount();
    }

    /** Whom the locks of this inode are delegated to, or null. */
    public @Nullable SessionId delegatedTo(InodeId id) {
        Inode inode = inodes.get(id);
        return inode == null ? null : inode.delegatedTo;
    }

    /** Locks of this inode that are known here. */
    public List<RangeLock> held(InodeId id) {
        InodeLocks locks = waits.find(id);
        return locks == null ? new ArrayList<>() : locks.held();
    }

    /** Laws that hold between any two inputs. Walks everything. */
    public void invariants() {
        waits.invariants();
        for (Map.Entry<InodeId, Inode> entry : inodes.entrySet()) {
            Inode inode = entry.getValue();
            InodeLocks locks = waits.find(entry.getKey());
            Invariant.check(
                    inode.delegatedTo == null || locks == null || locks.isIdle(),
                    "locks of a delegated inode");
            Invariant.check(inode.askers.isEmpty() || inode.delegatedTo != null, "asked nobody");
            for (SessionId session : inode.answered.keySet()) {
                Session s = sessions.get(session);
                Invariant.check(
                        s != null && s.inodes.contains(entry.getKey()), "a session without index");
            }
        }
    }
}

package org.keelfs.lease;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/**
 * The server's half of the leases: who holds what, who waits, who is asked to give back and who is
 * evicted. Confined to its driver.
 */
public final class LeaseTable {
    /** Times the silence that a session may take to reclaim while it is heard of. */
    private static final int RECLAIM_TERMS_MAX = 4;

    private final LeaseTableConfig config;
    private final Map<SessionId, LeaseSession> sessions = new LinkedHashMap<>();
    private final LeaseQueues queues;
    private long lastOrder;
    private long graceCapNs;

    /**
     * An empty table.
     *
     * @param generationFloor every generation will be above it: above those of an earlier life of
     *     the server
     */
    public LeaseTable(LeaseTableConfig config, long generationFloor) {
        this.config = config;
        this.queues = new LeaseQueues(config, generationFloor);
    }

    /** A new session. */
    public void onOpen(SessionId session, long nowNs) {
        Invariant.check(
                sessions.put(session, new LeaseSession(session, nowNs)) == null,
                "a session opened twice");
    }

    /**
     * After a restart: these sessions may still hold leases. Until each has reclaimed, or silence
     * has been waited out, nothing is granted but what they reclaim.
     */
    public void onRestart(List<SessionId> onRecord, long nowNs) {
        Invariant.check(sessions.isEmpty(), "a restart with open sessions");
        for (SessionId id : onRecord) {
            LeaseSession session = new LeaseSession(id, nowNs);
            session.reclaiming = true;
            sessions.put(id, session);
        }
        if (!onRecord.isEmpty()) {
            queues.beginGrace();
        }
        graceCapNs = nowNs + RECLAIM_TERMS_MAX * config.silenceNs();
    }

    /** Whether the table still waits for sessions of before the restart. */
    public boolean isGrace() {
        return queues.isGrace();
    }

    /** Whether the session is known and not on its way out. */
    public boolean isOpen(SessionId session) {
        LeaseSession s = sessions.get(session);
        return s != null && !s.isOver();
    }

    /**
     * The session is alive.
     *
     * @param progress its count of steps towards returning what was recalled
     * @param reclaimed whether it has reclaimed all it held before the restart
     * @return false when it is not known any more
     */
    public boolean onRenew(
            SessionId session, long progress, boolean reclaimed, long nowNs, LeaseEffects out) {
        LeaseSession s = sessions.get(session);
        if (s == null || s.isOver()) {
            return false;
        }
        s.heardNs = nowNs;
        s.wanted = false;
        if (progress != s.progress) {
            s.progress = progress;
            s.progressNs = nowNs;
        }
        if (reclaimed && s.reclaiming) {
            s.reclaiming = false;
            maybeEndGrace();
            queues.settle(nowNs, out);
        }
        return true;
    }

    /**
     * The session has a new connection: what it is asked for may have been lost with the old one.
     */
    public void onReconnect(SessionId session, long nowNs, LeaseEffects out) {
        LeaseSession s = sessions.get(session);
        if (s != null && !s.evicting) {
            queues.resendRecalls(s, nowNs, out);
        }
    }

    /**
     * Others need something else that lives and dies with the session, and which it has to give up
     * itself: if it is silent it is not to be kept for long.
     */
    public void onWanted(SessionId session, long nowNs) {
        LeaseSession s = sessions.get(session);
        if (s != null && !s.wanted) {
            s.wanted = true;
            s.wantedNs = nowNs;
        }
    }

    /** The session ends, having given back what it had or having nothing that matters. */
    public void onClose(SessionId session, long nowNs, LeaseEffects out) {
        remove(session, nowNs, out);
    }

    /** The driver wants the session gone: a successor took its place, or its volume is gone. */
    public void onEvict(SessionId session, String why, long nowNs, LeaseEffects out) {
        LeaseSession s = sessions.get(session);
        if (s != null && !s.evicting) {
            evict(s, why, out);
            queues.settle(nowNs, out);
        }
    }

    /** The eviction is on record: its leases go to who waits. */
    public void onEvicted(SessionId session, long nowNs, LeaseEffects out) {
        remove(session, nowNs, out);
    }

    /**
     * A request for leases or for a command; answered now or later by one of granted and refused.
     *
     * @param token the driver's name for it, not in use
     * @param needs at most one for each inode; all commands (CLEAR, STORE), or none of them
     * @param answeredBefore a command that the session was answered before the restart and sends
     *     again: others took leases after it, so it goes before them
     */
    public void onRequest(
            long token,
            SessionId session,
            List<LeaseNeed> needs,
            boolean answeredBefore,
            long nowNs,
            LeaseEffects out) {
        LeaseSession s = sessions.get(session);
        boolean mixed =
                needs.stream().anyMatch(n -> n.kind().isCommand())
                        && needs.stream().anyMatch(n -> !n.kind().isCommand());
        Invariant.check(!mixed, "a request for leases and a command in one");
        if (s == null || s.isOver()) {
            out.refused(token);
            return;
        }
        LeaseRequest request = new LeaseRequest(token, s, needs, ++lastOrder);
        queues.enter(request, answeredBefore && s.reclaiming, nowNs, out);
        queues.settle(nowNs, out);
    }

    /**
     * A lease held before the restart. Only during the grace period.
     *
     * @return what is held now, or null when another session has taken what contradicts it
     */
    public @Nullable LeaseState onReclaim(
            SessionId session, InodeId id, LeaseMode mode, long nowNs) {
        return onReclaim(session, id, mode, 0, nowNs);
    }

    /**
     * The same.
     *
     * @param since of SHARED: the stamp that its grant said, the same for all that share the inode
     */
    public @Nullable LeaseState onReclaim(
            SessionId session, InodeId id, LeaseMode mode, long since, long nowNs) {
        LeaseSession s = sessions.get(session);
        if (s == null || s.isOver() || !s.reclaiming || !queues.isGrace()) {
            return null;
        }
        s.heardNs = nowNs;
        return stateOf(queues.reclaim(s, id, mode, since));
    }

    private static @Nullable LeaseState stateOf(@Nullable HeldLease lease) {
        return lease == null ? null : lease.state();
    }

    /** A lease at once or not at all: without a recall and without waiting. */
    public @Nullable LeaseState tryGrant(SessionId session, InodeId id, LeaseMode mode) {
        LeaseSession s = sessions.get(session);
        return s == null || s.isOver() ? null : stateOf(queues.tryGrant(s, id, mode));
    }

    /**
     * The session made this inode under a number of its own, and holds WRITE on it since before the
     * server knew of it: so it is granted above the bound too (the oldest are recalled then), and
     * while others reclaim, who cannot have held it. Null when the session is over, or another one
     * holds the inode.
     */
    public @Nullable LeaseState onMade(
            SessionId session, InodeId id, long nowNs, LeaseEffects out) {
        LeaseSession s = sessions.get(session);
        if (s == null || s.isOver()) {
            return null;
        }
        HeldLease lease = queues.grantMade(s, id, nowNs, out);
        queues.settle(nowNs, out);
        return stateOf(lease);
    }

    /** Whether the session may still reclaim: what it holds is not known yet. */
    public boolean isReclaiming(SessionId session) {
        LeaseSession s = sessions.get(session);
        return queues.isGrace() && s != null && s.reclaiming;
    }

    /** What the session holds of this inode, NONE included. */
    public LeaseState held(SessionId session, InodeId id) {
        LeaseSession s = sessions.get(session);
        HeldLease lease = s == null ? null : s.leases.get(id);
        return lease == null ? LeaseState.none(id) : lease.state();
    }

    /**
     * The command that this request let go on is applied, or will never be: others may look again.
     */
    public void onApplied(long token, long nowNs, LeaseEffects out) {
        queues.applied(token);
        queues.settle(nowNs, out);
    }

    /**
     * From here on, leases that begin are marked with this number: the last epoch that was drawn.
     */
    public void stamp(long lastEpoch) {
        queues.stamp(lastEpoch);
    }

    /** Nobody waits for the answer to this request any more. */
    public void onCancel(long token, long nowNs, LeaseEffects out) {
        queues.leave(token);
        queues.settle(nowNs, out);
    }

    /**
     * A lease comes back. An old generation, or one that came back already, changes nothing.
     *
     * @param keep READ to go on as a reader, else NONE
     * @return what the session holds now
     */
    public LeaseState onReturn(
            SessionId session,
            InodeId id,
            long generation,
            LeaseMode keep,
            long nowNs,
            LeaseEffects out) {
        return onReturn(session, id, new LeaseReturn(generation, keep, false, false), nowNs, out);
    }

    /** The same, with all that the session says. */
    public LeaseState onReturn(
            SessionId session, InodeId id, LeaseReturn how, long nowNs, LeaseEffects out) {
        LeaseSession s = sessions.get(session);
        HeldLease lease = s == null ? null : s.leases.get(id);
        if (s == null || lease == null) {
            return LeaseState.none(id);
        }
        if (lease.generation != how.generation()) {
            return lease.state();
        }
        s.progressNs = nowNs;
        HeldLease left = queues.giveBack(lease, how, nowNs, out);
        LeaseState state = left == null ? LeaseState.none(id) : left.state();
        queues.settle(nowNs, out);
        return state;
    }

    /**
     * An operation in SHARED mode keeps others waiting for long: all leave the mode, and who does
     * not is evicted as for any recall.
     */
    public void endSharing(InodeId id, long nowNs, LeaseEffects out) {
        queues.endSharing(id, nowNs, out);
        queues.settle(nowNs, out);
    }

    /** Whether those that share the inode are leaving because one of them went without a word. */
    public boolean isTainted(InodeId id) {
        return queues.isTainted(id);
    }

    /** Whether some session holds SHARED on the inode; then nobody holds anything else. */
    public boolean isShared(InodeId id) {
        return queues.isShared(id);
    }

    /** Whether leases of the inode go to and fro, or it is shared: nobody should cache it. */
    public boolean isContended(InodeId id, long nowNs) {
        return queues.isContended(id, nowNs);
    }

    /** Time passes. */
    public void onTick(long nowNs, LeaseEffects out) {
        if (queues.isGrace()) {
            for (LeaseSession s : sessions.values()) {
                if (s.reclaiming && !s.evicting && nowNs >= reclaimDeadlineNs(s)) {
                    evict(s, "it did not reclaim after the metadata server's restart", out);
                }
            }
        }
        for (LeaseSession s : sessions.values()) {
            if (s.evicting) {
                continue;
            }
            if (nowNs >= s.silenceDeadlineNs(config)) {
                evict(s, s.condemned ? "it did not return a recalled lease" : "it is silent", out);
            } else if (nowNs >= s.stallDeadlineNs(config)) {
                // Told at its next renewal; until its last one has run out it may still use what it
                // has.
                s.condemned = true;
                queues.refuseAll(s, out);
            } else if (nowNs >= s.repeatDeadlineNs(config)) {
                queues.resendRecalls(s, nowNs, out);
            }
        }
        queues.endLonelySharing(nowNs, out);
        queues.settle(nowNs, out);
    }

    /** When to tick next; {@link Long#MAX_VALUE}: no need. */
    public long nextDeadlineNs() {
        long next = queues.nextLonelyNs();
        for (LeaseSession s : sessions.values()) {
            if (!s.evicting) {
                next = Math.min(next, s.reclaiming ? reclaimDeadlineNs(s) : Long.MAX_VALUE);
                next = Math.min(next, s.silenceDeadlineNs(config));
                next = Math.min(next, s.stallDeadlineNs(config));
                next = Math.min(next, s.repeatDeadlineNs(config));
            }
        }
        return next;
    }

    /** Sessions that are open. */
    public int sessionCount() {
        return sessions.size();
    }

    /** Leases that are held. */
    public long leaseCount() {
        return queues.leaseCount();
    }

    /** No grant before now had a higher generation. */
    public long lastGeneration() {
        return queues.lastGeneration();
    }

    /** Requests that wait. */
    public int waitingCount() {
        return queues.waitingCount();
    }

    /** Laws that hold between any two inputs. Walks everything. */
    public void invariants() {
        queues.invariants();
    }

    // ---- ending ----

    private void evict(LeaseSession session, String why, LeaseEffects out) {
        session.evicting = true;
        out.evict(session.id, why);
        queues.refuseAll(session, out);
    }

    private void remove(SessionId id, long nowNs, LeaseEffects out) {
        LeaseSession session = sessions.remove(id);
        if (session == null) {
            return;
        }
        queues.refuseAll(session, out);
        queues.dropAll(session, nowNs, out);
        maybeEndGrace();
        queues.settle(nowNs, out);
    }

    /** Who reclaims is heard; who only renews must not keep all others waiting for ever. */
    private long reclaimDeadlineNs(LeaseSession session) {
        return Math.min(graceCapNs, session.heardNs + config.silenceNs());
    }

    private void maybeEndGrace() {
        if (queues.isGrace() && sessions.values().stream().noneMatch(s -> s.reclaiming)) {
            queues.endGrace();
        }
    }
}

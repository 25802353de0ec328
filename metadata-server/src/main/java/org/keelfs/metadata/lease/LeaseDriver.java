package org.keelfs.metadata.lease;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Clock;
import org.keelfs.lease.LeaseEffects;
import org.keelfs.lease.LeaseMode;
import org.keelfs.lease.LeaseNeed;
import org.keelfs.lease.LeaseReturn;
import org.keelfs.lease.LeaseState;
import org.keelfs.lease.LeaseTable;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;

/**
 * Runs the lease table: carries out its effects in order, after each input and never inside of one.
 * Confined to the service's executor.
 */
public final class LeaseDriver implements LeaseEffects {
    /** What goes on when a request is let go on. */
    public interface Waiter {
        /**
         * @param token for {@link LeaseDriver#applied}, which must follow where the needs were
         *     CLEAR
         * @param leases one for each need, in their order
         */
        void granted(long token, List<LeaseState> leases);

        /** The session is gone. */
        void refused();

        /** The call whose deadline counts. */
        RpcRequest call();

        /** Nobody waits any more, or not for longer. */
        default void expired() {
            call().fail(RpcStatus.DEADLINE, "waited for leases of other sessions to the deadline");
        }
    }

    /** What the leases need of the rest of the server. */
    public interface Port {
        /** Sends recalls to a session, if it can be reached. */
        void recall(SessionId holder, List<Recalled> recalls);

        /** Records that the session is over, then runs {@code done} on the service's executor. */
        void evict(SessionId session, String why, Runnable done);

        /** Somebody holds WRITE or SHARED now. */
        void onWriteGranted(InodeId inode);

        /** Who shares an inode has changed other than by a grant. */
        void onSharersChanged();
    }

    /** One recall. */
    public record Recalled(InodeId inode, long generation, LeaseMode keep) {}

    private final LeaseTable table;
    private final Clock clock;
    private final Port port;
    private final Map<Long, Waiter> pending = new HashMap<>();
    private final ArrayDeque<Runnable> effects = new ArrayDeque<>();
    private final Map<SessionId, List<Recalled>> recalls = new LinkedHashMap<>();
    private long lastToken;
    private long recallCount;
    private boolean draining;

    public LeaseDriver(LeaseTable table, Clock clock, Port port) {
        this.table = table;
        this.clock = clock;
        this.port = port;
    }

    /** Goes on with the waiter now or later; not at all when the call ends before. */
    public void request(SessionId session, List<LeaseNeed> needs, Waiter waiter) {
        request(session, needs, false, waiter);
    }

    /**
     * The same.
     *
     * @param answeredBefore a command that was answered before the restart
     */
    public void request(
            SessionId session, List<LeaseNeed> needs, boolean answeredBefore, Waiter waiter) {
        long token = ++lastToken;
        pending.put(token, waiter);
        table.onRequest(token, session, needs, answeredBefore, clock.nanoTime(), this);
        drain();
    }

    /** The command of this request is in the log, or is not going to be. */
    public void applied(long token) {
        table.onApplied(token, clock.nanoTime(), this);
        drain();
    }

    /** A lease that can be had at once, or null. */
    public @Nullable LeaseState tryGrant(SessionId session, InodeId inode, LeaseMode mode) {
        LeaseState state = table.tryGrant(session, inode, mode);
        noteWrite(state);
        drain();
        return state;
    }

    /**
     * WRITE on an inode that the session itself has just made, or null when the session is over.
     */
    public @Nullable LeaseState grantMade(SessionId session, InodeId inode) {
        LeaseState state = table.onMade(session, inode, clock.nanoTime(), this);
        noteWrite(state);
        drain();
        return state;
    }

    /**
     * A lease of before the restart, or null when it is lost.
     *
     * @param since of SHARED: what its grant said
     */
    public @Nullable LeaseState reclaim(
            SessionId session, InodeId inode, LeaseMode mode, long since) {
        LeaseState state = table.onReclaim(session, inode, mode, since, clock.nanoTime());
        noteWrite(state);
        drain();
        return state;
    }

    public LeaseState giveBack(SessionId session, InodeId inode, LeaseReturn how) {
        boolean shared = table.held(session, inode).mode() == LeaseMode.SHARED;
        LeaseState left = table.onReturn(session, inode, how, clock.nanoTime(), this);
        if (shared) {
            port.onSharersChanged();
        }
        drain();
        return left;
    }

    /** Whether some session holds SHARED on the inode. */
    public boolean isShared(InodeId inode) {
        return table.isShared(inode);
    }

    /** All that share the inode leave the mode: an operation is stuck. */
    public void endSharing(InodeId inode) {
        table.endSharing(inode, clock.nanoTime(), this);
        drain();
    }

    /** Whether the session shares the inode, and nobody who did went without a word. */
    public boolean mayOperate(SessionId session, InodeId inode) {
        return table.held(session, inode).mode() == LeaseMode.SHARED && !table.isTainted(inode);
    }

    /** Whether handles of the inode that are opened now should not be cached. */
    public boolean isContended(InodeId inode) {
        return table.isContended(inode, clock.nanoTime());
    }

    public LeaseState held(SessionId session, InodeId inode) {
        return table.held(session, inode);
    }

    /** Whether the session's leases of before a restart are not all known yet. */
    public boolean isReclaiming(SessionId session) {
        return table.isReclaiming(session);
    }

    /** Whether sessions of before a restart may still reclaim. */
    public boolean isGrace() {
        return table.isGrace();
    }

    /** Others need file locks that the session holds. */
    public void wanted(SessionId session) {
        table.onWanted(session, clock.nanoTime());
    }

    public boolean isOpen(SessionId session) {
        return table.isOpen(session);
    }

    /** Returns a generation that every grant to this session will be above. */
    public long open(SessionId session) {
        table.onOpen(session, clock.nanoTime());
        return table.lastGeneration();
    }

    public void restart(List<SessionId> onRecord) {
        table.onRestart(onRecord, clock.nanoTime());
    }

    /** False when the session is gone. */
    public boolean renew(SessionId session, long progress, boolean reclaimed) {
        boolean alive = table.onRenew(session, progress, reclaimed, clock.nanoTime(), this);
        drain();
        return alive;
    }

    public void reconnected(SessionId session) {
        table.onReconnect(session, clock.nanoTime(), this);
        drain();
    }

    public void close(SessionId session) {
        table.onClose(session, clock.nanoTime(), this);
        port.onSharersChanged();
        drain();
    }

    public void evictNow(SessionId session, String why) {
        table.onEvict(session, why, clock.nanoTime(), this);
        drain();
    }

    /** Leases that begin from here on are younger than this epoch. */
    public void stamp(long lastEpoch) {
        table.stamp(lastEpoch);
    }

    /** Time passes: deadlines of the table, and of calls that wait. */
    public void tick() {
        long now = clock.nanoTime();
        for (Map.Entry<Long, Waiter> entry : List.copyOf(pending.entrySet())) {
            RpcRequest call = entry.getValue().call();
            if (call.isCancelled() || now - call.deadlineNs() >= 0) {
                pending.remove(entry.getKey());
                table.onCancel(entry.getKey(), now, this);
                entry.getValue().expired();
            }
        }
        if (now >= table.nextDeadlineNs()) {
            table.onTick(now, this);
        }
        drain();
    }

    public long leaseCount() {
        return table.leaseCount();
    }

    public int sessionCount() {
        return table.sessionCount();
    }

    /** Leases asked back since the start. */
    public long recallCount() {
        return recallCount;
    }

    private void noteWrite(@Nullable LeaseState state) {
        boolean writes =
                state != null
                        && (state.mode() == LeaseMode.WRITE || state.mode() == LeaseMode.SHARED);
        if (state != null && writes) {
            port.onWriteGranted(state.inode());
        }
    }

    // ---- effects ----

    @Override
    public void recall(SessionId holder, InodeId inode, long generation, LeaseMode keep) {
        recallCount++;
        recalls.computeIfAbsent(holder, _ -> new ArrayList<>())
                .add(new Recalled(inode, generation, keep));
    }

    @Override
    public void granted(long token, List<LeaseState> leases) {
        leases.forEach(this::noteWrite);
        effects.add(
                () -> {
                    Waiter waiter = pending.remove(token);
                    if (waiter != null) {
                        waiter.granted(token, leases);
                    }
                });
    }

    @Override
    public void refused(long token) {
        effects.add(
                () -> {
                    Waiter waiter = pending.remove(token);
                    if (waiter != null) {
                        waiter.refused();
                    }
                });
    }

    @Override
    public void evict(SessionId session, String why) {
        effects.add(
                () ->
                        port.evict(
                                session,
                                why,
                                () -> {
                                    table.onEvicted(session, clock.nanoTime(), this);
                                    port.onSharersChanged();
                                    drain();
                                }));
    }

    private void drain() {
        if (draining) {
            return;
        }
        draining = true;
        try {
            Runnable next;
            while ((next = effects.poll()) != null) {
                next.run();
            }
            if (!recalls.isEmpty()) {
                recalls.forEach(port::recall);
                recalls.clear();
            }
        } finally {
            draining = false;
        }
    }
}

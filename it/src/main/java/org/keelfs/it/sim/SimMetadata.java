package org.keelfs.it.sim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SessionId;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.ChunkGrant.Mode;
import org.keelfs.register.FenceOutcome;
import org.keelfs.register.FenceRound;
import org.keelfs.register.Hint;
import org.keelfs.register.Membership;
import org.keelfs.register.Round;
import org.keelfs.register.SealOutcome;
import org.keelfs.replicaset.CatchUp;

/**
 * A model of the metadata server: leases on one file, its one chunk, epochs, sealers and hints
 * after R2, R3, R4, R6, R9 and R11.
 */
final class SimMetadata {
    static final int ENDPOINT = 0;

    private static final long RECALL_AGAIN_NS = 15_000;
    private static final long ORDER_AGAIN_NS = 20_000;

    /** Margin on the server's side of a lease's term. */
    private static final long MARGIN_NS = 5_000;

    private final SimCluster cluster;
    private final TreeMap<Long, Hold> holders = new TreeMap<>();
    private final TreeSet<Long> evicted = new TreeSet<>();
    private final TreeSet<Long> wroteSince = new TreeSet<>();
    private final ArrayDeque<Wanted> waiting = new ArrayDeque<>();
    private long epochs;
    private long chunks;
    private long grants;

    private @Nullable ChunkId chunk;
    private ReplicaSet set;
    private final TreeSet<NodeId> formerNodes = new TreeSet<>();
    private long epoch;
    private long createdEpoch;
    private boolean open;
    private boolean fresh;
    private long sealer;
    private @Nullable Hint sealHint;
    private @Nullable Hint hint;
    private boolean draining;
    private boolean evictedCanReach;
    private @Nullable Mode lastMode;
    private boolean busy;
    private boolean changeWanted;

    /** The next holder is to find the chunk frozen, and its copy in its place. */
    private boolean copyWanted;

    private Membership.@Nullable Origin origin;
    private List<NodeId> originNodes = List.of();

    /** A lease held. */
    private static final class Hold {
        final long grant;
        final Mode mode;
        long renewedNs;
        long recalledNs = Long.MAX_VALUE;

        Hold(long grant, Mode mode, long renewedNs) {
            this.grant = grant;
            this.mode = mode;
            this.renewedNs = renewedNs;
        }
    }

    private record Wanted(SimClient client, SessionId session, Mode mode, Consumer<Grant> reply) {}

    /** A lease granted; null mode: the session is evicted. */
    record Grant(@Nullable Mode mode, long id, Layout layout) {}

    SimMetadata(SimCluster cluster, ReplicaSet set) {
        this.cluster = cluster;
        this.set = set;
    }

    ReplicaSet set() {
        return set;
    }

    long newEpoch() {
        return ++epochs;
    }

    // ---- leases ----

    void acquire(SimClient client, SessionId session, Mode mode, Consumer<Grant> reply) {
        waiting.add(new Wanted(client, session, mode, reply));
        pump();
    }

    private void pump() {
        while (!busy) {
            var next = waiting.peek();
            if (next != null && evicted.contains(next.session.value())) {
                waiting.poll();
                tell(next, new Grant(null, 0, layoutOf(Layout.Kind.NO_LEASE, false)));
                continue;
            }
            if (holders.isEmpty()) {
                draining = false;
            }
            if (changeWanted || copyWanted || draining) {
                recallAll();
                if (changeWanted && holders.isEmpty()) {
                    changeWanted = false;
                    cluster.healing.start();
                } else if (copyWanted && holders.isEmpty()) {
                    copyWanted = false;
                    freeze();
                }
                return;
            }
            if (next == null) {
                return;
            }
            if (!compatible(next.mode)) {
                recallAll();
                return;
            }
            waiting.poll();
            grant(next);
        }
    }

    private boolean compatible(Mode mode) {
        return holders.values().stream().allMatch(h -> h.mode == mode && mode != Mode.WRITE);
    }

    private void grant(Wanted wanted) {
        boolean joins = !holders.isEmpty();
        boolean afterWriter = lastMode == Mode.WRITE || lastMode == Mode.SHARED;
        if (!joins && (wanted.mode != Mode.READ || afterWriter)) {
            fresh = true;
        }
        lastMode = wanted.mode;
        long session = wanted.session.value();
        var hold = new Hold(++grants, wanted.mode, cluster.scheduler.nowNs());
        holders.put(session, hold);
        boolean others = othersWrote(session);
        if (wanted.mode != Mode.READ) {
            cluster.sessions().forEach(other -> wroteSince.add(other));
            wroteSince.remove(session);
        }
        cluster.trace("metadata grants %s to %d", wanted.mode, session);
        tell(wanted, new Grant(wanted.mode, hold.grant, layout(session, hold.mode, others)));
    }

    /** Whether another session held WRITE or SHARED since this one did. */
    private boolean othersWrote(long session) {
        return wroteSince.contains(session);
    }

    private void tell(Wanted wanted, Grant grant) {
        cluster.network.sendSurely(
                ENDPOINT, wanted.client.endpoint(), () -> wanted.reply.accept(grant));
    }

    private void recallAll() {
        for (var entry : holders.entrySet()) {
            var hold = entry.getValue();
            if (hold.recalledNs == Long.MAX_VALUE) {
                hold.recalledNs = cluster.scheduler.nowNs();
                recall(entry.getKey(), hold.grant);
            }
        }
    }

    private void recall(long session, long grant) {
        var hold = holders.get(session);
        if (hold == null || hold.grant != grant) {
            return;
        }
        long now = cluster.scheduler.nowNs();
        if (overdue(hold) && now > hold.renewedNs + cluster.options.termNs + MARGIN_NS) {
            evict(session);
            return;
        }
        var client = cluster.clientOf(session);
        if (client != null) {
            cluster.network.send(
                    ENDPOINT, client.endpoint(), () -> client.onRecall(session, grant));
        }
        cluster.scheduler.after(RECALL_AGAIN_NS, ENDPOINT, () -> recall(session, grant));
    }

    private boolean overdue(Hold hold) {
        return hold.recalledNs != Long.MAX_VALUE
                && cluster.scheduler.nowNs() > hold.recalledNs + cluster.options.recallNs;
    }

    /** A heartbeat. Answers whether the lease is renewed; null when the session is evicted. */
    @Nullable Boolean renew(long session) {
        if (evicted.contains(session)) {
            return null;
        }
        var hold = holders.get(session);
        if (hold == null || overdue(hold)) {
            return false;
        }
        hold.renewedNs = cluster.scheduler.nowNs();
        return true;
    }

    /** Ends a session: waited out, or declared dead by its successor. */
    void evict(long session) {
        if (!evicted.add(session)) {
            return;
        }
        cluster.trace("metadata evicts %d", session);
        if (holders.remove(session) != null) {
            fresh = true;
            if (!cluster.rules.hintSurvivesWriter()) {
                hint = null;
            }
            evictedCanReach = true;
            draining = !holders.isEmpty();
        }
        pump();
    }

    void giveBack(long session, long grant, boolean inDoubt, @Nullable Hint given) {
        var hold = holders.get(session);
        if (hold == null || hold.grant != grant) {
            return;
        }
        holders.remove(session);
        if (hold.mode == Mode.WRITE || cluster.rules.hintsFromShared()) {
            boolean current = given != null && given.sealed() == epoch;
            if (current && !inDoubt) {
                hint = given;
            } else if (!cluster.rules.hintSurvivesWriter()) {
                hint = null;
            }
        }
        pump();
    }

    // ---- layouts ----

    void layoutAgain(long session, long knownEpoch, boolean newEpoch, Consumer<Layout> reply) {
        var hold = holders.get(session);
        if (hold == null) {
            reply.accept(layoutOf(Layout.Kind.NO_LEASE, true));
            return;
        }
        if (newEpoch && knownEpoch == epoch) {
            fresh = true;
        }
        reply.accept(layout(session, hold.mode, false));
    }

    private Layout layout(long session, Mode mode, boolean others) {
        if (chunk == null) {
            if (mode == Mode.READ) {
                return layoutOf(Layout.Kind.ABSENT, others);
            }
            create();
            if (mode == Mode.WRITE) {
                return layoutOf(Layout.Kind.CREATED, others);
            }
        }
        boolean orphan = !open && !holders.containsKey(sealer);
        boolean unknownToWriter = mode == Mode.WRITE && (open || sealer != session);
        if (fresh || orphan || unknownToWriter) {
            draw(session, mode);
        }
        if (open) {
            return layoutOf(Layout.Kind.OPEN, others);
        }
        boolean seals = sealer == session || !cluster.rules.oneSealer();
        return layoutOf(seals ? Layout.Kind.SEAL : Layout.Kind.WAIT, others);
    }

    private void create() {
        chunk = new ChunkId(++chunks);
        set = cluster.place();
        formerNodes.clear();
        epoch = newEpoch();
        createdEpoch = epoch;
        fresh = lastMode != Mode.WRITE;
        open = true;
        sealer = 0;
        hint = null;
        evictedCanReach = false;
        cluster.history.opened(epoch);
        cluster.trace("metadata creates %s in %d on %s", chunk, epoch, set);
    }

    private void draw(long session, Mode mode) {
        epoch = newEpoch();
        open = false;
        fresh = false;
        sealer = session;
        sealHint = hint;
        if (mode != Mode.READ && !cluster.rules.hintSurvivesWriter()) {
            hint = null;
        }
        cluster.trace("metadata draws %d for %d, hint %s", epoch, session, sealHint);
    }

    private Layout layoutOf(Layout.Kind kind, boolean others) {
        var id = chunk == null ? new ChunkId(0) : chunk;
        return new Layout(kind, id, epoch, createdEpoch, set, sealHint, others, origin);
    }

    boolean sealed(ChunkId sealedChunk, long sealedEpoch) {
        boolean current = sealedChunk.equals(chunk) && sealedEpoch == epoch;
        if (current) {
            open = true;
            dropOrigin();
        }
        return current;
    }

    /**
     * Restart or failover: leases are reclaimed, hints forgotten, what was not OPEN is given up
     * (R3, R4).
     */
    void restart() {
        hint = null;
        if (!open) {
            fresh = true;
        }
    }

    // ---- truncation (R11) ----

    void truncate(long session, long grant, Consumer<Boolean> reply) {
        var hold = holders.get(session);
        if (hold == null || hold.grant != grant || busy) {
            reply.accept(false);
            return;
        }
        if (chunk == null) {
            reply.accept(true);
            return;
        }
        if (!evictedCanReach || !cluster.rules.fencesBeforeDrop()) {
            drop(0);
            reply.accept(true);
            return;
        }
        busy = true;
        epoch = newEpoch();
        open = false;
        fresh = true;
        var round = new FenceRound(chunk, epoch, set, cluster.times());
        run(
                round,
                null,
                outcome -> {
                    busy = false;
                    boolean fenced = outcome instanceof FenceOutcome.Fenced;
                    if (fenced) {
                        drop(((FenceOutcome.Fenced) outcome).epoch());
                    }
                    reply.accept(fenced);
                    pump();
                });
    }

    <O> void run(Round<O> round, Membership.@Nullable Origin from, Consumer<O> done) {
        new RoundRunner<>(
                        cluster,
                        ENDPOINT,
                        Runnable::run,
                        _ -> new Membership(true, 0, from),
                        null,
                        round,
                        done)
                .start();
    }

    private void drop(long fencedEpoch) {
        var gone = chunk;
        if (gone == null) {
            return;
        }
        cluster.trace("metadata drops %s, fence %d", gone, fencedEpoch);
        dropOrigin();
        chunk = null;
        hint = null;
        var nodes = new ArrayList<>(set.nodes());
        nodes.addAll(formerNodes);
        nodes.forEach(node -> order(node, gone, fencedEpoch, false));
    }

    // ---- copies of frozen chunks ----

    void wantCopy() {
        copyWanted = true;
        pump();
    }

    /**
     * All leases are back: seals the chunk for readers, so that it is frozen from here on, and puts
     * a copy in its place. What else has the frozen chunk does not write it, and is not modelled.
     */
    private void freeze() {
        var frozen = chunk;
        if (frozen == null || origin != null) {
            endChange();
            return;
        }
        busy = true;
        epoch = newEpoch();
        open = false;
        fresh = true;
        sealer = 0;
        hint = null;
        long in = epoch;
        var grant =
                new ChunkGrant(
                        frozen, in, set, cluster.whole(), Mode.READ, new SessionId(Long.MAX_VALUE));
        run(
                cluster.rules.seal(grant, set, null, cluster.times(), false),
                null,
                outcome -> {
                    if (outcome instanceof SealOutcome.Opened && in == epoch) {
                        copy(frozen, in);
                    }
                    endChange();
                });
    }

    private void copy(ChunkId frozen, long sealedIn) {
        cluster.history.opened(sealedIn);
        chunk = new ChunkId(++chunks);
        createdEpoch = newEpoch();
        epoch = createdEpoch;
        evictedCanReach = false;
        originNodes = new ArrayList<>(set.nodes());
        originNodes.addAll(formerNodes);
        formerNodes.clear();
        origin = new Membership.Origin(frozen, cluster.rules.frozenIn(sealedIn), createdEpoch);
        cluster.trace("metadata puts %s in place of %s", chunk, origin);
        if (!cluster.rules.keepsOriginUntilOpen()) {
            originNodes.forEach(node -> order(node, frozen, sealedIn, false));
        }
    }

    /** The copy is OPEN, or dropped. */
    private void dropOrigin() {
        var from = origin;
        if (from != null) {
            origin = null;
            originNodes.forEach(node -> order(node, from.chunk(), from.frozenEpoch(), false));
        }
    }

    /** Tells a node until it was up to hear it. */
    private void order(NodeId node, ChunkId gone, long order, boolean tombstone) {
        cluster.network.sendSurely(
                ENDPOINT,
                node.value(),
                () -> {
                    if (cluster.node(node).up()) {
                        cluster.node(node).drop(gone, order, tombstone);
                    } else if (!cluster.gone(node)) {
                        cluster.scheduler.after(
                                ORDER_AGAIN_NS,
                                ENDPOINT,
                                () -> order(node, gone, order, tombstone));
                    }
                });
    }

    // ---- replica sets (R9) ----

    /** Recalls all and then changes the set to one without dead nodes, or to any other. */
    void wantChange() {
        changeWanted = true;
        pump();
    }

    /** A healer copies to one replica of the OPEN chunk, beside its holder if there is one (R7). */
    void healOne() {
        if (chunk == null || !open) {
            return;
        }
        var grant =
                new ChunkGrant(
                        chunk,
                        epoch,
                        set,
                        cluster.whole(),
                        Mode.READ,
                        new SessionId(Long.MAX_VALUE));
        var parts = new SimRules.SessionParts(grant, seen -> seen + 1, 1, false, set.nodes());
        var target = set.nodes().get(cluster.scheduler.below(set.size()));
        run(new CatchUp(new SimRules.SimSession(parts), target, cluster.times()), null, _ -> {});
    }

    /** The chunk and fresh epoch of a change; null when there is nothing to change. */
    @Nullable ChunkGrant beginChange(ReplicaSet to) {
        // A copy is made where its origin is: it moves once it is OPEN.
        if (chunk == null || origin != null) {
            return null;
        }
        busy = true;
        epoch = newEpoch();
        open = false;
        fresh = true;
        sealer = 0;
        return new ChunkGrant(
                chunk, epoch, to, cluster.whole(), Mode.READ, new SessionId(Long.MAX_VALUE));
    }

    /** The change is over, or no longer waited for. */
    void endChange() {
        busy = false;
        pump();
    }

    boolean commit(ChunkId changed, ReplicaSet from, ReplicaSet to, long in) {
        boolean current = changed.equals(chunk) && in == epoch && set.equals(from);
        if ((!current && cluster.rules.commitsOnlyCurrentChange()) || !changed.equals(chunk)) {
            return false;
        }
        cluster.trace("metadata commits %s in %d", to, in);
        List<NodeId> left = from.nodes().stream().filter(n -> !to.contains(n)).toList();
        set = to;
        if (in == epoch) {
            open = true;
            fresh = false;
            cluster.history.opened(in);
        }
        for (NodeId node : left) {
            formerNodes.add(node);
            order(node, changed, in, true);
        }
        formerNodes.removeAll(to.nodes());
        return true;
    }
}

package org.keelfs.register;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.ChunkGrant.Mode;

/**
 * What one session knows of one chunk in one epoch in which the chunk is OPEN (R1: there is no
 * session before): which replicas are sealed, which runs each missed, which writes are not settled.
 * Confined to the lock or thread of its chunk; the rounds tell it what they learn.
 */
public class ChunkSession {
    /* For every replica: the runs that were written in this epoch and that it has not acknowledged. A run enters when
     * its write starts, so that silence, refusal and loss need no bookkeeping, and leaves at an OK to a WRITE of it, or
     * when a catch-up is APPLIED: then the target misses what its source missed when its STAMPS were asked and what was
     * written since (R5, R7). A newer write of a sector stands for the older ones: who has it has "that or newer".
     *
     * A holder of WRITE must keep this object as long as its epoch: without it a read could come from a replica that
     * missed a run. If it is lost, ask for a fresh epoch.
     */

    /**
     * Missed runs remembered for one replica. A run takes about 100 bytes; with more, a comparison
     * of STAMPS is cheaper.
     */
    public static final int MISSED_RUNS_MAX = 1024;

    private final ChunkGrant grant;
    private final CounterSource counters;
    private final int missedRunsMax;
    private final boolean created;
    private final List<Replica> replicas = new ArrayList<>();
    private final StampMap unsettled = new StampMap();
    private boolean written;
    private long stale;

    private static final class Replica {
        final NodeId node;
        boolean sealed;
        boolean lagging;
        StampMap missed = new StampMap();

        /**
         * What it will have missed if the catch-up under way is applied; null while there is none.
         */
        @Nullable StampMap missedByCatchUp;

        Replica(NodeId node) {
            this.node = node;
        }
    }

    protected ChunkSession(
            ChunkGrant grant,
            CounterSource counters,
            int missedRunsMax,
            boolean created,
            List<NodeId> sealed) {
        this.grant = grant;
        this.counters = counters;
        this.missedRunsMax = missedRunsMax;
        this.created = created;
        for (NodeId node : grant.set().nodes()) {
            var replica = new Replica(node);
            replica.sealed = sealed.contains(node);
            replicas.add(replica);
        }
    }

    /** Of a chunk that was created for this session in this very epoch: it needs no seal (R11). */
    public static ChunkSession created(ChunkGrant grant, CounterSource counters) {
        return new ChunkSession(grant, counters, MISSED_RUNS_MAX, true, grant.set().nodes());
    }

    /** Of a chunk that this session's own {@link SealRound} opened. */
    public static ChunkSession opened(
            ChunkGrant grant, SealOutcome.Opened opened, CounterSource counters) {
        Invariant.check(opened.epoch() == grant.epoch(), "opened in the granted epoch");
        return new ChunkSession(grant, counters, MISSED_RUNS_MAX, false, opened.sealed());
    }

    /**
     * Of a chunk of which the layout answer says that it is OPEN. Not for WRITE: the writer of an
     * epoch seals it itself or created it, and keeps what it then learns.
     */
    public static ChunkSession joined(ChunkGrant grant, CounterSource counters) {
        Invariant.check(grant.mode() != Mode.WRITE, "a writer does not join an epoch");
        return new ChunkSession(grant, counters, MISSED_RUNS_MAX, false, grant.set().nodes());
    }

    public ChunkGrant grant() {
        return grant;
    }

    /** A timestamp for a new value, used by nobody before. */
    public Timestamp nextTimestamp() {
        return nextTimestampAbove(0);
    }

    /** The same with a counter above one that was seen in this epoch. */
    Timestamp nextTimestampAbove(long counterSeen) {
        return new Timestamp(
                grant.epoch(), counters.nextAbove(counterSeen), grant.session().value());
    }

    // ---- what the rounds learn ----

    /** A write goes out for the first time. */
    public void onWriteStarted(SectorRun run, Timestamp timestamp, boolean hole) {
        written = true;
        unsettled.put(run, timestamp, hole);
        for (Replica replica : replicas) {
            if (!replica.lagging) {
                replica.missed.put(run, timestamp, hole);
                boundMissed(replica);
            }
            if (replica.missedByCatchUp != null) {
                replica.missedByCatchUp.put(run, timestamp, hole);
            }
        }
    }

    /** Runs in flight are the writer's to bound, and do not count. */
    private void boundMissed(Replica replica) {
        if (replica.missed.size() > missedRunsMax + unsettled.size()) {
            replica.lagging = true;
            replica.missed.clear();
        }
    }

    /** A replica stored this write, or has something newer. */
    public void onAcknowledged(NodeId node, SectorRun run, Timestamp timestamp) {
        var replica = replica(node);
        replica.sealed = true;
        replica.missed.removeUpTo(run, timestamp);
        boundMissed(replica); // a run may have been split
        if (replica.missedByCatchUp != null) {
            replica.missedByCatchUp.removeUpTo(run, timestamp);
        }
    }

    /** The write is at a majority. */
    public void onSettled(SectorRun run, Timestamp timestamp) {
        unsettled.removeUpTo(run, timestamp);
        replicas.forEach(this::boundMissed);
    }

    /** A replica says that it is sealed in this epoch. What it missed stays missed. */
    public void onSealed(NodeId node) {
        replica(node).sealed = true;
    }

    /** A replica says that it is not sealed in this epoch. */
    public void onUnsealed(NodeId node) {
        replica(node).sealed = false;
    }

    /** Something newer than this epoch is promised somewhere: the session is over. */
    public void onStale(long promised) {
        stale = Math.max(stale, promised);
    }

    /** The epoch that ended this one, 0 while none is known. */
    public long stale() {
        return stale;
    }

    // ---- catching up (R7) ----

    /** The STAMPS of this source are about to be asked for, for this target. */
    public void beginCatchUp(NodeId target, NodeId source) {
        var from = replica(source);
        Invariant.check(from.sealed && !from.lagging, "a source knows what it missed");
        replica(target).missedByCatchUp = inheritedMisses(source);
    }

    /** What a target will have missed as its source has. */
    protected StampMap inheritedMisses(NodeId source) {
        return replica(source).missed.copy();
    }

    /** The target has all that the source's STAMPS showed, by an APPLIED or by OKs. */
    public void onCaughtUp(NodeId target) {
        var replica = replica(target);
        var missed = replica.missedByCatchUp;
        Invariant.check(missed != null, "a catch-up that ends has begun");
        replica.sealed = true;
        replica.missed = missed;
        replica.lagging = false;
        boundMissed(replica);
        replica.missedByCatchUp = null;
    }

    /** The catch-up failed: nothing is known better than before. */
    public void abandonCatchUp(NodeId target) {
        replica(target).missedByCatchUp = null;
    }

    /** Replicas that are not sealed, lag, or missed something, ascending: they want a catch-up. */
    public List<NodeId> behind() {
        return replicas.stream().filter(r -> !clean(r)).map(r -> r.node).toList();
    }

    /**
     * Replicas to copy from: sealed, not lagging, those that missed least first; never {@code
     * except}.
     */
    public List<NodeId> copySources(NodeId except) {
        return replicas.stream()
                .filter(r -> r.sealed && !r.lagging && !r.node.equals(except))
                .sorted((a, b) -> Integer.compare(a.missed.size(), b.missed.size()))
                .map(r -> r.node)
                .toList();
    }

    /**
     * Whether no replica is left of which this session knows what it has: reads and catch-ups find
     * no source any more. A fresh epoch does: its seal compares what the replicas have.
     */
    public boolean needsFreshEpoch() {
        return replicas.stream().noneMatch(r -> r.sealed && !r.lagging);
    }

    /** Whether this replica missed so much that only its STAMPS tell what. */
    public boolean lagging(NodeId node) {
        return replica(node).lagging;
    }

    /** Whether this replica is known to be sealed in the epoch. */
    public boolean sealed(NodeId node) {
        return replica(node).sealed;
    }

    /** What a replica that does not lag is known to have missed. */
    public List<StampRun> missed(NodeId node) {
        return List.copyOf(replica(node).missed.runs());
    }

    private static boolean clean(Replica replica) {
        return replica.sealed && !replica.lagging && replica.missed.isEmpty();
    }

    // ---- reading (R5) ----

    /**
     * Whom a read of this run may ask. For READ and WRITE; SHARED reads are {@link
     * SharedReadRound}s.
     */
    public ReadPlan readPlan(SectorRun run) {
        var open = unsettled(run);
        if (!open.isEmpty()) {
            return new ReadPlan.Settle(open);
        }
        if (created && !written) {
            return new ReadPlan.Zeros();
        }
        return sourcesOf(run);
    }

    /**
     * Who has which part of the run in full, whatever is on its way: {@link ReadPlan.Ask}, or
     * {@link ReadPlan.NoSource} where no replica has some sector, which may be only until a write
     * of it is answered.
     */
    public ReadPlan sourcesOf(SectorRun run) {
        var parts = new ArrayList<ReadPlan.Part>();
        int at = run.first();
        while (at < run.end()) {
            var part = partFrom(at, run.end());
            if (part.sources().isEmpty()) {
                return new ReadPlan.NoSource(part.run());
            }
            parts.add(part);
            at = part.run().end();
        }
        return new ReadPlan.Ask(parts);
    }

    /** The longest part from {@code at} that some replica has in full, with all that have it. */
    private ReadPlan.Part partFrom(int at, int end) {
        int longest = at;
        for (Replica replica : replicas) {
            if (replica.sealed && !replica.lagging) {
                var missed = replica.missed.within(SectorRun.between(at, end));
                longest =
                        Math.max(longest, missed.isEmpty() ? end : missed.getFirst().run().first());
            }
        }
        if (longest == at) {
            return new ReadPlan.Part(new SectorRun(at, 1), List.of());
        }
        var part = SectorRun.between(at, longest);
        return new ReadPlan.Part(
                part, replicas.stream().map(r -> r.node).filter(n -> readable(n, part)).toList());
    }

    /** Whether this replica is known to have all of the run. */
    public boolean readable(NodeId node, SectorRun run) {
        var replica = replica(node);
        return replica.sealed && !replica.lagging && !replica.missed.overlaps(run);
    }

    /** Writes of this run that are in flight or in doubt: their values must not be shown. */
    public List<StampRun> unsettled(SectorRun run) {
        return unsettled.within(run);
    }

    // ---- handing over (R4) ----

    /** Whether some write is in flight or in doubt, also one already reported as EIO. */
    public boolean inDoubt() {
        return !unsettled.isEmpty();
    }

    /** Replicas whose digest may be handed over: they missed nothing, and nothing is in doubt. */
    public List<NodeId> hintSources() {
        if (grant.mode() != Mode.WRITE || inDoubt()) {
            return List.of();
        }
        return replicas.stream().filter(ChunkSession::clean).map(r -> r.node).toList();
    }

    private Replica replica(NodeId node) {
        int index = grant.set().nodes().indexOf(node);
        Invariant.check(index >= 0, "%s is not in %s", node, grant);
        return replicas.get(index);
    }

    /**
     * What is in doubt is missed by fewer than a majority only if it was settled; maps are
     * disjoint.
     */
    public void invariants() {
        unsettled.invariants();
        for (Replica replica : replicas) {
            replica.missed.invariants();
            Invariant.check(
                    replica.missed.size() <= missedRunsMax + unsettled.size(),
                    "missed runs of a replica are bounded");
            Invariant.check(
                    !replica.lagging || replica.missed.isEmpty(), "who lags has no list of runs");
        }
    }
}

package org.keelfs.replicaset;

import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.FixTransfer;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.RequestTable;
import org.keelfs.register.Round;
import org.keelfs.register.RoundEffects;
import org.keelfs.register.RoundTimes;
import org.keelfs.register.StampMap;
import org.keelfs.register.ValueRun;

/**
 * Brings one replica of an OPEN chunk up to date (R5, R7), while reads and writes go on. Confined
 * to its chunk's thread or lock; one at a time for a replica.
 */
public class CatchUp implements Round<CatchUpOutcome> {
    /* 1. STAMPS of the target tell whether it is sealed in the epoch.
     * 2. If not: INSTALL of what the best source has. The source's misses are noted before its STAMPS are asked: the
     *    target will have missed the same, and what is written from then on (ChunkSession.beginCatchUp).
     * 3. If it is, an INSTALL would answer HAVE: WRITEs with original timestamps instead, of the runs that it is known
     *    to have missed, or, when it lags, of those in which the source's STAMPS are greater. */

    /** Sectors of one FETCH and of the WRITEs that follow. */
    private static final int STEP_SECTORS = 128;

    private final ChunkSession session;
    private final ChunkGrant grant;
    private final NodeId target;
    private final RoundTimes times;
    private final RequestTable requests;
    private final RegisterRequest.Stamps query;
    private final ArrayDeque<SectorRun> repairs = new ArrayDeque<>();
    private @Nullable NodeId source;
    private @Nullable StampMap have;
    private @Nullable FixTransfer transfer;
    private boolean sealedBefore;
    private boolean began;
    private int allocatedDelta;
    private boolean finished;

    public CatchUp(ChunkSession session, NodeId target, RoundTimes times) {
        this.session = session;
        this.grant = session.grant();
        this.target = target;
        this.times = times;
        this.requests = new RequestTable(times);
        this.query = new RegisterRequest.Stamps(grant.chunk(), grant.epoch(), grant.whole());
    }

    @Override
    public void start(long nowNs, RoundEffects<CatchUpOutcome> out) {
        requests.ask(target, query, nowNs, out);
    }

    @Override
    public void onReply(
            NodeId from,
            RegisterRequest request,
            RegisterReply reply,
            long nowNs,
            RoundEffects<CatchUpOutcome> out) {
        if (finished) {
            return;
        }
        if (transfer != null) {
            if (transfer.onReply(from, request, reply, nowNs, out)) {
                collect(transfer, out);
            }
            return;
        }
        if (!requests.take(from, request)) {
            return;
        }
        switch (reply) {
            case RegisterReply.StampsAnswer(var stamps, long sealed, _) when have == null ->
                    onTarget(StampMap.of(stamps), sealed == grant.epoch(), nowNs, out);
            case RegisterReply.StampsAnswer(var stamps, long sealed, _) ->
                    onSource(from, StampMap.of(stamps), sealed == grant.epoch(), nowNs, out);
            case RegisterReply.Values(var values) -> repair(values, nowNs, out);
            case RegisterReply.Stored(int delta) -> {
                allocatedDelta += delta;
                onRepaired(request, nowNs, out);
            }
            case RegisterReply.Stale(long promised) when promised >= grant.epoch() -> {
                session.onStale(promised);
                finish(new CatchUpOutcome.Stale(promised), out);
            }
            case RegisterReply.Stale(_) -> onTarget(new StampMap(), false, nowNs, out);
            case RegisterReply.Refused(var reason)
                    when reason == RegisterReply.Reason.DAMAGED && have == null ->
                    onTarget(new StampMap(), false, nowNs, out);
            default -> finish(new CatchUpOutcome.Failed(from + ": " + reply), out);
        }
    }

    /** Step 1. */
    private void onTarget(
            StampMap stamps, boolean sealed, long nowNs, RoundEffects<CatchUpOutcome> out) {
        have = stamps;
        sealedBefore = sealed;
        if (sealed) {
            session.onSealed(target);
            if (!session.lagging(target)) {
                session.missed(target).forEach(stamp -> split(stamp.run()));
                repairNext(nowNs, out);
                return;
            }
        } else {
            session.onUnsealed(target);
        }
        var from = source();
        if (from == null) {
            finish(new CatchUpOutcome.Failed("nobody to copy from"), out);
            return;
        }
        source = from;
        began = true;
        session.beginCatchUp(target, from);
        requests.ask(from, query, nowNs, out);
    }

    /** The replica to copy from: one that missed nothing, else as little as possible. */
    protected @Nullable NodeId source() {
        var sources = session.copySources(target);
        return sources.isEmpty() ? null : sources.getFirst();
    }

    private void onSource(
            NodeId from,
            StampMap stamps,
            boolean sealed,
            long nowNs,
            RoundEffects<CatchUpOutcome> out) {
        var there = have;
        Invariant.check(there != null, "the target's timestamps come first");
        if (!sealed) {
            session.onUnsealed(from);
            finish(new CatchUpOutcome.Failed("not sealed: " + from), out);
        } else if (sealedBefore) {
            stamps.forEachDifference(
                    there,
                    grant.whole(),
                    stamp -> {
                        if (there.at(stamp.run().first()).compareTo(stamp.timestamp()) < 0) {
                            split(stamp.run());
                        }
                    });
            repairNext(nowNs, out);
        } else {
            transfer =
                    FixTransfer.likeNow(
                            grant, target, there, new FixTransfer.Source(from, stamps), times);
            transfer.start(nowNs, out);
            collect(transfer, out);
        }
    }

    /** Step 2. */
    private void collect(FixTransfer running, RoundEffects<CatchUpOutcome> out) {
        switch (running.result()) {
            case null -> {}
            case FixTransfer.Result.Applied(int delta) -> {
                allocatedDelta += delta;
                session.onCaughtUp(target);
                began = false;
                finish(new CatchUpOutcome.CaughtUp(allocatedDelta), out);
            }
            case FixTransfer.Result.Have(long sealed, _) -> {
                onHave(sealed);
                finish(new CatchUpOutcome.Failed("sealed meanwhile"), out);
            }
            case FixTransfer.Result.Stale(long promised) -> {
                session.onStale(promised);
                finish(new CatchUpOutcome.Stale(promised), out);
            }
            case FixTransfer.Result.Mismatch() ->
                    finish(new CatchUpOutcome.Failed("digest differs"), out);
            case FixTransfer.Result.NoSource() ->
                    finish(new CatchUpOutcome.Failed("source has lost it"), out);
        }
    }

    /**
     * Somebody else's INSTALL came first: the target is sealed, but what it missed it still misses.
     */
    protected void onHave(long sealed) {
        if (sealed == grant.epoch()) {
            session.onSealed(target);
        }
    }

    private void split(SectorRun run) {
        for (int at = run.first(); at < run.end(); at += STEP_SECTORS) {
            repairs.add(SectorRun.between(at, Math.min(at + STEP_SECTORS, run.end())));
        }
    }

    /** Step 3: one run after another. */
    private void repairNext(long nowNs, RoundEffects<CatchUpOutcome> out) {
        var run = repairs.poll();
        if (run == null) {
            if (began) {
                session.onCaughtUp(target);
                began = false;
            }
            finish(new CatchUpOutcome.CaughtUp(allocatedDelta), out);
            return;
        }
        var from = source;
        if (from == null || !began) {
            from = repairSource(run);
        }
        if (from == null) {
            repairNext(nowNs, out); // nobody has it yet: it stays missed
            return;
        }
        requests.ask(
                from, new RegisterRequest.Fetch(grant.chunk(), grant.epoch(), run), nowNs, out);
    }

    private @Nullable NodeId repairSource(SectorRun run) {
        for (NodeId node : session.copySources(target)) {
            if (session.readable(node, run)) {
                return node;
            }
        }
        return null;
    }

    private void repair(List<ValueRun> values, long nowNs, RoundEffects<CatchUpOutcome> out) {
        for (ValueRun value : values) {
            var write =
                    new RegisterRequest.Write(
                            grant.chunk(),
                            grant.epoch(),
                            value.run(),
                            value.timestamp(),
                            value.payload());
            requests.ask(target, write, nowNs, out);
        }
        if (requests.isEmpty()) {
            repairNext(nowNs, out);
        }
    }

    private void onRepaired(RegisterRequest request, long nowNs, RoundEffects<CatchUpOutcome> out) {
        if (request instanceof RegisterRequest.Write write
                && grant.mode() == ChunkGrant.Mode.WRITE) {
            session.onAcknowledged(target, write.run(), write.timestamp());
        }
        if (requests.isEmpty()) {
            repairNext(nowNs, out);
        }
    }

    @Override
    public void onFailure(
            NodeId from, RegisterRequest request, long nowNs, RoundEffects<CatchUpOutcome> out) {
        if (transfer == null || !transfer.onFailure(from, request, nowNs)) {
            var _ = requests.failed(from, request, nowNs);
        }
    }

    @Override
    public void onTick(long nowNs, RoundEffects<CatchUpOutcome> out) {
        if (finished) {
            return;
        }
        if (requests.over(nowNs)) {
            finish(new CatchUpOutcome.Failed("silent: " + silent()), out);
            return;
        }
        var _ = requests.resend(nowNs, out);
        if (transfer != null) {
            transfer.onTick(nowNs, out);
            collect(transfer, out);
        }
    }

    private List<NodeId> silent() {
        return transfer == null ? requests.silent() : transfer.silent();
    }

    private void finish(CatchUpOutcome outcome, RoundEffects<CatchUpOutcome> out) {
        finished = true;
        if (began) {
            session.abandonCatchUp(target);
        }
        requests.clear();
        out.finish(outcome);
    }

    @Override
    public long nextDeadlineNs() {
        if (finished) {
            return Long.MAX_VALUE;
        }
        long next = requests.nextDeadlineNs();
        return transfer == null ? next : Math.min(next, transfer.nextDeadlineNs());
    }

    @Override
    public void invariants() {
        session.invariants();
    }
}

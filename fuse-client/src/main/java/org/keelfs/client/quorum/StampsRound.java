package org.keelfs.client.quorum;

import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.register.AskingRound;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.QuorumCount;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.RoundEffects;
import org.keelfs.register.RoundTimes;
import org.keelfs.register.StampRun;

/**
 * What is written where, for SEEK_DATA and SEEK_HOLE: STAMPS of one replica that has all of the
 * range, PROBEs of the others, as a read does it. Confined to its chunk's lock.
 */
final class StampsRound extends AskingRound<StampsRound.Outcome> {
    private final ChunkSession session;
    private final RegisterRequest.Stamps stamps;
    private final RegisterRequest.Probe probe;
    private final QuorumCount votes;
    private final ArrayDeque<NodeId> sources;
    private @Nullable List<StampRun> found;

    /**
     * How it ended.
     *
     * @param stamps null on failure
     * @param promised the epoch that ended this one, or 0
     */
    record Outcome(@Nullable List<StampRun> stamps, long promised, List<NodeId> silent) {}

    StampsRound(ChunkSession session, SectorRun range, List<NodeId> sources, RoundTimes times) {
        super(times);
        var grant = session.grant();
        this.session = session;
        this.stamps = new RegisterRequest.Stamps(grant.chunk(), grant.epoch(), range);
        this.probe = new RegisterRequest.Probe(grant.chunk(), grant.epoch());
        this.votes = new QuorumCount(grant.set());
        this.sources = new ArrayDeque<>(sources);
    }

    @Override
    public void start(long nowNs, RoundEffects<Outcome> out) {
        NodeId source = sources.poll();
        if (source == null) {
            finish(new Outcome(null, 0, session.behind()), out);
            return;
        }
        requests().ask(source, stamps, nowNs, out);
        for (NodeId node : session.grant().set().nodes()) {
            if (!node.equals(source)) {
                requests().ask(node, probe, nowNs, out);
            }
        }
    }

    @Override
    public void onReply(
            NodeId from,
            RegisterRequest request,
            RegisterReply reply,
            long nowNs,
            RoundEffects<Outcome> out) {
        if (isFinished()) {
            return;
        }
        switch (reply) {
            case RegisterReply.StampsAnswer(var there, long sealed, _)
                    when sealed == stamps.epoch() -> {
                if (requests().take(from, request)) {
                    found = there;
                }
                vote(from, out);
            }
            case RegisterReply.ProbeOk() -> {
                var _ = requests().take(from, request);
                vote(from, out);
            }
            case RegisterReply.Stale(long promised) when promised >= stamps.epoch() -> {
                session.onStale(promised);
                finish(new Outcome(null, promised, List.of()), out);
            }
            default -> onFailure(from, request, nowNs, out);
        }
    }

    private void vote(NodeId from, RoundEffects<Outcome> out) {
        votes.add(from);
        if (found != null && votes.reached()) {
            finish(new Outcome(found, 0, List.of()), out);
        }
    }

    @Override
    public void onFailure(
            NodeId from, RegisterRequest request, long nowNs, RoundEffects<Outcome> out) {
        if (!isFinished() && requests().failed(from, request, nowNs) && request.equals(stamps)) {
            askNext(nowNs, out);
        }
    }

    private void askNext(long nowNs, RoundEffects<Outcome> out) {
        NodeId next = sources.poll();
        if (found == null && next != null) {
            requests().ask(next, stamps, nowNs, out);
        }
    }

    @Override
    protected Outcome timedOut(List<NodeId> silent) {
        return new Outcome(null, 0, silent);
    }

    @Override
    protected void onSilent(List<NodeId> nodes, long nowNs, RoundEffects<Outcome> out) {
        if (!nodes.isEmpty()) {
            askNext(nowNs, out);
        }
    }

    @Override
    public void invariants() {
        Invariant.check(
                isFinished() || found == null || !votes.reached(), "an answered round ends");
    }
}

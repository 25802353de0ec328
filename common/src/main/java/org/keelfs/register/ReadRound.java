package org.keelfs.register;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.register.RegisterReply.Reason;

/**
 * A read under a READ or WRITE lease: bytes from one replica that has the run, PROBEs of the others
 * in the same round trip, answered at a majority of OK, of which the read is one. It falls over to
 * the next source on failure, silence or damage. Confined to its chunk's thread or lock.
 */
public final class ReadRound extends AskingRound<ReadOutcome> {
    /* A majority that had p <= e after the read began proves that no later epoch was open before, so that the value,
     * the newest of this epoch, is the newest of all. Whether a value may be shown is asked again at the answer: a write
     * that began meanwhile and did not settle may be among the bytes (R5). */
    private final ChunkSession session;
    private final ReplicaSet set;
    private final RegisterRequest.Read read;
    private final RegisterRequest.Probe probe;
    private final List<NodeId> sources;
    private final List<NodeId> damaged = new ArrayList<>();
    private final QuorumCount votes;
    private int nextSource;
    private @Nullable NodeId answeredBy;
    private List<ValueRun> values = List.of();

    /**
     * @param part a part of a {@link ReadPlan.Ask}
     * @param sources its sources, nearest first
     */
    public ReadRound(ChunkSession session, SectorRun part, List<NodeId> sources, RoundTimes times) {
        super(times);
        var grant = session.grant();
        Invariant.check(grant.mode() != ChunkGrant.Mode.SHARED, "SHARED reads by R8");
        Invariant.check(!sources.isEmpty(), "a read needs a source");
        this.session = session;
        this.set = grant.set();
        this.read = new RegisterRequest.Read(grant.chunk(), grant.epoch(), part);
        this.probe = new RegisterRequest.Probe(grant.chunk(), grant.epoch());
        this.sources = new ArrayList<>(sources);
        this.votes = new QuorumCount(set);
    }

    @Override
    public void start(long nowNs, RoundEffects<ReadOutcome> out) {
        var source = sources.get(nextSource++);
        requests().ask(source, read, nowNs, out);
        for (NodeId node : set.nodes()) {
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
            RoundEffects<ReadOutcome> out) {
        if (isFinished()) {
            return;
        }
        switch (reply) {
            case RegisterReply.Values(var found) when request.equals(read) -> {
                if (requests().take(from, request) && answeredBy == null) {
                    answeredBy = from;
                    values = found;
                }
                vote(from, out);
            }
            case RegisterReply.ProbeOk() -> {
                var _ = requests().take(from, request);
                vote(from, out);
            }
            case RegisterReply.Stale(long promised) when promised >= read.epoch() -> {
                session.onStale(promised);
                finish(new StaleEpoch(promised), out);
            }
            case RegisterReply.Unsealed(_) -> {
                session.onUnsealed(from);
                dropSource(from, nowNs, out);
            }
            case RegisterReply.Refused(Reason reason) when request.equals(read) -> {
                if (reason == Reason.DAMAGED && !damaged.contains(from)) {
                    damaged.add(from);
                }
                dropSource(from, nowNs, out);
            }
            default -> onFailure(from, request, nowNs, out);
        }
    }

    private void vote(NodeId from, RoundEffects<ReadOutcome> out) {
        votes.add(from);
        var source = answeredBy;
        if (source == null || !votes.reached()) {
            return;
        }
        var unsettled = session.unsettled(read.run());
        if (unsettled.isEmpty()) {
            finish(new ReadOutcome.Answered(values, source, List.copyOf(damaged)), out);
        } else {
            finish(new ReadOutcome.InDoubt(unsettled), out);
        }
    }

    /** This replica cannot give the bytes, but may still give its vote. */
    private void dropSource(NodeId node, long nowNs, RoundEffects<ReadOutcome> out) {
        if (requests().take(node, read)) {
            int index = sources.indexOf(node);
            sources.remove(index);
            nextSource = Math.max(0, nextSource - 1);
            if (!votes.has(node)) {
                requests().ask(node, probe, nowNs, out);
            }
        }
        if (answeredBy == null && sources.isEmpty()) {
            finish(new ReadOutcome.NoSource(List.copyOf(damaged)), out);
        } else {
            askNextSource(nowNs, out);
        }
    }

    /** Asks one more source, if there is one that is not being asked. */
    private void askNextSource(long nowNs, RoundEffects<ReadOutcome> out) {
        if (answeredBy == null && nextSource < sources.size()) {
            requests().ask(sources.get(nextSource++), read, nowNs, out);
        }
    }

    @Override
    public void onFailure(
            NodeId from, RegisterRequest request, long nowNs, RoundEffects<ReadOutcome> out) {
        if (!isFinished() && requests().failed(from, request, nowNs) && request.equals(read)) {
            askNextSource(nowNs, out);
        }
    }

    @Override
    protected ReadOutcome timedOut(List<NodeId> silent) {
        return new QuorumLost(silent);
    }

    @Override
    protected void onSilent(List<NodeId> nodes, long nowNs, RoundEffects<ReadOutcome> out) {
        if (!nodes.isEmpty()) {
            askNextSource(nowNs, out);
        }
    }

    @Override
    public void invariants() {
        Invariant.check(
                isFinished() || answeredBy == null || !votes.reached(),
                "a read with bytes and a majority has finished: %s",
                read);
    }
}

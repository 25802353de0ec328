package org.keelfs.register;

import java.util.List;
import org.keelfs.base.Invariant;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;

/**
 * Fences a chunk that an evicted session could still reach, before it is dropped (R11): PROMISE of
 * a fresh epoch at a majority. Only after that may the drop be committed. Confined to its driver's
 * thread.
 */
public final class FenceRound extends AskingRound<FenceOutcome> {
    private final ReplicaSet set;
    private final RegisterRequest.Promise promise;
    private final QuorumCount promised;

    public FenceRound(ChunkId chunk, long epoch, ReplicaSet set, RoundTimes times) {
        super(times);
        this.set = set;
        this.promise = new RegisterRequest.Promise(chunk, epoch, null);
        this.promised = new QuorumCount(set);
    }

    @Override
    public void start(long nowNs, RoundEffects<FenceOutcome> out) {
        set.nodes().forEach(node -> requests().ask(node, promise, nowNs, out));
    }

    @Override
    public void onReply(
            NodeId from,
            RegisterRequest request,
            RegisterReply reply,
            long nowNs,
            RoundEffects<FenceOutcome> out) {
        if (isFinished()) {
            return;
        }
        switch (reply) {
            case RegisterReply.Promised(_, _) -> {
                var _ = requests().take(from, request);
                promised.add(from);
                if (promised.reached()) {
                    finish(new FenceOutcome.Fenced(promise.epoch()), out);
                }
            }
            case RegisterReply.Stale(long newer) when newer >= promise.epoch() ->
                    finish(new StaleEpoch(newer), out);
            default -> onFailure(from, request, nowNs, out);
        }
    }

    @Override
    protected FenceOutcome timedOut(List<NodeId> silent) {
        return new QuorumLost(silent);
    }

    @Override
    public void invariants() {
        Invariant.check(isFinished() || !promised.reached(), "a fence at a majority has finished");
    }
}

package org.keelfs.register;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;

/**
 * What the holder of WRITE hands over when it returns its lease (R4): the digest of a replica that
 * missed no run of the epoch, asked after the last write was done. Start it when no write will
 * follow. Confined to its chunk's thread or lock.
 */
public final class HintRound implements Round<HintOutcome> {
    private final ChunkSession session;
    private final RegisterRequest.Stamps request;
    private final RequestTable requests;
    private final ArrayDeque<NodeId> candidates;
    private boolean finished;

    public HintRound(ChunkSession session, RoundTimes times) {
        var grant = session.grant();
        this.session = session;
        this.requests = new RequestTable(times);
        this.candidates = new ArrayDeque<>(session.hintSources());
        var first = new SectorRun(grant.whole().first(), 1); // only its digest matters
        this.request = new RegisterRequest.Stamps(grant.chunk(), grant.epoch(), first);
    }

    @Override
    public void start(long nowNs, RoundEffects<HintOutcome> out) {
        next(nowNs, out);
    }

    private void next(long nowNs, RoundEffects<HintOutcome> out) {
        @Nullable NodeId node = candidates.poll();
        if (node == null) {
            finish(new HintOutcome.None(), out);
        } else {
            requests.ask(node, request, nowNs, out);
        }
    }

    @Override
    public void onReply(
            NodeId from,
            RegisterRequest answered,
            RegisterReply reply,
            long nowNs,
            RoundEffects<HintOutcome> out) {
        if (finished || !requests.take(from, answered)) {
            return;
        }
        switch (reply) {
            case RegisterReply.StampsAnswer(_, long sealed, var digest)
                    when sealed == request.epoch() && session.hintSources().contains(from) ->
                    finish(new HintOutcome.Given(new Hint(sealed, digest)), out);
            case RegisterReply.Stale(long promised) when promised >= request.epoch() -> {
                session.onStale(promised);
                finish(new StaleEpoch(promised), out);
            }
            default -> next(nowNs, out);
        }
    }

    @Override
    public void onFailure(
            NodeId from, RegisterRequest failed, long nowNs, RoundEffects<HintOutcome> out) {
        if (!finished && requests.take(from, failed)) {
            next(nowNs, out);
        }
    }

    @Override
    public void onTick(long nowNs, RoundEffects<HintOutcome> out) {
        if (finished) {
            return;
        }
        if (requests.over(nowNs)) {
            finish(new HintOutcome.None(), out);
        } else if (requests.nextDeadlineNs() <= nowNs) {
            requests.clear();
            next(nowNs, out);
        }
    }

    private void finish(HintOutcome outcome, RoundEffects<HintOutcome> out) {
        finished = true;
        requests.clear();
        out.finish(outcome);
    }

    @Override
    public long nextDeadlineNs() {
        return finished ? Long.MAX_VALUE : requests.nextDeadlineNs();
    }

    @Override
    public void invariants() {
        session.invariants();
    }
}

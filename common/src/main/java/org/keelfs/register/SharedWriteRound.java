package org.keelfs.register;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.register.RegisterReply.Reason;

/**
 * A write in SHARED mode (R8), of multi-writer ABD: timestamps from a majority, then the value at a
 * majority with a counter above any seen and any of this session's own. Only replicas sealed in the
 * epoch count. Confined to its chunk's thread or lock.
 */
public final class SharedWriteRound extends AskingRound<WriteOutcome> {
    private final ChunkSession session;
    private final ChunkGrant grant;
    private final ReplicaSet set;
    private final SectorRun run;
    private final PayloadSource payload;
    private final RegisterRequest.Stamps query;
    private final QuorumCount asked;
    private final QuorumCount stored;
    private long counterSeen;
    private RegisterRequest.@Nullable Write write;
    private @Nullable Integer allocatedDelta;

    /** A new value. */
    public SharedWriteRound(
            ChunkSession session, SectorRun run, PayloadSource payload, RoundTimes times) {
        super(times);
        this.session = session;
        this.grant = session.grant();
        Invariant.check(grant.mode() == ChunkGrant.Mode.SHARED, "two-round writes are for SHARED");
        this.set = grant.set();
        this.run = run;
        this.payload = payload;
        this.query = new RegisterRequest.Stamps(grant.chunk(), grant.epoch(), run);
        this.asked = new QuorumCount(set);
        this.stored = new QuorumCount(set);
    }

    @Override
    public void start(long nowNs, RoundEffects<WriteOutcome> out) {
        set.nodes().forEach(node -> requests().ask(node, query, nowNs, out));
    }

    /**
     * Sends the same value under the same timestamp again, after a finish without {@code Stored}
     * (R6).
     */
    public void resume(RoundTimes times, long nowNs, RoundEffects<WriteOutcome> out) {
        Invariant.check(isFinished() && !stored.reached(), "only what is in doubt is sent again");
        goOn(times);
        if (write == null) {
            start(nowNs, out);
        } else {
            sendWrite(write, nowNs, out);
        }
    }

    @Override
    public void onReply(
            NodeId from,
            RegisterRequest request,
            RegisterReply reply,
            long nowNs,
            RoundEffects<WriteOutcome> out) {
        if (isFinished()) {
            return;
        }
        switch (reply) {
            case RegisterReply.StampsAnswer(var stamps, long sealed, _)
                    when sealed == grant.epoch() ->
                    onStamps(from, stamps, nowNs, out);
            case RegisterReply.Stored(int delta) when request.equals(write) ->
                    onStored(from, request, delta, out);
            case RegisterReply.Stale(long promised) when promised >= grant.epoch() -> {
                session.onStale(promised);
                finish(new StaleEpoch(promised), out);
            }
            case RegisterReply.Refused(Reason reason) when reason == Reason.NO_SPACE -> {
                onFailure(from, request, nowNs, out);
                stored.failed(from);
                if (stored.lost()) {
                    finish(new WriteOutcome.NoSpace(unstored()), out);
                }
            }
            default -> onFailure(from, request, nowNs, out);
        }
    }

    private void onStamps(
            NodeId from, List<StampRun> stamps, long nowNs, RoundEffects<WriteOutcome> out) {
        if (!requests().take(from, query)) {
            return;
        }
        for (StampRun stamp : stamps) {
            if (stamp.timestamp().epoch() == grant.epoch()) {
                counterSeen = Math.max(counterSeen, stamp.timestamp().counter());
            }
        }
        asked.add(from);
        if (write == null && asked.reached()) {
            var timestamp = session.nextTimestampAbove(counterSeen);
            var request =
                    new RegisterRequest.Write(
                            grant.chunk(), grant.epoch(), run, timestamp, payload.under(timestamp));
            write = request;
            requests().clear();
            sendWrite(request, nowNs, out);
        }
    }

    private void sendWrite(
            RegisterRequest.Write request, long nowNs, RoundEffects<WriteOutcome> out) {
        unstored().forEach(node -> requests().ask(node, request, nowNs, out));
    }

    private List<NodeId> unstored() {
        return set.nodes().stream().filter(node -> !stored.has(node)).toList();
    }

    private void onStored(
            NodeId from, RegisterRequest request, int delta, RoundEffects<WriteOutcome> out) {
        if (requests().take(from, request) && allocatedDelta == null) {
            allocatedDelta = delta;
        }
        stored.add(from);
        var written = write;
        if (stored.reached() && written != null) {
            finish(
                    new WriteOutcome.Stored(
                            written.timestamp(),
                            set.nodes().stream().filter(stored::has).toList(),
                            unstored(),
                            allocatedDelta == null ? 0 : allocatedDelta),
                    out);
        }
    }

    @Override
    protected WriteOutcome timedOut(List<NodeId> silent) {
        return new QuorumLost(silent);
    }

    @Override
    public void invariants() {
        Invariant.check(write == null || asked.reached(), "a timestamp is above a majority's");
        Invariant.check(!stored.reached() || isFinished(), "a write at a majority has finished");
    }
}

package org.keelfs.register;

import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.NodeId;
import org.keelfs.model.Payload;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.RegisterReply.Reason;

/**
 * A write under a WRITE lease (R5): one round to all replicas, stored at a majority of OK. Confined
 * to its chunk's thread or lock. After it finished, late answers are still welcome: they tell the
 * session who has the run.
 */
public final class WriteRound extends AskingRound<WriteOutcome> {
    private final ChunkSession session;
    private final ReplicaSet set;
    private final RegisterRequest.Write write;
    private final QuorumCount stored;
    private final QuorumCount full;
    private boolean started;
    private boolean reported;
    private @Nullable Integer allocatedDelta;

    /**
     * @param timestamp a fresh one from {@link ChunkSession#nextTimestamp}, used for this value
     *     only
     * @param payload encrypted under it, or null to trim
     */
    public WriteRound(
            ChunkSession session,
            SectorRun run,
            Timestamp timestamp,
            @Nullable Payload payload,
            RoundTimes times) {
        super(times);
        var grant = session.grant();
        Invariant.check(
                timestamp.epoch() == grant.epoch()
                        && timestamp.session() == grant.session().value(),
                "a new value has a timestamp of its session and epoch");
        Invariant.check(grant.mode() == ChunkGrant.Mode.WRITE, "one-round writes need WRITE");
        this.session = session;
        this.set = grant.set();
        this.write =
                new RegisterRequest.Write(grant.chunk(), grant.epoch(), run, timestamp, payload);
        this.stored = new QuorumCount(set);
        this.full = new QuorumCount(set);
    }

    /** The request that goes to every replica; the same for ever (R6). */
    public RegisterRequest.Write request() {
        return write;
    }

    @Override
    public void start(long nowNs, RoundEffects<WriteOutcome> out) {
        Invariant.check(!started, "a round starts once");
        started = true;
        session.onWriteStarted(write.run(), write.timestamp(), write.payload() == null);
        set.nodes().forEach(node -> requests().ask(node, write, nowNs, out));
    }

    /**
     * Sends the same again, to who has not acknowledged it, after a finish without {@code Stored}
     * (R6). Late answers may have completed it meanwhile: then it finishes at once.
     */
    public void resume(RoundTimes times, long nowNs, RoundEffects<WriteOutcome> out) {
        Invariant.check(isFinished() && !reported, "only what is in doubt is sent again");
        goOn(times);
        if (stored.reached()) {
            report(out);
            return;
        }
        for (NodeId node : set.nodes()) {
            if (!stored.has(node)) {
                requests().ask(node, write, nowNs, out);
            }
        }
    }

    @Override
    public void onReply(
            NodeId from,
            RegisterRequest request,
            RegisterReply reply,
            long nowNs,
            RoundEffects<WriteOutcome> out) {
        switch (reply) {
            case RegisterReply.Stored(int delta) -> onStored(from, delta, out);
            case RegisterReply.Stale(long promised) when promised >= write.epoch() -> {
                session.onStale(promised);
                finish(new StaleEpoch(promised), out);
            }
            case RegisterReply.Unsealed(_) -> {
                session.onUnsealed(from);
                onFailure(from, request, nowNs, out);
            }
            case RegisterReply.Refused(Reason reason) -> {
                onFailure(from, request, nowNs, out);
                if (reason == Reason.NO_SPACE) {
                    onFull(from, out);
                }
            }
            default -> onFailure(from, request, nowNs, out);
        }
    }

    private void onStored(NodeId from, int delta, RoundEffects<WriteOutcome> out) {
        boolean again = !requests().take(from, write) && stored.has(from);
        if (allocatedDelta == null && !again) {
            allocatedDelta = delta;
        }
        stored.add(from);
        session.onAcknowledged(from, write.run(), write.timestamp());
        if (stored.reached()) {
            session.onSettled(write.run(), write.timestamp());
            report(out);
        }
    }

    private void report(RoundEffects<WriteOutcome> out) {
        if (!isFinished()) {
            reported = true;
            finish(outcome(), out);
        }
    }

    private WriteOutcome outcome() {
        var acknowledged = new TreeSet<NodeId>();
        var missing = new TreeSet<NodeId>();
        set.nodes().forEach(node -> (stored.has(node) ? acknowledged : missing).add(node));
        return new WriteOutcome.Stored(
                write.timestamp(),
                List.copyOf(acknowledged),
                List.copyOf(missing),
                allocatedDelta == null ? 0 : allocatedDelta);
    }

    private void onFull(NodeId from, RoundEffects<WriteOutcome> out) {
        full.failed(from);
        if (full.lost()) {
            finish(
                    new WriteOutcome.NoSpace(
                            set.nodes().stream().filter(node -> !stored.has(node)).toList()),
                    out);
        }
    }

    @Override
    public void onFailure(
            NodeId from, RegisterRequest request, long nowNs, RoundEffects<WriteOutcome> out) {
        boolean waited = requests().failed(from, request, nowNs);
        Invariant.check(!waited || !isFinished(), "a finished round waits for nobody");
    }

    @Override
    protected WriteOutcome timedOut(List<NodeId> silent) {
        return new QuorumLost(silent);
    }

    @Override
    public void invariants() {
        Invariant.check(
                !stored.reached() || isFinished(), "a write at a majority has finished: %s", write);
        session.invariants();
    }
}

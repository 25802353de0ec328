package org.keelfs.replicaset;

import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.RoundEffects;
import org.keelfs.register.RoundTimes;
import org.keelfs.register.SealOutcome;
import org.keelfs.register.SealRound;

/**
 * Replaces the replica set of a chunk in a fresh epoch (R9): promises of a majority of the old set,
 * INSTALL at a majority of the new, commit, only then OPEN. Nobody may hold the chunk in this epoch
 * before that. Confined to its driver's thread.
 */
public final class ReplicaSetChange {
    private final ChunkGrant grant;
    private final ReplicaSet from;
    private final SealRound seal;
    private SealOutcome.@Nullable Opened installed;
    private boolean finished;

    /**
     * @param grant chunk and fresh epoch; its set is the new one
     * @param from the set in force
     */
    public ReplicaSetChange(ChunkGrant grant, ReplicaSet from, RoundTimes times) {
        this.grant = grant;
        this.from = from;
        this.seal = new SealRound(grant, from, null, times);
    }

    /** Sends the first requests. */
    public void start(long nowNs, ReplicaSetEffects out) {
        seal.start(nowNs, sealEffects(out));
    }

    /** A replica answered. */
    public void onReply(
            NodeId node,
            RegisterRequest request,
            RegisterReply reply,
            long nowNs,
            ReplicaSetEffects out) {
        seal.onReply(node, request, reply, nowNs, sealEffects(out));
    }

    /** No answer to this request will come. */
    public void onFailure(NodeId node, RegisterRequest request, long nowNs, ReplicaSetEffects out) {
        seal.onFailure(node, request, nowNs, sealEffects(out));
    }

    /** Time passed. */
    public void onTick(long nowNs, ReplicaSetEffects out) {
        seal.onTick(nowNs, sealEffects(out));
    }

    /** When {@link #onTick} is due; the commit has no deadline, its outcome must be learned. */
    public long nextDeadlineNs() {
        return seal.nextDeadlineNs();
    }

    /** The metadata log answered the commit. */
    public void onCommit(boolean accepted, ReplicaSetEffects out) {
        var opened = installed;
        Invariant.check(opened != null, "a commit follows the INSTALL");
        if (!finished) {
            finished = true;
            out.finish(
                    accepted
                            ? new ReplicaSetOutcome.Changed(
                                    opened.epoch(), opened.sealed(), opened.digest())
                            : new ReplicaSetOutcome.Refused());
        }
    }

    private RoundEffects<SealOutcome> sealEffects(ReplicaSetEffects out) {
        return new RoundEffects<>() {
            @Override
            public void send(NodeId to, RegisterRequest request) {
                out.send(to, request);
            }

            @Override
            public void finish(SealOutcome outcome) {
                onSealed(outcome, out);
            }
        };
    }

    private void onSealed(SealOutcome outcome, ReplicaSetEffects out) {
        if (outcome instanceof SealOutcome.Opened opened) {
            installed = opened;
            out.commit(grant.chunk(), from, grant.set(), grant.epoch());
        } else {
            finished = true;
            out.finish(new ReplicaSetOutcome.NotSealed(outcome));
        }
    }

    /** Laws that hold between any two inputs. */
    public void invariants() {
        seal.invariants();
        Invariant.check(
                !finished || installed == null || seal.nextDeadlineNs() == Long.MAX_VALUE,
                "sealed once");
    }
}

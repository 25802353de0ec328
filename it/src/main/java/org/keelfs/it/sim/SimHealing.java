package org.keelfs.it.sim;

import java.util.ArrayList;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.Round;
import org.keelfs.register.RoundEffects;
import org.keelfs.replicaset.ReplicaSetChange;
import org.keelfs.replicaset.ReplicaSetEffects;
import org.keelfs.replicaset.ReplicaSetOutcome;

/**
 * Drives changes of the replica set for the metadata model; gives up waiting at times, and then
 * commits late.
 */
final class SimHealing {
    private static final long PATIENCE_NS = 60_000;
    private static final long COMMIT_MAX_NS = 5_000;
    private static final long LATE_COMMIT_NS = 150_000;

    private final SimCluster cluster;
    private long running;

    SimHealing(SimCluster cluster) {
        this.cluster = cluster;
    }

    /** All leases are back: changes the set to a fresh choice of nodes. */
    void start() {
        var metadata = cluster.metadata;
        var from = metadata.set();
        var to = cluster.place();
        if (to.equals(from)) {
            metadata.endChange();
            return;
        }
        var grant = metadata.beginChange(to);
        if (grant == null) {
            metadata.endChange();
            return;
        }
        cluster.trace("healing %s -> %s in %d", from, to, grant.epoch());
        long id = ++running;
        if (!cluster.rules.commitsAfterInstall()) {
            var _ = metadata.commit(grant.chunk(), from, to, grant.epoch());
        }
        var change =
                new Change(new ReplicaSetChange(grant, from, cluster.times()), from, grant.epoch());
        metadata.run(change, null, _ -> end(id));
        cluster.scheduler.after(PATIENCE_NS, SimMetadata.ENDPOINT, () -> end(id));
    }

    private void end(long id) {
        if (id == running) {
            running++;
            cluster.metadata.endChange();
            if (cluster.placeIsNeeded()) {
                cluster.metadata.wantChange();
            }
        }
    }

    /** The change as a round: its commit goes to the metadata log and comes back. */
    private final class Change implements Round<ReplicaSetOutcome> {
        private final ReplicaSetChange change;
        private final ReplicaSet from;
        private final long epoch;

        Change(ReplicaSetChange change, ReplicaSet from, long epoch) {
            this.change = change;
            this.from = from;
            this.epoch = epoch;
        }

        private ReplicaSetEffects effects(RoundEffects<ReplicaSetOutcome> out) {
            return new ReplicaSetEffects() {
                @Override
                public void commit(ChunkId chunk, ReplicaSet old, ReplicaSet to, long in) {
                    boolean late = !cluster.healed() && cluster.scheduler.chance(25);
                    long delay =
                            cluster.scheduler.between(0, late ? LATE_COMMIT_NS : COMMIT_MAX_NS);
                    cluster.scheduler.after(
                            delay,
                            SimMetadata.ENDPOINT,
                            () -> committed(cluster.metadata.commit(chunk, from, to, epoch), out));
                }

                @Override
                public void send(NodeId to, RegisterRequest request) {
                    out.send(to, request);
                }

                @Override
                public void finish(ReplicaSetOutcome outcome) {
                    out.finish(outcome);
                }
            };
        }

        private void committed(boolean accepted, RoundEffects<ReplicaSetOutcome> out) {
            change.onCommit(accepted, effects(out));
            ((RoundRunner<?>) out).settle();
        }

        @Override
        public void start(long nowNs, RoundEffects<ReplicaSetOutcome> out) {
            change.start(nowNs, effects(out));
        }

        @Override
        public void onReply(
                NodeId node,
                RegisterRequest request,
                RegisterReply reply,
                long nowNs,
                RoundEffects<ReplicaSetOutcome> out) {
            change.onReply(node, request, reply, nowNs, effects(out));
        }

        @Override
        public void onFailure(
                NodeId node,
                RegisterRequest request,
                long nowNs,
                RoundEffects<ReplicaSetOutcome> out) {
            change.onFailure(node, request, nowNs, effects(out));
        }

        @Override
        public void onTick(long nowNs, RoundEffects<ReplicaSetOutcome> out) {
            change.onTick(nowNs, effects(out));
        }

        @Override
        public long nextDeadlineNs() {
            return change.nextDeadlineNs();
        }

        @Override
        public void invariants() {
            change.invariants();
        }
    }

    /** Nodes for a set: the living, as far as they go, in an order that chance gives. */
    static ReplicaSet choose(SimCluster cluster, Iterable<NodeId> usable, int count) {
        var candidates = new ArrayList<NodeId>();
        usable.forEach(candidates::add);
        var chosen = new ArrayList<NodeId>();
        while (chosen.size() < count) {
            chosen.add(candidates.remove(cluster.scheduler.below(candidates.size())));
        }
        return new ReplicaSet(chosen);
    }
}

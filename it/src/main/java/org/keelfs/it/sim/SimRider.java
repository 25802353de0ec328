package org.keelfs.it.sim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.NodeId;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.ChunkGrant.Mode;
import org.keelfs.register.ReadOutcome;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.Round;
import org.keelfs.register.RoundEffects;
import org.keelfs.register.SealOutcome;
import org.keelfs.register.SealRound;
import org.keelfs.register.ValueRun;

/** The read that waits for a seal and rides along with it (decision 0065). */
final class SimRider {
    private final SimClient client;
    private final ChunkGrant grant;
    private final ArrayDeque<SimOperation> pending;
    private final @Nullable SimOperation read;

    /**
     * @param pending operations of the client that wait
     */
    SimRider(SimClient client, ChunkGrant grant, ArrayDeque<SimOperation> pending) {
        this.client = client;
        this.grant = grant;
        this.pending = pending;
        this.read =
                grant.mode() == Mode.SHARED
                        ? null
                        : pending.stream()
                                .filter(o -> o.kind == SimOperation.Kind.READ)
                                .findFirst()
                                .orElse(null);
    }

    ChunkGrant grant() {
        return grant;
    }

    /** The seal, with the read if there is one. */
    Round<SealOutcome> seal(Layout of) {
        var cluster = client.cluster;
        var seal =
                cluster.rules.seal(
                        grant, of.set(), of.hint(), cluster.times(), of.origin() != null);
        if (read == null) {
            return seal;
        }
        var order = new ArrayList<>(of.set().nodes());
        Collections.rotate(order, cluster.scheduler.below(order.size()));
        seal.letRide(read.run, order);
        return cluster.rules.ridersWaitForOpen() ? seal : new Hasty(seal);
    }

    /** Answers it, if the seal brought what it wants, after the others were served. */
    void alight(SealOutcome.Opened opened, Runnable serve) {
        var values = opened.read() instanceof ReadOutcome.Answered(var found, _, _) ? found : null;
        boolean alights = values != null && pending.remove(read);
        serve.run();
        if (values != null && alights) {
            answer(values);
        }
    }

    private void answer(List<ValueRun> values) {
        if (read != null) {
            client.answer(read, SimIo.valuesOf(read.run, values));
        }
    }

    /** A variant broken on purpose: answers as soon as there are bytes. */
    private final class Hasty implements Round<SealOutcome> {
        private final SealRound seal;

        Hasty(SealRound seal) {
            this.seal = seal;
        }

        @Override
        public void onReply(
                NodeId from,
                RegisterRequest request,
                RegisterReply reply,
                long nowNs,
                RoundEffects<SealOutcome> out) {
            seal.onReply(from, request, reply, nowNs, out);
            if (request instanceof RegisterRequest.Read
                    && reply instanceof RegisterReply.Values(var values)
                    && pending.remove(read)) {
                answer(values);
            }
        }

        @Override
        public void start(long nowNs, RoundEffects<SealOutcome> out) {
            seal.start(nowNs, out);
        }

        @Override
        public void onFailure(
                NodeId from, RegisterRequest request, long nowNs, RoundEffects<SealOutcome> out) {
            seal.onFailure(from, request, nowNs, out);
        }

        @Override
        public void onTick(long nowNs, RoundEffects<SealOutcome> out) {
            seal.onTick(nowNs, out);
        }

        @Override
        public long nextDeadlineNs() {
            return seal.nextDeadlineNs();
        }

        @Override
        public void invariants() {
            seal.invariants();
        }
    }
}

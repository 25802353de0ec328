package org.keelfs.it.sim;

import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.NodeId;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.Membership;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.Round;
import org.keelfs.register.RoundEffects;

/** Drives one round over the simulated network, as a real driver would. */
final class RoundRunner<O> implements RoundEffects<O> {
    private final SimCluster cluster;
    private final int endpoint;
    private final Consumer<Runnable> gate;
    private final Function<NodeId, Membership> membership;
    private final Consumer<O> done;
    private final @Nullable ChunkSession session;
    private final Round<O> round;
    private long armedNs = Long.MAX_VALUE;
    private @Nullable O outcome;

    /**
     * @param gate passes what arrives at the endpoint on: now, later (frozen) or never (dead)
     */
    RoundRunner(
            SimCluster cluster,
            int endpoint,
            Consumer<Runnable> gate,
            Function<NodeId, Membership> membership,
            @Nullable ChunkSession session,
            Round<O> round,
            Consumer<O> done) {
        this.cluster = cluster;
        this.endpoint = endpoint;
        this.gate = gate;
        this.membership = membership;
        this.session = session;
        this.round = round;
        this.done = done;
    }

    Round<O> round() {
        return round;
    }

    void start() {
        round.start(cluster.scheduler.nowNs(), this);
        settle();
    }

    /** After an input that its owner gave the round. */
    void settle() {
        round.invariants();
        arm();
        var finished = outcome;
        if (finished != null) {
            outcome = null;
            cluster.trace("%d %s: %s", endpoint, round.getClass().getSimpleName(), finished);
            done.accept(finished);
        }
    }

    private void arm() {
        long next = round.nextDeadlineNs();
        if (next == armedNs || next == Long.MAX_VALUE) {
            return;
        }
        armedNs = next;
        cluster.scheduler.after(
                next - cluster.scheduler.nowNs(), endpoint, () -> gate.accept(() -> tick(next)));
    }

    private void tick(long armedFor) {
        if (armedFor != armedNs) {
            return;
        }
        armedNs = Long.MAX_VALUE;
        long now = cluster.scheduler.nowNs();
        if (round.nextDeadlineNs() <= now) {
            round.onTick(now, this);
            Invariant.check(
                    round.nextDeadlineNs() > now, "after a tick the next deadline is ahead");
        }
        settle();
    }

    @Override
    public void send(NodeId to, RegisterRequest request) {
        var sent = cluster.rules.sent(round, session, request);
        cluster.trace("%d -> %s %s", endpoint, to, sent);
        cluster.network.send(
                endpoint,
                to.value(),
                () ->
                        cluster.node(to)
                                .receive(
                                        sent,
                                        membership.apply(to),
                                        reply -> answer(to, request, reply)));
    }

    private void answer(NodeId from, RegisterRequest request, RegisterReply reply) {
        cluster.network.send(
                from.value(),
                endpoint,
                () ->
                        gate.accept(
                                () -> {
                                    cluster.trace("%d <- %s %s", endpoint, from, reply);
                                    round.onReply(
                                            from,
                                            request,
                                            cluster.rules.atClient(request, reply),
                                            cluster.scheduler.nowNs(),
                                            this);
                                    settle();
                                }));
    }

    @Override
    public void finish(O result) {
        Invariant.check(outcome == null, "a round finishes once");
        outcome = result;
    }
}

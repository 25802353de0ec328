package org.keelfs.client.quorum;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.NodeId;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.Round;
import org.keelfs.register.RoundEffects;
import org.keelfs.wire.SectorAnswer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one {@link Round}: carries its requests to nodes, answers, failures and time to it. The
 * round is guarded by its chunk's lock; what it wants sent or finished leaves after the lock is
 * free.
 *
 * @param <O> the round's outcome
 */
final class RoundDriver<O> implements AnswerSink {
    private static final Logger LOG = LoggerFactory.getLogger(RoundDriver.class);

    private final ChunkLink chunk;
    private final Round<O> round;
    private final ReentrantLock lock;
    private final CompletableFuture<O> done = new CompletableFuture<>();
    private final List<PayloadBuffer> held = new ArrayList<>();
    private volatile long nextDeadlineNs = Long.MAX_VALUE;
    private boolean finished;

    /** What a round runs over. */
    interface ChunkLink extends CapabilitySource {
        /** Guards the chunk's session and rounds. */
        ReentrantLock lock();

        NodeConnections nodes();

        RoundTicker ticker();

        /** A request leaves for this node. */
        void onSent(NodeId to);

        /** It was answered, or never will be. */
        void onSettled(NodeId from);

        /** A node did not accept the capability. */
        void onCapabilityRefused(NodeId node, boolean renewable);
    }

    private final class Effects implements RoundEffects<O> {
        /** By node, so that what goes to one leaves together. */
        private final Map<NodeId, List<RegisterRequest>> outgoing = new LinkedHashMap<>(4);

        private @Nullable O outcome;

        @Override
        public void send(NodeId to, RegisterRequest request) {
            outgoing.computeIfAbsent(to, _ -> new ArrayList<>(2)).add(request);
        }

        @Override
        public void finish(O result) {
            outcome = result;
            finished = true;
        }
    }

    private interface Input<O> {
        void to(Round<O> round, RoundEffects<O> effects);
    }

    RoundDriver(ChunkLink chunk, Round<O> round) {
        this.chunk = chunk;
        this.round = round;
        this.lock = chunk.lock();
    }

    /**
     * Completes on whatever thread brought the last answer. Bytes of values live until {@link
     * #release}.
     */
    CompletableFuture<O> start() {
        chunk.ticker().add(this);
        enter((r, out) -> r.start(System.nanoTime(), out));
        return done;
    }

    /** Gives back the frames that values of this round lie in. */
    void release() {
        List<PayloadBuffer> frames;
        lock.lock();
        try {
            finished = true;
            frames = List.copyOf(held);
            held.clear();
        } finally {
            lock.unlock();
        }
        frames.forEach(PayloadBuffer::release);
    }

    @Override
    public void onAnswer(
            NodeId from, RegisterRequest request, SectorAnswer answer, PayloadBuffer frame) {
        chunk.onSettled(from);
        switch (answer) {
            case SectorAnswer.Replied(RegisterReply reply) ->
                    enter(
                            (r, out) -> {
                                if (reply instanceof RegisterReply.Values && !finished) {
                                    held.add(frame.retain());
                                }
                                r.onReply(from, request, reply, System.nanoTime(), out);
                            });
            case SectorAnswer.CapabilityRefused(boolean renewable) -> {
                chunk.onCapabilityRefused(from, renewable);
                enter((r, out) -> r.onFailure(from, request, System.nanoTime(), out));
            }
        }
    }

    @Override
    public void onFailure(NodeId from, RegisterRequest request, String why) {
        chunk.onSettled(from);
        LOG.debug("{} of {} failed: {}", request.getClass().getSimpleName(), request.chunk(), why);
        enter((r, out) -> r.onFailure(from, request, System.nanoTime(), out));
    }

    void onTime(long nowNs) {
        if (nowNs - nextDeadlineNs >= 0) {
            enter((r, out) -> r.onTick(System.nanoTime(), out));
        }
    }

    private void enter(Input<O> input) {
        var effects = new Effects();
        lock.lock();
        try {
            input.to(round, effects);
            nextDeadlineNs = round.nextDeadlineNs();
        } catch (RuntimeException e) {
            LOG.error("a round failed: a bug", e);
            nextDeadlineNs = Long.MAX_VALUE;
            finished = true;
            done.completeExceptionally(e);
        } finally {
            lock.unlock();
        }
        effects.outgoing.forEach(
                (node, requests) -> {
                    requests.forEach(_ -> chunk.onSent(node));
                    chunk.nodes().link(node).send(chunk, requests, this);
                });
        if (finished) {
            chunk.ticker().remove(this);
        }
        O outcome = effects.outcome;
        if (outcome != null) {
            done.complete(outcome);
        }
    }
}

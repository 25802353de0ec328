package org.keelfs.client.quorum;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.ValueRun;
import org.keelfs.replicaset.CatchUp;
import org.keelfs.replicaset.CatchUpOutcome;
import org.keelfs.wire.SectorAnswer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings replicas up to date that missed runs (R5, R7), and gives sectors back to replicas that
 * lost them. In the background; thread-safe.
 */
final class ChunkRepair implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ChunkRepair.class);

    private static final long SWEEP_MS = 1_000;

    /**
     * Catch-ups at once: enough to keep a returned node busy, too few to starve the mount's own
     * work.
     */
    private static final int CATCH_UPS_MAX = 8;

    /**
     * A replica that has answers outstanding is left alone for so long: to repair what is merely
     * late doubles it.
     */
    private static final long LATE_NS = 30_000_000_000L;

    private record Target(OpenChunk chunk, NodeId node) {}

    private record Damage(OpenChunk chunk, SectorRun run, NodeId node) {}

    private final ChunkReader.Context context;
    private final Supplier<List<OpenChunk>> chunks;
    private final Semaphore permits = new Semaphore(CATCH_UPS_MAX);
    private final Set<Target> underWay = ConcurrentHashMap.newKeySet();

    /** Waiting for a permit; made anew by every sweep. */
    private final Queue<Target> due = new ConcurrentLinkedQueue<>();

    private final Set<Damage> beingRepaired = ConcurrentHashMap.newKeySet();

    /** Who was behind at the last sweep, and since when. Guarded by this. */
    private Map<Target, Long> behindSince = Map.of();

    private final ScheduledFuture<?> sweeping;

    ChunkRepair(ChunkReader.Context context, Supplier<List<OpenChunk>> chunks) {
        this.context = context;
        this.chunks = chunks;
        this.sweeping =
                context.timer()
                        .scheduleWithFixedDelay(
                                () -> context.workers().execute(this::sweep),
                                SWEEP_MS,
                                SWEEP_MS,
                                TimeUnit.MILLISECONDS);
    }

    private synchronized void sweep() {
        try {
            long nowNs = System.nanoTime();
            var behind = new HashMap<Target, Long>();
            due.clear();
            for (OpenChunk chunk : chunks.get()) {
                if (chunk.grant().mode() == ChunkGrant.Mode.WRITE && chunk.stale() == 0) {
                    for (NodeId node : behind(chunk)) {
                        var target = new Target(chunk, node);
                        long since = behindSince.getOrDefault(target, nowNs);
                        behind.put(target, since);
                        maybeCatchUp(target, since, nowNs);
                    }
                }
            }
            behindSince = behind;
            startNext();
        } catch (RuntimeException e) {
            LOG.error("looking for replicas that are behind failed", e);
        }
    }

    /** Who does not answer is tried now and then: so its return is noticed. */
    private void maybeCatchUp(Target target, long sinceNs, long nowNs) {
        boolean late = target.chunk.isAwaited(target.node);
        long patienceNs = late ? LATE_NS : isSealed(target.chunk, target.node) ? 1 : 0;
        if (nowNs - sinceNs >= patienceNs) {
            due.add(target);
        }
    }

    private static List<NodeId> behind(OpenChunk chunk) {
        chunk.lock().lock();
        try {
            return chunk.session().behind();
        } finally {
            chunk.lock().unlock();
        }
    }

    private static boolean isSealed(OpenChunk chunk, NodeId node) {
        chunk.lock().lock();
        try {
            return chunk.session().sealed(node);
        } finally {
            chunk.lock().unlock();
        }
    }

    /** Somebody waits for it. */
    void catchUp(OpenChunk chunk) {
        for (NodeId node : behind(chunk)) {
            var target = new Target(chunk, node);
            if (permits.tryAcquire()) {
                catchUp(target);
            }
        }
    }

    private void startNext() {
        while (!due.isEmpty() && permits.tryAcquire()) {
            Target target = due.poll();
            if (target == null) {
                permits.release();
                return;
            }
            catchUp(target);
        }
    }

    /** Holds a permit until it ended. */
    private void catchUp(Target target) {
        OpenChunk chunk = target.chunk;
        NodeId node = target.node;
        if (!underWay.add(target)) {
            permits.release();
            return;
        }
        var round =
                new CatchUp(
                        chunk.session(),
                        node,
                        context.opener().times(context.config().attemptMs()));
        var driver = new RoundDriver<>(chunk, round);
        var _ =
                driver.start()
                        .whenComplete(
                                (outcome, thrown) -> {
                                    driver.release();
                                    underWay.remove(target);
                                    permits.release();
                                    log(chunk, node, outcome, thrown);
                                    startNext();
                                });
    }

    private static void log(
            OpenChunk chunk,
            NodeId node,
            @Nullable CatchUpOutcome outcome,
            @Nullable Throwable thrown) {
        if (thrown != null) {
            LOG.warn("{} of {} cannot catch up: {}", chunk.id(), node, thrown.toString());
        } else {
            LOG.debug("{} at {} catches up: {}", chunk.id(), node, outcome);
        }
    }

    /**
     * Reads the run elsewhere and gives it to the replicas that lost it, with its original
     * timestamps.
     */
    void onDamaged(OpenChunk chunk, SectorRun run, List<NodeId> damaged) {
        for (NodeId node : damaged) {
            var damage = new Damage(chunk, run, node);
            if (!beingRepaired.add(damage)) {
                continue;
            }
            LOG.warn(
                    "{} {} is damaged at {}",
                    chunk.id(),
                    run,
                    context.nodes().describe(List.of(node)));
            var _ =
                    new ChunkReader(context, chunk, run, damaged)
                            .start()
                            .whenComplete(
                                    (values, _) -> {
                                        beingRepaired.remove(damage);
                                        if (values != null) {
                                            giveBack(chunk, node, values);
                                            values.release();
                                        }
                                    });
        }
    }

    private void giveBack(OpenChunk chunk, NodeId node, ChunkIo.ReadValues values) {
        if (values.source().equals(node)) {
            return;
        }
        for (ValueRun value : values.values()) {
            send(chunk, node, value, false);
        }
    }

    /**
     * Values whose tags are right, for replicas whose bytes with the same timestamps were not:
     * damage that a checksum does not show, or a replica that lies.
     */
    void restore(OpenChunk chunk, ChunkIo.ReadValues values, List<NodeId> bad) {
        for (NodeId node : bad) {
            LOG.warn(
                    "{} at {} has bytes that fail their tag: they are replaced",
                    chunk.id(),
                    context.nodes().describe(List.of(node)));
            for (ValueRun value : values.values()) {
                if (!value.isHole()) {
                    send(chunk, node, value, true);
                }
            }
        }
    }

    private void send(OpenChunk chunk, NodeId node, ValueRun value, boolean repair) {
        var write =
                new RegisterRequest.Write(
                        chunk.id(),
                        chunk.epoch(),
                        value.run(),
                        value.timestamp(),
                        value.payload(),
                        repair);
        context.nodes().link(node).send(chunk, List.of(write), new RepairSink());
    }

    /** Only tells: the scrubber of the node takes care of what is left. */
    private static final class RepairSink implements AnswerSink {
        @Override
        public void onAnswer(
                NodeId from, RegisterRequest request, SectorAnswer answer, PayloadBuffer frame) {
            LOG.debug("{} at {} repaired: {}", request.chunk(), from, answer);
        }

        @Override
        public void onFailure(NodeId from, RegisterRequest request, String why) {
            LOG.warn("{} not repaired: {}", request.chunk(), why);
        }
    }

    @Override
    public void close() {
        sweeping.cancel(false);
    }
}

package org.keelfs.client.quorum;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.quorum.ChunkIo.ReadValues;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.register.QuorumLost;
import org.keelfs.register.ReadOutcome;
import org.keelfs.register.ReadPlan;
import org.keelfs.register.ReadRound;
import org.keelfs.register.RoundTimes;
import org.keelfs.register.StaleEpoch;
import org.keelfs.register.StampRun;
import org.keelfs.register.ValueRun;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One read: plans, runs rounds, plans again until it is answered or its time is over. Confined to
 * its futures.
 */
final class ChunkReader {
    private static final Logger LOG = LoggerFactory.getLogger(ChunkReader.class);

    /** Before a new plan when writes are under way or a replica has to catch up. */
    private static final long AGAIN_FIRST_MS = 5;

    private static final long AGAIN_MAX_MS = 250;

    /** Runs read from one replica before the next has its turn. */
    private static final int TURN_SECTORS = 256;

    private final Context context;
    private final SectorRun run;
    private final List<NodeId> avoid;
    private final long deadlineNs;
    private final CompletableFuture<ReadValues> result = new CompletableFuture<>();
    private OpenChunk chunk;
    private long againMs = AGAIN_FIRST_MS;

    /** What a read needs of its surroundings. */
    interface Context {
        ChunkOpener opener();

        NodeConnections nodes();

        QuorumConfig config();

        ScheduledExecutorService timer();

        Executor workers();

        /** Opens the chunk anew: its epoch has passed. */
        CompletableFuture<ChunkIo.Opened> reopen(OpenChunk chunk);

        /** These replicas could not read sectors of theirs. */
        void onDamaged(OpenChunk chunk, SectorRun run, List<NodeId> damaged);

        /** No replica has all of a run: one must catch up. */
        void catchUp(OpenChunk chunk);
    }

    ChunkReader(Context context, OpenChunk chunk, SectorRun run, List<NodeId> avoid) {
        this.context = context;
        this.chunk = chunk;
        this.run = run;
        this.avoid = avoid;
        this.deadlineNs = System.nanoTime() + context.config().operationTimeoutMs() * 1_000_000;
    }

    CompletableFuture<ReadValues> start() {
        attempt();
        return result;
    }

    private void attempt() {
        try {
            switch (plan()) {
                case ReadPlan.Zeros() -> result.complete(empty());
                case ReadPlan.Ask(var parts) when onlyAvoided(parts) -> {
                    context.catchUp(chunk);
                    again("the replicas that have all of it are damaged");
                }
                case ReadPlan.Ask(var parts) -> ask(parts);
                case ReadPlan.Settle(var unsettled) -> settle(unsettled);
                case ReadPlan.NoSource(var part) -> {
                    context.catchUp(chunk);
                    freshOrAgain(List.of(), "no replica has all of " + part);
                }
            }
        } catch (RuntimeException e) {
            result.completeExceptionally(e);
        }
    }

    /** A run in flight is waited for; one that nobody sends any more ends with its epoch. */
    private void settle(List<StampRun> unsettled) {
        freshOrAgain(unsettled, "writes of " + unsettled.getFirst().run() + " are in doubt");
    }

    private void freshOrAgain(List<StampRun> unsettled, String why) {
        if (againMs > AGAIN_FIRST_MS && chunk.needsFreshEpoch(unsettled)) {
            LOG.info("{} gets a fresh epoch: {}", chunk.id(), why);
            chunk.endEpoch();
            againMs = AGAIN_FIRST_MS;
            reopen();
        } else {
            again(why);
        }
    }

    /**
     * Whether some part can only come from who is to be avoided, while a replica is yet to catch
     * up.
     */
    private boolean onlyAvoided(List<ReadPlan.Part> parts) {
        if (avoid.isEmpty() || againMs >= AGAIN_MAX_MS) {
            return false;
        }
        chunk.lock().lock();
        try {
            return !chunk.session().behind().isEmpty()
                    && parts.stream().anyMatch(part -> avoid.containsAll(part.sources()));
        } finally {
            chunk.lock().unlock();
        }
    }

    private HeldValues empty() {
        return new HeldValues(chunk.grant().set().nodes().getFirst(), List.of(), List.of());
    }

    private ReadPlan plan() {
        chunk.lock().lock();
        try {
            return chunk.session().readPlan(run);
        } finally {
            chunk.lock().unlock();
        }
    }

    private void ask(List<ReadPlan.Part> parts) {
        var drivers = new ArrayList<RoundDriver<?>>();
        var outcomes = new ArrayList<CompletableFuture<ReadOutcome>>();
        for (ReadPlan.Part part : parts) {
            var round = new ReadRound(chunk.session(), part.run(), sources(part), times());
            var driver = new RoundDriver<>(chunk, round);
            drivers.add(driver);
            outcomes.add(
                    context.opener().rounds().timed(RoundStatistics.Kind.READ, driver.start()));
        }
        var _ =
                CompletableFuture.allOf(outcomes.toArray(CompletableFuture[]::new))
                        .whenComplete((_, thrown) -> onOutcomes(drivers, outcomes, thrown));
    }

    private RoundTimes times() {
        return chunk.isMajorityLost()
                ? context.opener().times(context.config().hedgeMs(), 2 * context.config().hedgeMs())
                : context.opener().times(context.config().hedgeMs());
    }

    /**
     * Who is to be avoided is asked only where nobody else has it: otherwise its bad bytes would
     * come sooner than the good ones of a replica that is slow.
     */
    private List<NodeId> sources(ReadPlan.Part part) {
        var good = new ArrayList<>(part.sources());
        good.removeAll(avoid);
        return order(
                context.nodes(), chunk.id(), part.run(), good.isEmpty() ? part.sources() : good);
    }

    /** Whom to read a run from: each chunk and each long run begins with another replica. */
    static List<NodeId> order(
            NodeConnections nodes, ChunkId chunk, SectorRun run, List<NodeId> sources) {
        return nodes.order(sources, (int) (chunk.value() + run.first() / TURN_SECTORS));
    }

    private void onOutcomes(
            List<RoundDriver<?>> drivers,
            List<CompletableFuture<ReadOutcome>> outcomes,
            @Nullable Throwable thrown) {
        boolean answered = false;
        try {
            if (thrown != null) {
                result.completeExceptionally(Failures.cause(thrown));
                return;
            }
            answered = judge(drivers, outcomes.stream().map(CompletableFuture::join).toList());
        } catch (RuntimeException e) {
            LOG.error("a read of {} failed: a bug", chunk.id(), e);
            result.completeExceptionally(e);
        } finally {
            if (!answered) {
                drivers.forEach(RoundDriver::release);
            }
        }
    }

    /** Returns whether the values were handed to the caller. */
    private boolean judge(List<RoundDriver<?>> drivers, List<ReadOutcome> outcomes) {
        var values = new ArrayList<ValueRun>();
        NodeId source = chunk.grant().set().nodes().getFirst();
        for (ReadOutcome outcome : outcomes) {
            switch (outcome) {
                case ReadOutcome.Answered(var part, var from, var damaged) -> {
                    source = from;
                    values.addAll(part);
                    context.onDamaged(chunk, run, damaged);
                }
                case ReadOutcome.InDoubt(var unsettled) -> {
                    settle(unsettled);
                    return false;
                }
                case ReadOutcome.NoSource(var damaged) -> {
                    context.onDamaged(chunk, run, damaged);
                    context.catchUp(chunk);
                    again("no replica can read it");
                    return false;
                }
                case StaleEpoch _ -> {
                    reopen();
                    return false;
                }
                case QuorumLost(var silent) -> {
                    chunk.onMajorityLost();
                    fail("no majority; no answer from " + context.nodes().describe(silent));
                    return false;
                }
            }
        }
        return result.complete(new HeldValues(source, values, drivers));
    }

    private void again(String why) {
        if (System.nanoTime() - deadlineNs >= 0) {
            fail(why);
            return;
        }
        var _ =
                context.timer()
                        .schedule(
                                () -> context.workers().execute(this::attempt),
                                againMs,
                                TimeUnit.MILLISECONDS);
        againMs = Math.min(AGAIN_MAX_MS, 2 * againMs);
    }

    private void reopen() {
        if (System.nanoTime() - deadlineNs >= 0) {
            fail("its epoch passes again and again");
            return;
        }
        var _ = context.reopen(chunk).whenComplete(this::onReopened);
    }

    private void onReopened(ChunkIo.@Nullable Opened opened, @Nullable Throwable thrown) {
        if (opened == null) {
            result.completeExceptionally(
                    thrown == null ? new FsException(Errno.EIO) : Failures.cause(thrown));
        } else if (opened.failure() != null) {
            result.completeExceptionally(opened.failure());
        } else if (opened.chunk() instanceof OpenChunk next && next.id().equals(chunk.id())) {
            chunk = next;
            attempt();
        } else {
            fail("it was replaced while it was read");
        }
    }

    private void fail(String why) {
        if (context.nodes().mayWarn()) {
            LOG.warn("{} {} cannot be read: {}", chunk.id(), run, why);
        }
        result.completeExceptionally(
                new FsException(Errno.EIO, chunk.id() + " " + run + " cannot be read: " + why));
    }
}

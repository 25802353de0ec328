package org.keelfs.client.quorum;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.quorum.ChunkIo.ReadValues;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.PayloadSource;
import org.keelfs.register.QuorumLost;
import org.keelfs.register.ReadOutcome;
import org.keelfs.register.RoundTimes;
import org.keelfs.register.SharedReadRound;
import org.keelfs.register.SharedWriteRound;
import org.keelfs.register.StaleEpoch;
import org.keelfs.register.WriteOutcome;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the rounds of SHARED mode (rule R8) for {@link ChunkClients}. Thread-safe; never blocks. */
final class SharedRounds {
    private static final Logger LOG = LoggerFactory.getLogger(SharedRounds.class);

    /** Before a chunk is asked for again that is not in an epoch of SHARED mode yet. */
    private static final long AGAIN_MS = 5;

    private final ChunkReader.Context context;

    SharedRounds(ChunkReader.Context context) {
        this.context = context;
    }

    private RoundTimes times(long attemptMs) {
        return context.opener().times(attemptMs);
    }

    private static boolean isUsable(OpenChunk chunk) {
        return chunk.grant().mode() == ChunkGrant.Mode.SHARED && chunk.stale() == 0;
    }

    // ---- reading ----

    CompletableFuture<ReadValues> read(OpenChunk chunk, SectorRun run, List<NodeId> avoid) {
        long deadlineNs = System.nanoTime() + context.config().operationTimeoutMs() * 1_000_000;
        return readUntil(chunk, run, avoid, deadlineNs);
    }

    private CompletableFuture<ReadValues> readUntil(
            OpenChunk chunk, SectorRun run, List<NodeId> avoid, long deadlineNs) {
        if (!isUsable(chunk)) {
            return reopen(chunk, deadlineNs)
                    .thenCompose(next -> readUntil(next, run, avoid, deadlineNs));
        }
        var order = new ArrayList<>(context.nodes().order(chunk.grant().set().nodes(), 0));
        order.sort(Comparator.comparing(avoid::contains));
        var round =
                new SharedReadRound(chunk.session(), run, order, times(context.config().hedgeMs()));
        var driver = new RoundDriver<>(chunk, round);
        return driver.start()
                .thenCompose(outcome -> onRead(chunk, run, avoid, deadlineNs, driver, outcome));
    }

    private CompletableFuture<ReadValues> onRead(
            OpenChunk chunk,
            SectorRun run,
            List<NodeId> avoid,
            long deadlineNs,
            RoundDriver<ReadOutcome> driver,
            ReadOutcome outcome) {
        if (outcome instanceof ReadOutcome.Answered(var values, var source, var damaged)) {
            context.onDamaged(chunk, run, damaged);
            return CompletableFuture.completedFuture(
                    new HeldValues(source, values, List.of(driver)));
        }
        driver.release();
        if (outcome instanceof StaleEpoch) {
            return readUntil(chunk, run, avoid, deadlineNs);
        }
        String why =
                outcome instanceof QuorumLost(var silent)
                        ? "no answer from " + context.nodes().describe(silent)
                        : outcome.toString();
        if (context.nodes().mayWarn()) {
            LOG.warn("{} {} cannot be read: {}", chunk.id(), run, why);
        }
        return CompletableFuture.failedFuture(
                new FsException(Errno.EIO, chunk.id() + " " + run + " cannot be read: " + why));
    }

    // ---- writing ----

    /**
     * One write. Whatever it fails with but {@link StaleChunkException}, it may or may not be
     * there; after that nothing was sent.
     */
    CompletableFuture<Integer> write(OpenChunk chunk, SectorRun run, PayloadSource source) {
        if (!isUsable(chunk)) {
            return CompletableFuture.failedFuture(
                    new StaleChunkException(chunk.id(), chunk.epoch()));
        }
        var round =
                new SharedWriteRound(
                        chunk.session(), run, source, times(context.config().attemptMs()));
        return new RoundDriver<>(chunk, round)
                .start()
                .thenApply(outcome -> delta(chunk, run, outcome));
    }

    private int delta(OpenChunk chunk, SectorRun run, WriteOutcome outcome) {
        return switch (outcome) {
            case WriteOutcome.Stored stored -> stored.allocatedDelta();
            case WriteOutcome.NoSpace(var full) ->
                    throw new FsException(
                            Errno.ENOSPC,
                            "no room for " + chunk.id() + " at " + context.nodes().describe(full));
            case StaleEpoch(long promised) ->
                    throw new FsException(
                            Errno.EIO,
                            chunk.id() + ": epoch " + chunk.epoch() + " ended by " + promised);
            case QuorumLost(var silent) -> {
                String names = context.nodes().describe(silent);
                if (context.nodes().mayWarn()) {
                    LOG.warn("{} {} not stored: no majority, waits for {}", chunk.id(), run, names);
                }
                throw new FsException(
                        Errno.EIO,
                        chunk.id() + " has no majority for a write; no answer from " + names);
            }
        };
    }

    // ---- a chunk that is not usable ----

    /** Asks for the chunk anew; it exists. */
    CompletableFuture<OpenChunk> reopen(OpenChunk chunk, long deadlineNs) {
        if (System.nanoTime() - deadlineNs >= 0) {
            return CompletableFuture.failedFuture(
                    new FsException(Errno.EIO, chunk.id() + " is in no epoch of SHARED mode"));
        }
        var after =
                CompletableFuture.delayedExecutor(
                        AGAIN_MS, TimeUnit.MILLISECONDS, context.workers());
        return CompletableFuture.runAsync(() -> {}, after)
                .thenCompose(_ -> context.reopen(chunk))
                .thenApply(opened -> existing(chunk, opened));
    }

    private static OpenChunk existing(OpenChunk before, ChunkIo.@Nullable Opened opened) {
        if (opened != null && opened.failure() != null) {
            throw opened.failure();
        }
        if (opened != null && opened.chunk() instanceof OpenChunk next) {
            return next;
        }
        throw new FsException(Errno.ESTALE, before.id() + " is gone");
    }
}

package org.keelfs.client.quorum;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.client.quorum.ChunkState.Place;
import org.keelfs.model.InodeId;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.HintOutcome;
import org.keelfs.register.HintRound;
import org.keelfs.register.PayloadSource;
import org.keelfs.register.QuorumLost;
import org.keelfs.register.ReadPlan;
import org.keelfs.register.StaleEpoch;
import org.keelfs.register.StampRun;
import org.keelfs.register.WriteOutcome;
import org.keelfs.register.WriteRound;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@link ChunkIo} over storage nodes: knows the chunks of this mount and drives the rounds of the
 * register protocol for them. Thread-safe; never blocks.
 */
public final class ChunkClients implements ChunkIo, ChunkReader.Context, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ChunkClients.class);

    private final Layouts layouts;
    private final NodeConnections nodes;
    private final QuorumConfig config;
    private final ScheduledExecutorService timer;
    private final Executor workers;
    private final RoundTicker ticker;
    private final ChunkOpener opener;
    private final ChunkRepair repair;
    private final SharedRounds shared = new SharedRounds(this);

    /**
     * Chunks kept open: some 2.5 kB of heap each. Beyond it those not used lately are forgotten;
     * one that was written gets a fresh epoch when it is used again.
     */
    private static final int OPEN_MAX = 16_384;

    /** Before it is looked again who has a sector that is being written. */
    private static final long STAMPS_AGAIN_MS = 2;

    private static final long BOUND_MS = 1_000;

    /** What was used within so long is not forgotten: operations may be about to begin. */
    private static final long IDLE_NS = 2_000_000_000L;

    private final ScheduledFuture<?> bounding;

    /** Chunks by file, so that forgetting a file costs what it has. */
    private final Map<InodeId, Map<Long, ChunkState>> files = new ConcurrentHashMap<>();

    /** Starts ticking. */
    public ChunkClients(
            QuorumConfig config,
            Layouts layouts,
            NodeConnections nodes,
            ScheduledExecutorService timer,
            Executor workers) {
        this.config = config;
        this.layouts = layouts;
        this.nodes = nodes;
        this.timer = timer;
        this.workers = workers;
        this.ticker = new RoundTicker(timer);
        this.opener = new ChunkOpener(layouts, nodes, ticker, config, timer);
        this.repair = new ChunkRepair(this, this::openChunks);
        this.bounding =
                timer.scheduleWithFixedDelay(
                        () -> workers.execute(this::bound),
                        BOUND_MS,
                        BOUND_MS,
                        TimeUnit.MILLISECONDS);
    }

    @Override
    public ChunkOpener opener() {
        return opener;
    }

    @Override
    public NodeConnections nodes() {
        return nodes;
    }

    @Override
    public QuorumConfig config() {
        return config;
    }

    @Override
    public ScheduledExecutorService timer() {
        return timer;
    }

    @Override
    public Executor workers() {
        return workers;
    }

    /** Rounds of this mount, for metrics. */
    public RoundStatistics rounds() {
        return opener.rounds();
    }

    private ChunkState state(InodeId inode, long index) {
        var found = new AtomicReference<ChunkState>();
        files.compute(
                inode,
                (_, known) -> {
                    var file = known == null ? new ConcurrentHashMap<Long, ChunkState>(1) : known;
                    found.set(
                            file.computeIfAbsent(index, i -> new ChunkState(new Place(inode, i))));
                    return file;
                });
        return found.get();
    }

    private List<OpenChunk> openChunks() {
        var chunks = new ArrayList<OpenChunk>();
        files.values().forEach(file -> addOpen(file, chunks));
        return chunks;
    }

    /** Forgets the chunks used longest ago when there are too many. */
    private void bound() {
        List<OpenChunk> open = openChunks();
        int surplus = open.size() - OPEN_MAX;
        if (surplus <= 0) {
            return;
        }
        long sinceNs = System.nanoTime() - IDLE_NS;
        record Used(OpenChunk chunk, long atNs) {}
        var used = new ArrayList<Used>(open.size());
        open.forEach(chunk -> used.add(new Used(chunk, chunk.usedNs())));
        used.sort((a, b) -> Long.compare(a.atNs - sinceNs, b.atNs - sinceNs));
        int left = surplus + OPEN_MAX / 8;
        for (int i = 0; i < used.size() && left > 0 && used.get(i).atNs - sinceNs < 0; i++) {
            OpenChunk chunk = used.get(i).chunk;
            if (chunk.isIdle(sinceNs)) {
                drop(chunk);
                left--;
            }
        }
    }

    private void drop(OpenChunk chunk) {
        files.computeIfPresent(
                chunk.inode(),
                (_, file) -> {
                    ChunkState state = file.get(chunk.index());
                    if (state != null && chunk.equals(state.open())) {
                        file.remove(chunk.index());
                    }
                    return file.isEmpty() ? null : file;
                });
    }

    private static void addOpen(Map<Long, ChunkState> file, List<OpenChunk> chunks) {
        for (ChunkState state : file.values()) {
            OpenChunk open = state.open();
            if (open != null) {
                chunks.add(open);
            }
        }
    }

    private List<OpenChunk> openChunks(InodeId inode) {
        var chunks = new ArrayList<OpenChunk>();
        addOpen(files.getOrDefault(inode, Map.of()), chunks);
        return chunks;
    }

    @Override
    public @Nullable Opened known(InodeId inode, long chunkIndex, Use use) {
        Map<Long, ChunkState> file = files.get(inode);
        ChunkState state = file == null ? null : file.get(chunkIndex);
        return state == null ? null : state.usable(false, use, layouts.mayRewrite(inode));
    }

    @Override
    public CompletableFuture<List<Opened>> open(List<Want> wants) {
        List<ChunkState> states =
                wants.stream().map(want -> state(want.inode(), want.chunkIndex())).toList();
        var opened = opener.open(states, wants);
        return CompletableFuture.allOf(opened.toArray(CompletableFuture[]::new))
                .thenApply(_ -> opened.stream().map(CompletableFuture::join).toList());
    }

    @Override
    public CompletableFuture<OpenedRead> openAndRead(
            InodeId inode, long chunkIndex, SectorRun run) {
        var early = new EarlyRead(run);
        return opener.open(state(inode, chunkIndex), Want.of(inode, chunkIndex, Use.READ), early)
                .thenCompose(opened -> readOpened(opened, early));
    }

    private CompletableFuture<OpenedRead> readOpened(Opened opened, EarlyRead early) {
        Chunk chunk = opened.chunk();
        ReadValues brought = early.take();
        if (chunk != null && brought != null) {
            return CompletableFuture.completedFuture(new OpenedRead(chunk, brought));
        }
        if (brought != null) {
            brought.release();
        }
        if (opened.failure() != null) {
            return CompletableFuture.failedFuture(opened.failure());
        }
        return chunk == null
                ? CompletableFuture.completedFuture(new OpenedRead(null, null))
                : read(chunk, early.run(), List.of()).thenApply(v -> new OpenedRead(chunk, v));
    }

    @Override
    public CompletableFuture<List<Long>> find(InodeId inode, long fromIndex, int limit) {
        return opener.find(inode, fromIndex, limit);
    }

    @Override
    public CompletableFuture<Opened> reopen(OpenChunk chunk) {
        return open(List.of(Want.of(chunk.inode(), chunk.index(), Use.READ)))
                .thenApply(List::getFirst);
    }

    @Override
    public Timestamp nextTimestamp(Chunk chunk) {
        return ((OpenChunk) chunk).session().nextTimestamp();
    }

    @Override
    public CompletableFuture<Integer> write(
            Chunk chunk, SectorRun run, Timestamp timestamp, @Nullable PayloadBuffer payload) {
        var open = (OpenChunk) chunk;
        try {
            if (open.stale() != 0 || open.grant().mode() != ChunkGrant.Mode.WRITE) {
                throw stale(open);
            }
            var round =
                    new WriteRound(
                            open.session(),
                            run,
                            timestamp,
                            payload,
                            opener.times(config.attemptMs()));
            var driver = new RoundDriver<>(open, round);
            open.onWriting(run, payload != null);
            return opener.rounds()
                    .timed(RoundStatistics.Kind.WRITE, driver.start())
                    .whenComplete(
                            (_, _) -> {
                                open.onWritten(run);
                                if (payload != null) {
                                    payload.release();
                                }
                            })
                    .thenApply(outcome -> delta(open, run, outcome));
        } catch (RuntimeException e) {
            if (payload != null) {
                payload.release();
            }
            return CompletableFuture.failedFuture(e);
        }
    }

    private int delta(OpenChunk chunk, SectorRun run, WriteOutcome outcome) {
        return switch (outcome) {
            case WriteOutcome.Stored stored -> stored.allocatedDelta();
            case WriteOutcome.NoSpace(var full) ->
                    throw new FsException(
                            Errno.ENOSPC,
                            "no room for " + chunk.id() + " at " + nodes.describe(full));
            case StaleEpoch _ -> throw stale(chunk);
            case QuorumLost(var silent) -> {
                String names = nodes.describe(silent);
                if (nodes.mayWarn()) {
                    LOG.warn("{} {} not stored: no majority, waits for {}", chunk.id(), run, names);
                }
                throw new FsException(
                        Errno.EIO,
                        chunk.id() + " has no majority for a write; no answer from " + names);
            }
        };
    }

    /** R6: only who still holds the lease may write the bytes again. */
    private RuntimeException stale(OpenChunk chunk) {
        return !chunk.isForgotten() && layouts.mayRewrite(chunk.inode())
                ? new StaleChunkException(chunk.id(), chunk.epoch())
                : new FsException(
                        Errno.EIO,
                        "epoch "
                                + chunk.epoch()
                                + " of "
                                + chunk.id()
                                + " has passed and the lease is gone");
    }

    @Override
    public CompletableFuture<ReadValues> read(Chunk chunk, SectorRun run, List<NodeId> avoid) {
        return new ChunkReader(this, (OpenChunk) chunk, run, avoid).start();
    }

    @Override
    public CompletableFuture<ReadValues> sharedRead(
            Chunk chunk, SectorRun run, List<NodeId> avoid) {
        return shared.read((OpenChunk) chunk, run, avoid);
    }

    @Override
    public CompletableFuture<Integer> sharedWrite(
            Chunk chunk, SectorRun run, PayloadSource source) {
        return shared.write((OpenChunk) chunk, run, source);
    }

    @Override
    public CompletableFuture<List<StampRun>> stamps(Chunk chunk, SectorRun range) {
        long deadlineNs = System.nanoTime() + config.operationTimeoutMs() * 1_000_000;
        return stampsUntil(chunk, range, deadlineNs);
    }

    private CompletableFuture<List<StampRun>> stampsUntil(
            Chunk chunk, SectorRun range, long deadlineNs) {
        var open = (OpenChunk) chunk;
        ReadPlan plan;
        open.lock().lock();
        try {
            plan = open.session().sourcesOf(range);
        } finally {
            open.lock().unlock();
        }
        if (plan instanceof ReadPlan.Ask(var parts) && parts.size() > 1) {
            return stampsOfParts(chunk, parts, deadlineNs);
        }
        boolean waits = plan instanceof ReadPlan.NoSource && open.stale() == 0;
        if (waits && open.needsFreshEpoch(List.of())) {
            open.endEpoch();
            return stampsReopened(open, range);
        }
        if (waits && System.nanoTime() - deadlineNs < 0) {
            // What is on its way counts as missed by all until it is answered.
            var later =
                    CompletableFuture.delayedExecutor(
                            STAMPS_AGAIN_MS, TimeUnit.MILLISECONDS, workers);
            return CompletableFuture.runAsync(() -> {}, later)
                    .thenCompose(_ -> stampsUntil(chunk, range, deadlineNs));
        }
        List<NodeId> sources =
                plan instanceof ReadPlan.Ask(var whole) && !whole.isEmpty()
                        ? whole.getFirst().sources()
                        : List.of();
        var round =
                new StampsRound(
                        open.session(),
                        range,
                        nodes.order(sources, 0),
                        opener.times(config.hedgeMs()));
        return new RoundDriver<>(open, round)
                .start()
                .thenCompose(outcome -> stampsOf(open, range, outcome));
    }

    /** Each replica missed something else: what they have in full, one after another. */
    private CompletableFuture<List<StampRun>> stampsOfParts(
            Chunk chunk, List<ReadPlan.Part> parts, long deadlineNs) {
        CompletableFuture<List<StampRun>> all =
                CompletableFuture.completedFuture(new ArrayList<>());
        for (ReadPlan.Part part : parts) {
            all =
                    all.thenCombine(
                            stampsUntil(chunk, part.run(), deadlineNs),
                            (known, more) -> {
                                known.addAll(more);
                                return known;
                            });
        }
        return all;
    }

    private CompletableFuture<List<StampRun>> stampsOf(
            OpenChunk chunk, SectorRun range, StampsRound.Outcome outcome) {
        if (outcome.stamps() != null) {
            return CompletableFuture.completedFuture(outcome.stamps());
        }
        if (outcome.promised() == 0) {
            return CompletableFuture.failedFuture(
                    new FsException(
                            Errno.EIO,
                            "map of " + chunk.id() + ": " + nodes.describe(outcome.silent())));
        }
        return stampsReopened(chunk, range);
    }

    private CompletableFuture<List<StampRun>> stampsReopened(OpenChunk chunk, SectorRun range) {
        return reopen(chunk)
                .thenCompose(
                        opened ->
                                opened.failure() != null
                                        ? CompletableFuture.failedFuture(opened.failure())
                                        : opened.chunk() == null
                                                ? CompletableFuture.completedFuture(List.of())
                                                : stamps(opened.chunk(), range));
    }

    @Override
    public void restore(Chunk chunk, ReadValues values, List<NodeId> bad) {
        repair.restore((OpenChunk) chunk, values, bad);
    }

    @Override
    public void onDamaged(OpenChunk chunk, SectorRun run, List<NodeId> damaged) {
        repair.onDamaged(chunk, run, damaged);
    }

    @Override
    public void catchUp(OpenChunk chunk) {
        repair.catchUp(chunk);
    }

    @Override
    public void forgetChunks(InodeId inode, long first, long end) {
        Map<Long, ChunkState> file = files.get(inode);
        if (file != null) {
            file.keySet().removeIf(index -> index >= first && index < end);
        }
    }

    @Override
    public void forget(InodeId inode) {
        var file = files.remove(inode);
        if (file != null) {
            file.values().forEach(ChunkState::forget);
        }
    }

    @Override
    public CompletableFuture<List<CleanChunk>> handOver(InodeId inode) {
        var rounds = new ArrayList<CompletableFuture<@Nullable CleanChunk>>();
        for (OpenChunk chunk : openChunks(inode)) {
            if (chunk.grant().mode() == ChunkGrant.Mode.WRITE && chunk.stale() == 0) {
                rounds.add(hint(chunk));
            }
        }
        return CompletableFuture.allOf(rounds.toArray(CompletableFuture[]::new))
                .thenApply(_ -> given(rounds));
    }

    private CompletableFuture<@Nullable CleanChunk> hint(OpenChunk chunk) {
        HintRound round;
        chunk.lock().lock();
        try {
            round = new HintRound(chunk.session(), opener.times(config.hedgeMs()));
        } finally {
            chunk.lock().unlock();
        }
        return new RoundDriver<>(chunk, round)
                .start()
                .thenApply(
                        outcome ->
                                outcome instanceof HintOutcome.Given(var hint)
                                        ? new CleanChunk(chunk.id(), hint)
                                        : null);
    }

    private static List<CleanChunk> given(List<CompletableFuture<@Nullable CleanChunk>> rounds) {
        var given = new ArrayList<CleanChunk>();
        for (var round : rounds) {
            CleanChunk chunk = round.join();
            if (chunk != null) {
                given.add(chunk);
            }
        }
        return given;
    }

    @Override
    public boolean isInDoubt(InodeId inode) {
        for (OpenChunk chunk : openChunks(inode)) {
            chunk.lock().lock();
            try {
                if (chunk.session().inDoubt()) {
                    return true;
                }
            } finally {
                chunk.lock().unlock();
            }
        }
        return false;
    }

    @Override
    public void close() {
        bounding.cancel(false);
        repair.close();
        ticker.close();
        nodes.close();
    }
}

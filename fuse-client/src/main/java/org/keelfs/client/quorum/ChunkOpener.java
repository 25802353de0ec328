package org.keelfs.client.quorum;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.quorum.ChunkIo.Opened;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.model.SessionId;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.CounterSource;
import org.keelfs.register.Hint;
import org.keelfs.register.QuorumLost;
import org.keelfs.register.ReadOutcome;
import org.keelfs.register.RoundTimes;
import org.keelfs.register.SealOutcome;
import org.keelfs.register.SealRound;
import org.keelfs.register.StaleEpoch;
import org.keelfs.wire.RegisterCodec;
import org.keelfs.wire.proto.MetadataProto.Layout;
import org.keelfs.wire.proto.MetadataProto.LayoutWant;
import org.keelfs.wire.proto.MetadataProto.Replica;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens chunks: layout, then the seal if this session is the sealer (R3), then the report that
 * makes it OPEN (R1). Thread-safe; never blocks.
 */
final class ChunkOpener {
    private static final Logger LOG = LoggerFactory.getLogger(ChunkOpener.class);

    /** Another session seals: its round takes a few round trips. */
    private static final long WAIT_MS = 20;

    private final OpenChunk.Shared shared;
    private final Layouts layouts;
    private final QuorumConfig config;
    private final ScheduledExecutorService timer;
    private final CounterSource counters;
    private final RoundStatistics rounds = new RoundStatistics();
    private final Set<OpenChunk> renewing = ConcurrentHashMap.newKeySet();

    /**
     * Epochs in which this session began a seal that was not accepted yet: never a second one in
     * them (R3).
     */
    private final Map<ChunkId, Long> sealsBegun = new ConcurrentHashMap<>();

    /**
     * One chunk on its way to OPEN.
     *
     * @param offeredKey for one that is made by this; null: do not make it
     * @param early a read that rides along
     */
    private record Opening(
            ChunkState state,
            ChunkIo.Use use,
            byte @Nullable [] offeredKey,
            @Nullable EarlyRead early,
            CompletableFuture<Opened> result,
            long deadlineNs) {
        boolean isOver() {
            return System.nanoTime() - deadlineNs >= 0;
        }
    }

    ChunkOpener(
            Layouts layouts,
            NodeConnections nodes,
            RoundTicker ticker,
            QuorumConfig config,
            ScheduledExecutorService timer) {
        this.layouts = layouts;
        this.config = config;
        this.timer = timer;
        this.shared = new OpenChunk.Shared(layouts, nodes, ticker, config, this::renew);
        this.counters = layouts::nextCounterAbove;
    }

    RoundStatistics rounds() {
        return rounds;
    }

    RoundTimes times(long attemptMs) {
        return times(attemptMs, config.operationTimeoutMs());
    }

    RoundTimes times(long attemptMs, long timeoutMs) {
        long nowNs = System.nanoTime();
        return new RoundTimes(attemptMs * 1_000_000, nowNs + timeoutMs * 1_000_000);
    }

    /** Opens states that are not usable, in one call for those that nobody else is opening. */
    List<CompletableFuture<Opened>> open(List<ChunkState> states, List<ChunkIo.Want> wants) {
        var results = new ArrayList<CompletableFuture<Opened>>();
        var asked = new ArrayList<Opening>();
        for (int i = 0; i < states.size(); i++) {
            results.add(join(states.get(i), wants.get(i), null, asked));
        }
        if (!asked.isEmpty()) {
            ask(asked, 0);
        }
        return results;
    }

    /** The same for one, with a read that rides along if it is this call that opens it. */
    CompletableFuture<Opened> open(ChunkState state, ChunkIo.Want want, EarlyRead early) {
        var asked = new ArrayList<Opening>(1);
        var result = join(state, want, early, asked);
        if (!asked.isEmpty()) {
            ask(asked, 0);
        }
        return result;
    }

    private CompletableFuture<Opened> join(
            ChunkState state, ChunkIo.Want want, @Nullable EarlyRead early, List<Opening> asked) {
        byte[] key = want.wrappedKey();
        boolean create = key != null;
        Opened known = state.usable(create, want.use(), layouts.mayRewrite(state.place.inode()));
        if (known != null) {
            return CompletableFuture.completedFuture(known);
        }
        var mine = new CompletableFuture<Opened>();
        var others = state.join(create, want.use(), mine);
        if (others != null) {
            return others;
        }
        long deadlineNs = System.nanoTime() + config.operationTimeoutMs() * 1_000_000;
        asked.add(new Opening(state, want.use(), key, early, mine, deadlineNs));
        return mine;
    }

    /**
     * @param ended the epoch that no layout may go on in, 0 for none: a fresh one is drawn only if
     *     that is still the current one, as another session may be at work in the next already
     */
    private void ask(List<Opening> openings, long ended) {
        List<LayoutWant> wants = openings.stream().map(o -> want(o, ended)).toList();
        var _ =
                layouts.layouts(wants)
                        .whenComplete(
                                (answers, thrown) -> {
                                    for (int i = 0; i < openings.size(); i++) {
                                        Opening opening = openings.get(i);
                                        Layout layout = answers == null ? null : answers.get(i);
                                        guard(opening, () -> onLayout(opening, layout, thrown));
                                    }
                                });
    }

    /** A bug in here must not leave anybody waiting. */
    private void guard(Opening opening, Runnable step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            if (!(e instanceof FsException)) {
                LOG.error("opening {} failed: a bug", opening.state.place, e);
            }
            fail(opening, e);
        }
    }

    private LayoutWant want(Opening opening, long ended) {
        var want =
                LayoutWant.newBuilder()
                        .setInode(opening.state.place.inode().value())
                        .setChunkIndex(opening.state.place.index())
                        .setWrite(opening.offeredKey != null)
                        .setChange(opening.use == ChunkIo.Use.CHANGE)
                        .setFreeze(opening.use == ChunkIo.Use.FREEZE)
                        .setKnownEpoch(ended)
                        .setNewEpoch(ended != 0);
        if (opening.offeredKey != null) {
            want.setWrappedKey(ByteString.copyFrom(opening.offeredKey));
        }
        return want.build();
    }

    private void onLayout(Opening opening, @Nullable Layout layout, @Nullable Throwable thrown) {
        if (layout == null) {
            fail(opening, thrown == null ? new FsException(Errno.EIO, "no layout") : thrown);
        } else if (layout.getErrno() == Errno.EAGAIN.number()) {
            again(opening, "another session seals it", 0);
        } else if (layout.getErrno() == Errno.ENOLCK.number() && isLeased(opening)) {
            // Whoever asked did so under an earlier lease, and others, under this one, have joined.
            again(opening, "the lease came after it was asked for", 0);
        } else if (layout.getErrno() != 0) {
            fail(opening, refused(layout, "no layout of " + opening.state.place));
        } else if (layout.getAbsent()) {
            // Where others write too it may be there the next moment.
            opening.state.answered(opening.result, Opened.ABSENT, !layout.getShared());
        } else {
            onChunk(opening, layout);
        }
    }

    private boolean isLeased(Opening opening) {
        return layouts.isLeased(opening.state.place.inode(), opening.offeredKey != null);
    }

    /** ENOLCK: the lease under which it was asked for is gone by now. */
    private static FsException refused(Layout layout, String message) {
        boolean unleased = layout.getErrno() == Errno.ENOLCK.number();
        return new FsException(unleased ? Errno.EIO : Errno.of(layout.getErrno()), message);
    }

    /** See {@link ChunkIo#find}. */
    CompletableFuture<List<Long>> find(InodeId inode, long fromIndex, int limit) {
        var want =
                LayoutWant.newBuilder()
                        .setInode(inode.value())
                        .setChunkIndex(fromIndex)
                        .setFind(limit)
                        .build();
        return layouts.layouts(List.of(want))
                .thenApply(
                        answers -> {
                            Layout answer = answers.getFirst();
                            if (answer.getErrno() != 0) {
                                throw refused(answer, "no map of " + inode);
                            }
                            return answer.getFoundList();
                        });
    }

    private void onChunk(Opening opening, Layout layout) {
        layout.getReplicasList().forEach(shared.nodes()::learn);
        OpenChunk known = opening.state.open();
        ChunkGrant grant = grant(layout);
        if (known != null && known.grant().equals(grant) && known.stale() == 0) {
            known.renew(layout);
            opening.state.answered(opening.result, new Opened(known, null));
            return;
        }
        if (known != null
                && known.id().equals(grant.chunk())
                && Long.compareUnsigned(grant.epoch(), known.stale()) < 0) {
            again(opening, "a newer epoch than the layout's is promised", grant.epoch());
            return;
        }
        var chunk = new OpenChunk(shared, layout, grant);
        if (isCreatedHere(opening, layout)) {
            chunk.open(ChunkSession.created(grant, counters));
            opening.state.answered(opening.result, new Opened(chunk, null));
        } else if (!layout.getOpen()) {
            seal(opening, chunk, layout);
        } else if (grant.mode() == ChunkGrant.Mode.WRITE) {
            // Who writes in an epoch must know all that was written in it; this session does not
            // any more.
            again(opening, "this session lost what it knew of the epoch", grant.epoch());
        } else {
            chunk.open(ChunkSession.joined(grant, counters));
            opening.state.answered(opening.result, new Opened(chunk, null));
        }
    }

    /** The offered key is random: a chunk that bears it was created by this very call. */
    private static boolean isCreatedHere(Opening opening, Layout layout) {
        return opening.offeredKey != null
                && layout.getCreatedEpoch() == layout.getEpoch()
                && layout.getWrappedKey().equals(ByteString.copyFrom(opening.offeredKey));
    }

    private ChunkGrant grant(Layout layout) {
        var nodes = new ArrayList<NodeId>();
        for (Replica replica : layout.getReplicasList()) {
            nodes.add(new NodeId(replica.getNode()));
        }
        // As the server decided: the lease may have become WRITE while the answer was on its way.
        var mode = layout.getWritable() ? ChunkGrant.Mode.WRITE : ChunkGrant.Mode.READ;
        return new ChunkGrant(
                new ChunkId(layout.getChunk()),
                layout.getEpoch(),
                new ReplicaSet(nodes),
                new SectorRun(0, config.chunkSectors()),
                layout.getShared() ? ChunkGrant.Mode.SHARED : mode,
                new SessionId(layouts.session()));
    }

    private void seal(Opening opening, OpenChunk chunk, Layout layout) {
        Long begun = sealsBegun.put(chunk.id(), chunk.epoch());
        if (begun != null && begun >= chunk.epoch()) {
            again(opening, "a seal in this epoch did not come to an end", chunk.epoch());
            return;
        }
        Hint hint = layout.hasHint() ? RegisterCodec.decode(layout.getHint()) : null;
        var round =
                new SealRound(
                        chunk.grant(),
                        chunk.grant().set(),
                        hint,
                        times(config.attemptMs()),
                        layout.getCopy());
        letRide(opening, chunk, round);
        var driver = new RoundDriver<>(chunk, round);
        var _ =
                rounds.timed(RoundStatistics.Kind.SEAL, driver.start())
                        .whenComplete(
                                (outcome, thrown) -> {
                                    bringOrRelease(opening, driver, outcome);
                                    guard(opening, () -> onSeal(opening, chunk, outcome, thrown));
                                });
    }

    private void letRide(Opening opening, OpenChunk chunk, SealRound round) {
        EarlyRead early = opening.early;
        if (early != null && chunk.grant().mode() != ChunkGrant.Mode.SHARED) {
            var members = chunk.grant().set().nodes();
            round.letRide(
                    early.run(),
                    ChunkReader.order(shared.nodes(), chunk.id(), early.run(), members));
        }
    }

    private static void bringOrRelease(
            Opening opening, RoundDriver<SealOutcome> driver, @Nullable SealOutcome outcome) {
        EarlyRead early = opening.early;
        if (early != null
                && outcome instanceof SealOutcome.Opened opened
                && opened.read() instanceof ReadOutcome.Answered(var values, var source, _)) {
            early.bring(new HeldValues(source, values, List.of(driver)));
        } else {
            driver.release();
        }
    }

    private void onSeal(
            Opening opening,
            OpenChunk chunk,
            @Nullable SealOutcome outcome,
            @Nullable Throwable thrown) {
        if (outcome == null) {
            fail(opening, thrown == null ? new FsException(Errno.EIO) : thrown);
            return;
        }
        switch (outcome) {
            case SealOutcome.Opened opened -> {
                // A majority is sealed, so it is OPEN (R1), and this session is who knows it. The
                // others wait
                // for the report, and a server that does not get it draws another epoch (R3).
                chunk.open(ChunkSession.opened(chunk.grant(), opened, counters));
                var reported = report(chunk);
                if (needsReport(opening, chunk)) {
                    var _ = reported.thenAccept(well -> onReported(opening, chunk, well));
                } else {
                    opening.state.answered(opening.result, new Opened(chunk, null));
                }
            }
            case SealOutcome.LostSealerState _ ->
                    again(opening, "its sealer state is lost", chunk.epoch());
            case StaleEpoch(long promised) ->
                    again(opening, "epoch " + promised + " is promised", chunk.epoch());
            case QuorumLost(var silent) -> {
                String nodes = shared.nodes().describe(silent);
                LOG.warn("{} cannot be opened: no majority, waited for {}", chunk.id(), nodes);
                fail(
                        opening,
                        new FsException(
                                Errno.EIO,
                                chunk.id() + " has no majority; no answer from " + nodes));
            }
        }
    }

    /**
     * A write of sharers could not be done again if the epoch ended under it, and the server clones
     * only what it knows to be OPEN.
     */
    private static boolean needsReport(Opening opening, OpenChunk chunk) {
        return chunk.grant().mode() == ChunkGrant.Mode.SHARED || opening.use == ChunkIo.Use.FREEZE;
    }

    private void onReported(Opening opening, OpenChunk chunk, boolean accepted) {
        if (accepted) {
            opening.state.answered(opening.result, new Opened(chunk, null));
        } else {
            again(opening, "its epoch went by while it was sealed", 0);
        }
    }

    /** Tells the server; whether the epoch goes on. Never completes exceptionally. */
    private CompletableFuture<Boolean> report(OpenChunk chunk) {
        return layouts.sealed(chunk.id(), chunk.epoch())
                .handle(
                        (accepted, thrown) -> {
                            if (accepted == null) {
                                LOG.warn(
                                        "{} is not known to be OPEN in {}: {}",
                                        chunk.id(),
                                        chunk.epoch(),
                                        String.valueOf(thrown));
                            } else if (accepted) {
                                sealsBegun.remove(chunk.id(), chunk.epoch());
                            } else {
                                // It went by while it was sealed.
                                chunk.endEpoch();
                            }
                            return Boolean.TRUE.equals(accepted);
                        });
    }

    private void again(Opening opening, String why, long ended) {
        LOG.debug("{} is asked for again: {}", opening.state.place, why);
        if (opening.isOver()) {
            fail(opening, new FsException(Errno.EIO, opening.state.place + ": " + why));
            return;
        }
        var _ = timer.schedule(() -> ask(List.of(opening), ended), WAIT_MS, TimeUnit.MILLISECONDS);
    }

    private static void fail(Opening opening, Throwable thrown) {
        Throwable cause = Failures.cause(thrown);
        FsException failure =
                cause instanceof FsException fs
                        ? fs
                        : new FsException(
                                Errno.EIO, "opening " + opening.state.place + ": " + cause, cause);
        opening.state.answered(opening.result, new Opened(null, failure));
    }

    /** Asks for fresh capabilities of the same epoch, once at a time. */
    private void renew(OpenChunk chunk) {
        if (!renewing.add(chunk)) {
            return;
        }
        var want =
                LayoutWant.newBuilder()
                        .setInode(chunk.inode().value())
                        .setChunkIndex(chunk.index())
                        .setWrite(chunk.grant().mode() == ChunkGrant.Mode.WRITE)
                        .setKnownEpoch(chunk.epoch())
                        .build();
        var _ =
                layouts.layouts(List.of(want))
                        .whenComplete(
                                (answers, thrown) -> {
                                    renewing.remove(chunk);
                                    if (answers != null) {
                                        onRenewed(chunk, answers.getFirst());
                                    } else {
                                        LOG.warn(
                                                "no fresh capabilities for {}: {}",
                                                chunk.id(),
                                                String.valueOf(thrown));
                                    }
                                });
    }

    private void onRenewed(OpenChunk chunk, Layout layout) {
        boolean same =
                layout.getErrno() == 0
                        && !layout.getAbsent()
                        && layout.getChunk() == chunk.id().value()
                        && layout.getEpoch() == chunk.epoch();
        if (same) {
            layout.getReplicasList().forEach(shared.nodes()::learn);
            chunk.renew(layout);
            return;
        }
        if (layout.getErrno() == 0 && layout.getEpoch() != chunk.epoch()) {
            chunk.lock().lock();
            try {
                chunk.session().onStale(layout.getEpoch());
            } finally {
                chunk.lock().unlock();
            }
        }
    }
}

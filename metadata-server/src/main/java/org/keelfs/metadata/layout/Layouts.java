package org.keelfs.metadata.layout;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Clock;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.lease.LeaseMode;
import org.keelfs.lease.LeaseState;
import org.keelfs.metadata.heal.NodeTable;
import org.keelfs.metadata.lease.LeaseDriver;
import org.keelfs.metadata.log.MetadataLog;
import org.keelfs.metadata.log.Submitted;
import org.keelfs.metadata.placement.Placement;
import org.keelfs.model.ChunkId;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;
import org.keelfs.model.NodeId;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.InodeRow;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.register.Digest;
import org.keelfs.register.Hint;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.security.capability.CapabilityRights;
import org.keelfs.wire.proto.MetadataProto.HandOver;
import org.keelfs.wire.proto.MetadataProto.Layout;
import org.keelfs.wire.proto.MetadataProto.LayoutReply;
import org.keelfs.wire.proto.MetadataProto.LayoutRequest;
import org.keelfs.wire.proto.MetadataProto.LayoutWant;
import org.keelfs.wire.proto.MetadataProto.Replica;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers layout requests: reads the chunks, decides by {@link LayoutRules}, records what is new in
 * one record for the whole request, forces it, answers. Confined to the service's executor.
 */
public final class Layouts {
    private static final Logger LOG = LoggerFactory.getLogger(Layouts.class);

    /** Times that a want is decided anew because another request changed its chunk in between. */
    private static final int ATTEMPTS_MAX = 4;

    /** Wants of one request: its answer stays below half a frame with three replicas each. */
    public static final int WANTS_MAX = 2048;

    /**
     * Seals that never ended are forgotten after this; the next asker draws a fresh epoch anyway.
     */
    private static final long SEALING_KEPT_NS = 600_000_000_000L;

    private final MetadataLog log;
    private final Executor executor;
    private final Clock clock;
    private final Epochs epochs;
    private final NodeTable nodes;
    private final LeaseDriver leases;
    private final CapabilityIssuer issuer;
    private final Hints hints = new Hints();
    private final Map<ChunkId, Sealing> sealings = new LinkedHashMap<>();
    private List<Work> parked = new ArrayList<>();

    /**
     * Places whose chunk or epoch is on its way into the log. It may be there already while its
     * seal is not known here: who asks meanwhile would take it for an epoch that nobody seals, and
     * end it by another under the hands of who was told to.
     */
    private final Set<ChunkPlace> recording = new HashSet<>();

    /** What waits for one of them. */
    private List<Work> behind = new ArrayList<>();

    private long warnedNs = Long.MIN_VALUE / 2;

    public Layouts(
            MetadataLog log,
            Executor executor,
            Clock clock,
            Epochs epochs,
            NodeTable nodes,
            LeaseDriver leases,
            CapabilityIssuer issuer) {
        this.log = log;
        this.executor = executor;
        this.clock = clock;
        this.epochs = epochs;
        this.nodes = nodes;
        this.leases = leases;
        this.issuer = issuer;
    }

    /**
     * Who asks.
     *
     * @param volume that it mounts
     * @param certificate SHA-256 of its certificate, 32 bytes
     */
    public record Asker(SessionId session, int volume, ByteString certificate) {}

    /** What a want is about, as it stands; inode null: gone; with what it looks for. */
    private record Place(@Nullable InodeRow inode, @Nullable ChunkRow chunk, List<Long> found) {}

    private record Recorded(LayoutCommand.Step step, @Nullable Hint hint) {}

    private record ChunkPlace(long inode, long index) {
        static ChunkPlace of(LayoutWant want) {
            return new ChunkPlace(want.getInode(), want.getChunkIndex());
        }
    }

    /** One request on its way. */
    private final class Work {
        final Asker asker;
        final List<LayoutWant> wants;
        final Layout[] answers;
        final Consumer<LayoutReply> reply;
        final Consumer<Throwable> fail;
        long position;
        int attempts;

        Work(
                Asker asker,
                List<LayoutWant> wants,
                Consumer<LayoutReply> reply,
                Consumer<Throwable> fail) {
            this.asker = asker;
            this.wants = wants;
            this.answers = new Layout[wants.size()];
            this.reply = reply;
            this.fail = fail;
        }
    }

    /** Answers now or later by one of {@code reply} and {@code fail}. */
    public void layout(
            Asker asker,
            LayoutRequest request,
            Consumer<LayoutReply> reply,
            Consumer<Throwable> fail) {
        Work work = new Work(asker, request.getWantsList(), reply, fail);
        if (leases.isReclaiming(asker.session())) {
            // What it holds is not known yet; told to ask again, it would do so all the time.
            parked.add(work);
        } else {
            decide(work);
        }
    }

    private void decide(Work work) {
        if (work.wants.stream().anyMatch(want -> recording.contains(ChunkPlace.of(want)))) {
            behind.add(work);
            return;
        }
        List<Place> places = log.read(tables -> places(tables, work));
        Map<Integer, Recorded> steps = new LinkedHashMap<>();
        for (int i = 0; i < work.answers.length; i++) {
            if (work.answers[i] == null) {
                try {
                    decideOne(work, i, places.get(i), steps);
                } catch (FsException e) {
                    boolean starting = e.errno() == Errno.EIO && nodes.isStarting(clock.nanoTime());
                    if (!starting) {
                        warn(e);
                    }
                    work.answers[i] =
                            refusal(work.wants.get(i), starting ? Errno.EAGAIN : e.errno());
                }
            }
        }
        if (steps.isEmpty()) {
            answer(work);
            return;
        }
        leases.stamp(epochs.last());
        List<LayoutCommand.Step> commands = new ArrayList<>(steps.size());
        steps.values().forEach(recorded -> commands.add(recorded.step()));
        Set<ChunkPlace> mine = new HashSet<>();
        steps.keySet().forEach(i -> mine.add(ChunkPlace.of(work.wants.get(i))));
        recording.addAll(mine);
        var _ =
                log.submit(new LayoutCommand(commands))
                        .whenCompleteAsync(
                                (done, failure) -> {
                                    recording.removeAll(mine);
                                    if (failure != null) {
                                        work.fail.accept(failure);
                                    } else {
                                        onRecorded(work, steps, done);
                                    }
                                    decideBehind();
                                },
                                executor);
    }

    private void decideBehind() {
        List<Work> waited = behind;
        behind = new ArrayList<>();
        for (Work work : waited) {
            try {
                decide(work);
            } catch (RuntimeException e) {
                work.fail.accept(e);
            }
        }
    }

    private static List<Place> places(Tables tables, Work work) {
        List<Place> places = new ArrayList<>(work.wants.size());
        for (LayoutWant want : work.wants) {
            InodeId id = new InodeId(want.getInode());
            InodeRow inode = tables.inode(id);
            if (inode == null || inode.volume() != work.asker.volume()) {
                places.add(new Place(null, null, List.of()));
            } else if (ChunkSearch.isOne(want)) {
                places.add(new Place(inode, null, ChunkSearch.find(tables, want)));
            } else {
                boolean is = isInFile(tables, inode, want);
                ChunkId chunk = is ? tables.chunkAt(id, want.getChunkIndex()) : null;
                ChunkRow row = chunk == null ? null : tables.chunk(chunk);
                places.add(new Place(inode, row, List.of()));
            }
        }
        return places;
    }

    private static boolean isInFile(Tables tables, InodeRow inode, LayoutWant want) {
        VolumeRow volume = tables.volume(inode.volume());
        return volume != null && FileSize.hasChunk(want.getChunkIndex(), volume.chunkBytes());
    }

    private void decideOne(Work work, int i, Place place, Map<Integer, Recorded> steps) {
        LayoutWant want = work.wants.get(i);
        InodeRow inode = place.inode();
        if (inode == null || !inode.attributes().isRegular()) {
            work.answers[i] = refusal(want, inode == null ? Errno.ESTALE : Errno.EINVAL);
            return;
        }
        SessionId session = work.asker.session();
        LeaseState lease = leases.held(session, inode.id());
        if (ChunkSearch.isOne(want)) {
            Errno refused = ChunkSearch.refusal(want, work.wants.size(), lease);
            work.answers[i] =
                    refused == null
                            ? base(want).addAllFound(place.found()).build()
                            : refusal(want, refused);
            return;
        }
        ChunkRow row = place.chunk();
        Sealing sealing = row == null ? null : sealings.get(row.id());
        boolean sealerLives = sealing != null && lives(sealing);
        var ask =
                new LayoutRules.Ask(
                        session,
                        lease,
                        want.getWrite(),
                        want.getKnownEpoch(),
                        want.getNewEpoch(),
                        useOf(want));
        boolean reads = row != null && LayoutRules.asReader(row, ask);
        long writer = reads ? 0 : writerOf(lease, session);
        switch (LayoutRules.decide(row, ask, sealing, sealerLives, clock.nanoTime())) {
            case ABSENT -> {
                boolean shared = writer == LayoutRules.SHARED;
                work.answers[i] = base(want).setAbsent(true).setShared(shared).build();
            }
            case NO_LEASE -> work.answers[i] = refusal(want, Errno.ENOLCK);
            case WAIT -> work.answers[i] = refusal(want, Errno.EAGAIN);
            case GO_ON, SEAL_ON ->
                    work.answers[i] =
                            describe(work.asker, want, orThrow(row), hintOf(sealing, row));
            case CREATE -> steps.put(i, create(want, inode, writer));
            case FRESH -> steps.put(i, draw(want, orThrow(row), writer));
            case COPY -> steps.put(i, copy(want, orThrow(row), writer));
        }
    }

    /** Whose an epoch is that is drawn for the holder of this lease. */
    private static long writerOf(LeaseState lease, SessionId session) {
        return switch (lease.mode()) {
            case WRITE -> session.value();
            case SHARED -> LayoutRules.SHARED;
            case NONE, READ -> 0;
        };
    }

    private static ChunkRow orThrow(@Nullable ChunkRow row) {
        if (row == null) {
            throw new IllegalStateException("decided on a chunk that is not there");
        }
        return row;
    }

    private static @Nullable Hint hintOf(@Nullable Sealing sealing, @Nullable ChunkRow row) {
        return sealing != null && row != null && sealing.epoch() == row.epoch()
                ? sealing.hint()
                : null;
    }

    private boolean lives(Sealing sealing) {
        return leases.isOpen(sealing.sealer())
                && leases.held(sealing.sealer(), sealing.inode()).mode() != LeaseMode.NONE;
    }

    private Recorded create(LayoutWant want, InodeRow inode, long writer) {
        boolean inFile = log.read(tables -> isInFile(tables, inode, want));
        if (want.getWrappedKey().isEmpty() || !inFile) {
            throw new FsException(Errno.EINVAL, "a new chunk needs a wrapped key and an index");
        }
        VolumeRow volume = log.read(tables -> tables.volume(inode.volume()));
        int count = volume == null ? 0 : volume.replicas();
        long created = epochs.draw();
        // Rounds of R8 count only sealed replicas, and one that does not know a chunk is not.
        long epoch = writer == LayoutRules.SHARED ? epochs.draw() : created;
        var replicas = Placement.choose(nodes.candidates(clock.nanoTime()), count, epoch);
        nodes.notePlaced(replicas);
        return new Recorded(
                new LayoutCommand.Create(
                        inode.id(),
                        want.getChunkIndex(),
                        created,
                        epoch,
                        writer,
                        want.getWrappedKey().toByteArray(),
                        replicas),
                null);
    }

    private static LayoutRules.Use useOf(LayoutWant want) {
        return want.getFreeze()
                ? LayoutRules.Use.FREEZE
                : want.getChange() ? LayoutRules.Use.CHANGE : LayoutRules.Use.READ;
    }

    /** At the nodes of the frozen chunk: each makes it from what it has (decision 0070). */
    private Recorded copy(LayoutWant want, ChunkRow row, long writer) {
        long created = epochs.draw();
        return new Recorded(
                new LayoutCommand.Copy(
                        new InodeId(want.getInode()),
                        want.getChunkIndex(),
                        row.id(),
                        created,
                        epochs.draw(),
                        writer),
                null);
    }

    private Recorded draw(LayoutWant want, ChunkRow row, long writer) {
        Hint hint = hints.take(row.inode(), row.id(), row.epoch());
        return new Recorded(
                new LayoutCommand.Draw(
                        row.id(),
                        new InodeId(want.getInode()),
                        want.getChunkIndex(),
                        row.epoch(),
                        epochs.draw(),
                        writer),
                hint);
    }

    private void onRecorded(
            Work work, Map<Integer, Recorded> steps, Submitted<List<LayoutCommand.Result>> done) {
        work.position = Math.max(work.position, done.position());
        int next = 0;
        boolean again = false;
        for (Map.Entry<Integer, Recorded> entry : steps.entrySet()) {
            int i = entry.getKey();
            ChunkRow row = done.result().get(next++).row();
            LayoutWant want = work.wants.get(i);
            Hint hint = entry.getValue().hint();
            if (row != null) {
                if (!row.opened()) {
                    sealings.put(
                            row.id(),
                            new Sealing(
                                    row.epoch(),
                                    work.asker.session(),
                                    new InodeId(want.getInode()),
                                    clock.nanoTime(),
                                    hint));
                }
                work.answers[i] = describe(work.asker, want, row, hint);
            } else if (work.attempts >= ATTEMPTS_MAX) {
                work.answers[i] = refusal(want, Errno.EAGAIN);
            } else {
                again = true;
            }
        }
        if (again) {
            work.attempts++;
            decide(work);
        } else {
            answer(work);
        }
    }

    /** Epochs and new chunks survive a power cut before anybody uses them. */
    private void answer(Work work) {
        if (work.position <= log.forcedPosition()) {
            work.reply.accept(reply(work));
            return;
        }
        var _ =
                log.force(work.position)
                        .whenCompleteAsync(
                                (_, failure) -> {
                                    if (failure != null) {
                                        work.fail.accept(failure);
                                    } else {
                                        work.reply.accept(reply(work));
                                    }
                                },
                                executor);
    }

    private LayoutReply reply(Work work) {
        var reply = LayoutReply.newBuilder().setServerTimeMs(issuer.serverTimeMs());
        for (Layout layout : work.answers) {
            reply.addLayouts(layout);
        }
        return reply.build();
    }

    private static Layout.Builder base(LayoutWant want) {
        return Layout.newBuilder().setInode(want.getInode()).setChunkIndex(want.getChunkIndex());
    }

    private static Layout refusal(LayoutWant want, Errno errno) {
        return base(want).setErrno(errno.number()).build();
    }

    private Layout describe(Asker asker, LayoutWant want, ChunkRow row, @Nullable Hint hint) {
        boolean shared = row.lastWriter() == LayoutRules.SHARED;
        boolean writable = shared || row.lastWriter() == asker.session().value();
        int rights =
                CapabilityRights.READ
                        | CapabilityRights.SEAL
                        | (writable ? CapabilityRights.WRITE : 0);
        Hint shown = row.opened() ? null : hint;
        ByteString capability =
                issuer.describe(
                        row,
                        originOf(row),
                        asker.session().value(),
                        asker.certificate(),
                        shown,
                        rights);
        Layout.Builder layout =
                base(want)
                        .setChunk(row.id().value())
                        .setEpoch(row.epoch())
                        .setOpen(row.opened())
                        .setCreatedEpoch(row.createdEpoch())
                        .setWrappedKey(ByteString.copyFrom(row.wrappedKey()))
                        .setKeyId(row.keyId())
                        .setExpiresMs(issuer.serverTimeMs() + issuer.lifeMs())
                        .setWritable(writable)
                        .setShared(shared)
                        .setCopy(row.origin() != null)
                        .setFrozen(row.isFrozen() || want.getFreeze());
        if (shown != null) {
            layout.setHint(CapabilityIssuer.encode(shown));
        }
        for (NodeId id : row.replicas().nodes()) {
            layout.addReplicas(replica(id, capability));
        }
        return layout.build();
    }

    /** The frozen chunk that a copy begins with, while that is not known to be at a majority. */
    private @Nullable ChunkRow originOf(ChunkRow row) {
        ChunkId origin = row.origin();
        return origin == null ? null : log.read(tables -> tables.chunk(origin));
    }

    private Replica replica(NodeId id, ByteString capability) {
        Replica.Builder replica =
                Replica.newBuilder()
                        .setNode(id.value())
                        .setCapability(issuer.sign(id, capability))
                        .setAlive(nodes.isAlive(id, clock.nanoTime()));
        NodeTable.Node node = nodes.node(id);
        if (node != null) {
            replica.setHost(node.row().host()).setPort(node.row().port());
        }
        return replica.build();
    }

    /** The sealer reports the chunk OPEN. Answers whether the epoch is still current. */
    public void sealed(
            SessionId session,
            ChunkId chunk,
            long epoch,
            Consumer<Boolean> reply,
            Consumer<Throwable> fail) {
        Sealing sealing = sealings.get(chunk);
        ChunkRow row = log.read(tables -> tables.chunk(chunk));
        boolean current = row != null && row.epoch() == epoch;
        if (current && row != null && row.opened()) {
            reply.accept(true);
            return;
        }
        if (!current
                || sealing == null
                || sealing.epoch() != epoch
                || !sealing.sealer().equals(session)) {
            reply.accept(false);
            return;
        }
        var _ =
                log.submit(new OpenedCommand(chunk, epoch))
                        .whenCompleteAsync(
                                (done, failure) -> {
                                    if (failure != null) {
                                        fail.accept(failure);
                                        return;
                                    }
                                    sealings.remove(chunk, sealing);
                                    reply.accept(done.result());
                                },
                                executor);
    }

    /** A writer returned its lease with nothing in doubt. */
    public void handOver(SessionId writer, InodeId inode, List<HandOver> handOvers) {
        for (HandOver handOver : handOvers) {
            ChunkId chunk = new ChunkId(handOver.getChunk());
            ChunkRow row = log.read(tables -> tables.chunk(chunk));
            var digest = handOver.getHint().getDigest();
            Hint hint =
                    new Hint(
                            handOver.getHint().getSealed(),
                            new Digest(digest.getHigh(), digest.getLow()));
            if (row != null
                    && row.inode().equals(inode)
                    && row.opened()
                    && row.lastWriter() == writer.value()
                    && row.epoch() == hint.sealed()) {
                hints.put(inode, chunk, hint);
            }
        }
    }

    /** Rule R4: a hint does not outlive a writer. */
    public void onWriteGranted(InodeId inode) {
        hints.forget(inode);
    }

    /**
     * Goes on with what waited for a session to reclaim; forgets seals that nobody goes on with.
     */
    public void tick() {
        List<Work> waiting = parked;
        parked = new ArrayList<>();
        for (Work work : waiting) {
            if (leases.isReclaiming(work.asker.session())) {
                parked.add(work);
            } else if (leases.isOpen(work.asker.session())) {
                try {
                    decide(work);
                } catch (RuntimeException e) {
                    work.fail.accept(e);
                }
            } else {
                work.fail.accept(new RpcException(RpcStatus.SESSION_GONE, "the session is over"));
            }
        }
        long now = clock.nanoTime();
        sealings.values().removeIf(sealing -> now - sealing.sinceNs() > SEALING_KEPT_NS);
    }

    private void warn(FsException e) {
        if (clock.nanoTime() - warnedNs > 1_000_000_000L) {
            warnedNs = clock.nanoTime();
            LOG.warn("Cannot place a chunk: {}", e.getMessage());
        }
    }
}

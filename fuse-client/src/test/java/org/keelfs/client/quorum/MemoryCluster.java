package org.keelfs.client.quorum;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.buffer.BufferPool;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.register.Hint;
import org.keelfs.wire.RegisterCodec;
import org.keelfs.wire.proto.MetadataProto.Layout;
import org.keelfs.wire.proto.MetadataProto.LayoutWant;
import org.keelfs.wire.proto.MetadataProto.Replica;
import org.keelfs.wire.proto.NodeProto.Capability;
import org.keelfs.wire.proto.NodeProto.SignedCapability;

/**
 * Three memory nodes and a metadata server that knows only layouts; every file is under WRITE here,
 * or every one is SHARED.
 */
public final class MemoryCluster implements AutoCloseable {
    public static final int CHUNK_BYTES = 1 << 20;

    public final ScheduledExecutorService timer = Executors.newScheduledThreadPool(2);
    public final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
    public final BufferPool replies = new BufferPool("replies", 256 << 20);
    public final List<MemoryNode> nodes = new ArrayList<>();
    public final AtomicLong layoutCalls = new AtomicLong();
    public volatile boolean leaseHeld = true;
    public volatile long capabilityMs = 60_000;

    /** Whether the server has granted a lease, when it has made up its mind. */
    public volatile CompletableFuture<Boolean> leaseGranted =
            CompletableFuture.completedFuture(true);

    /** Whether every file is SHARED by all mounts. */
    public volatile boolean shared;

    /** The first seal was reported. */
    public final CompletableFuture<Boolean> reported = new CompletableFuture<>();

    /** Reports of seals are taken when this is done. */
    public volatile CompletableFuture<Boolean> reportsTaken =
            CompletableFuture.completedFuture(true);

    /** A file that the metadata server does not know yet; calls that ask for it wait. */
    public volatile @Nullable InodeId lateFile;

    /** Completed when the server knows it. */
    public final CompletableFuture<Void> lateFileKnown = new CompletableFuture<>();

    /** Runs once when a search for chunks is decided and not yet answered. */
    public final AtomicReference<@Nullable Runnable> behindFind = new AtomicReference<>();

    private final AtomicLong counters = new AtomicLong();
    private final AtomicLong sessions = new AtomicLong();
    private final Map<ChunkState.Place, Row> rows = new HashMap<>();
    private long epochs = 10;
    private long chunkIds = 100;

    /** As the holder of a chunk. */
    private static final long SHARED = -1;

    private static final class Row {
        final long chunk;
        final ByteString key;
        final long created;
        long epoch;
        boolean open;
        long holder;
        @Nullable Hint handedOver;
        @Nullable Hint hint;

        Row(long chunk, ByteString key, long epoch, long holder) {
            this.chunk = chunk;
            this.key = key;
            this.created = epoch;
            this.epoch = epoch;
            this.open = true;
            this.holder = holder;
        }
    }

    public MemoryCluster(long seed) {
        for (int i = 1; i <= 3; i++) {
            nodes.add(new MemoryNode("node" + i, timer, replies, seed + i));
        }
    }

    /** A mount: its session takes every lease over, so each chunk gets a fresh epoch. */
    public ChunkClients mount(QuorumConfig config) {
        long session = sessions.incrementAndGet();
        return new ChunkClients(
                config,
                new SessionLayouts(session),
                new NodeConnections((_, port) -> nodes.get(port - 1), config),
                timer,
                workers);
    }

    private final class SessionLayouts implements Layouts {
        private final long session;

        SessionLayouts(long session) {
            this.session = session;
        }

        @Override
        public CompletableFuture<List<Layout>> layouts(List<LayoutWant> wants) {
            layoutCalls.incrementAndGet();
            var granted = leaseGranted;
            return CompletableFuture.supplyAsync(
                    () -> {
                        awaitKnown(wants);
                        if (!granted.join()) {
                            return wants.stream().map(MemoryCluster::withoutLease).toList();
                        }
                        List<Layout> answers =
                                wants.stream().map(want -> layout(want, session)).toList();
                        if (wants.stream().anyMatch(want -> want.getFind() != 0)) {
                            runBehindFind();
                        }
                        return answers;
                    },
                    workers);
        }

        @Override
        public CompletableFuture<Boolean> sealed(ChunkId chunk, long epoch) {
            reported.complete(true);
            return reportsTaken.thenApplyAsync(_ -> accept(chunk, epoch), workers);
        }

        @Override
        public long session() {
            return session;
        }

        @Override
        public long nextCounterAbove(long seen) {
            return counters.accumulateAndGet(seen, (own, other) -> Math.max(own, other) + 1);
        }

        @Override
        public long serverTimeMs() {
            return System.currentTimeMillis();
        }

        @Override
        public boolean mayRewrite(InodeId inode) {
            return leaseHeld;
        }

        @Override
        public boolean isLeased(InodeId inode, boolean forWriting) {
            return leaseHeld;
        }
    }

    private static Layout withoutLease(LayoutWant want) {
        return Layout.newBuilder()
                .setInode(want.getInode())
                .setChunkIndex(want.getChunkIndex())
                .setErrno(Errno.ENOLCK.number())
                .build();
    }

    private void runBehindFind() {
        Runnable action = behindFind.getAndSet(null);
        if (action != null) {
            action.run();
        }
    }

    private void awaitKnown(List<LayoutWant> wants) {
        InodeId late = lateFile;
        if (late != null && wants.stream().anyMatch(want -> want.getInode() == late.value())) {
            lateFileKnown.join();
        }
    }

    private synchronized Layout layout(LayoutWant want, long session) {
        var place = new ChunkState.Place(new InodeId(want.getInode()), want.getChunkIndex());
        var answer =
                Layout.newBuilder().setInode(want.getInode()).setChunkIndex(want.getChunkIndex());
        if (want.getFind() != 0) {
            rows.keySet().stream()
                    .filter(p -> p.inode().equals(place.inode()) && p.index() >= place.index())
                    .map(ChunkState.Place::index)
                    .sorted()
                    .limit(want.getFind())
                    .forEach(answer::addFound);
            return answer.build();
        }
        Row row = rows.get(place);
        if (row == null && !want.getWrite()) {
            return answer.setAbsent(true).build();
        }
        if (row == null) {
            row = new Row(chunkIds++, want.getWrappedKey(), epochs++, session);
            rows.put(place, row);
            row.holder = shared ? 0 : session;
        }
        boolean ended = want.getNewEpoch() && want.getKnownEpoch() == row.epoch;
        if (ended || row.holder != (shared ? SHARED : session)) {
            row.epoch = epochs++;
            row.open = false;
            row.holder = shared ? SHARED : session;
            row.hint = row.handedOver;
            row.handedOver = null;
        }
        answer.setChunk(row.chunk)
                .setKeyId(row.chunk)
                .setEpoch(row.epoch)
                .setOpen(row.open)
                .setWritable(true)
                .setShared(shared)
                .setCreatedEpoch(row.created == row.epoch ? row.epoch : 0)
                .setWrappedKey(row.key)
                .setExpiresMs(System.currentTimeMillis() + capabilityMs);
        if (row.hint != null && !row.open) {
            answer.setHint(RegisterCodec.encode(row.hint));
        }
        for (int i = 1; i <= nodes.size(); i++) {
            answer.addReplicas(
                    Replica.newBuilder()
                            .setNode(i)
                            .setHost("memory")
                            .setPort(i)
                            .setCapability(capability(row))
                            .setAlive(true));
        }
        return answer.build();
    }

    private SignedCapability capability(Row row) {
        var capability =
                Capability.newBuilder()
                        .setChunk(row.chunk)
                        .setEpoch(row.epoch)
                        .setExpiresMs(System.currentTimeMillis() + capabilityMs)
                        .setCreatedEpoch(row.created == row.epoch ? row.epoch : 0);
        return SignedCapability.newBuilder()
                .setCapability(capability.build().toByteString())
                .build();
    }

    private synchronized boolean accept(ChunkId chunk, long epoch) {
        for (Row row : rows.values()) {
            if (row.chunk == chunk.value() && row.epoch == epoch) {
                row.open = true;
                return true;
            }
        }
        return false;
    }

    /** What a mount hands over when it returns the lease of a file. */
    public synchronized void handOver(List<ChunkIo.CleanChunk> clean) {
        for (ChunkIo.CleanChunk chunk : clean) {
            for (Row row : rows.values()) {
                if (row.chunk == chunk.chunk().value()) {
                    row.handedOver = chunk.hint();
                }
            }
        }
    }

    /** The chunks of a file from an index on are dropped, as a truncation does it. */
    public synchronized void drop(InodeId inode, long firstIndex) {
        rows.keySet().removeIf(p -> p.inode().equals(inode) && p.index() >= firstIndex);
    }

    /** Ends all epochs behind the mounts' backs. */
    public synchronized void newEpochs() {
        for (Row row : rows.values()) {
            row.epoch = epochs++;
            row.open = false;
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
        workers.shutdownNow();
    }
}

package org.keelfs.it.bench;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.client.data.BufferedFileData;
import org.keelfs.client.data.DataConfig;
import org.keelfs.client.data.WriteBackListener;
import org.keelfs.client.quorum.ChunkIo;
import org.keelfs.crypto.ChunkKey;
import org.keelfs.crypto.MasterKey;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.PayloadSource;
import org.keelfs.register.StampRun;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The client's own share of writing and reading: buffer, flusher, encryption; the nodes answer at
 * once.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class WritePathBench {
    private static final int CHUNK_BYTES = 64 << 20;
    private static final long FILE_BYTES = 4L << 30;
    private static final InodeId FILE = new InodeId(9);

    private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final MasterKey master = MasterKey.random();
    private final BufferedFileData data =
            new BufferedFileData(
                    DataConfig.of(CHUNK_BYTES), new Nowhere(), master, new Quiet(), workers, timer);
    private final ByteBuffer bytes = ByteBuffer.allocateDirect(1 << 20);
    private long offset;
    private long random = 88_172_645_463_325_252L;

    /** Every run of the file in turn, for ever. */
    @Benchmark
    public void writeOneMegabyteInSequence() {
        offset = (offset + bytes.capacity()) % FILE_BYTES;
        write(offset, bytes.capacity());
    }

    /** Anywhere in 64 MiB. */
    @Benchmark
    public void writeOneSectorAnywhere() {
        random ^= random << 13;
        random ^= random >>> 7;
        random ^= random << 17;
        write((random & 16_383) << 12, 4096);
    }

    /** What was just written, from the cache. */
    @Benchmark
    public void writeAndReadOneSector() {
        write(0, 4096);
        if (!data.read(FILE, 0, bytes.clear().limit(4096), true)) {
            throw new IllegalStateException("a read that may wait was not answered");
        }
    }

    private void write(long at, int length) {
        if (!data.write(FILE, at, bytes.clear().limit(length), 0, true)) {
            throw new IllegalStateException("a write that may wait was not taken");
        }
    }

    /** Ends its threads. */
    @TearDown
    public void tearDown() {
        data.close();
        workers.shutdownNow();
        timer.shutdownNow();
    }

    private static final class Quiet implements WriteBackListener {
        @Override
        public void afterFlush(List<InodeId> flushed) {
            // nobody keeps sizes here
        }

        @Override
        public void onWriteBackError(InodeId inode, Errno errno) {
            throw new IllegalStateException("nothing can fail here: " + errno);
        }
    }

    /** Takes everything, keeps nothing. */
    private final class Nowhere implements ChunkIo {
        private final byte[] key = master.wrap(ChunkKey.random());
        private final AtomicLong counter = new AtomicLong();

        private record OnlyChunk(ChunkId id, long epoch, long keyId, byte[] wrappedKey)
                implements Chunk {}

        @Override
        public @Nullable Opened known(InodeId inode, long chunkIndex, Use use) {
            return new Opened(new OnlyChunk(new ChunkId(1L + chunkIndex), 1, 1, key), null);
        }

        @Override
        public CompletableFuture<List<Opened>> open(List<Want> wants) {
            throw new IllegalStateException("all chunks are known");
        }

        @Override
        public CompletableFuture<OpenedRead> openAndRead(
                InodeId inode, long chunkIndex, SectorRun run) {
            throw new IllegalStateException("all chunks are known");
        }

        @Override
        public CompletableFuture<List<Long>> find(InodeId inode, long fromIndex, int limit) {
            throw new IllegalStateException("nothing is looked for");
        }

        @Override
        public Timestamp nextTimestamp(Chunk chunk) {
            return new Timestamp(1, counter.incrementAndGet(), 1);
        }

        @Override
        public CompletableFuture<Integer> write(
                Chunk chunk, SectorRun run, Timestamp timestamp, @Nullable PayloadBuffer payload) {
            if (payload != null) {
                payload.release();
            }
            return CompletableFuture.completedFuture(0);
        }

        @Override
        public CompletableFuture<ReadValues> read(Chunk chunk, SectorRun run, List<NodeId> avoid) {
            throw new IllegalStateException("nothing is kept");
        }

        @Override
        public CompletableFuture<ReadValues> sharedRead(
                Chunk chunk, SectorRun run, List<NodeId> avoid) {
            throw new IllegalStateException("nothing is kept");
        }

        @Override
        public CompletableFuture<Integer> sharedWrite(
                Chunk chunk, SectorRun run, PayloadSource source) {
            throw new IllegalStateException("nothing is shared");
        }

        @Override
        public CompletableFuture<List<StampRun>> stamps(Chunk chunk, SectorRun range) {
            return CompletableFuture.completedFuture(List.of());
        }

        @Override
        public void restore(Chunk chunk, ReadValues values, List<NodeId> bad) {
            // nothing is kept
        }

        @Override
        public void forgetChunks(InodeId inode, long first, long end) {
            // nothing is kept
        }

        @Override
        public void forget(InodeId inode) {
            // nothing is kept
        }

        @Override
        public CompletableFuture<List<CleanChunk>> handOver(InodeId inode) {
            return CompletableFuture.completedFuture(List.of());
        }

        @Override
        public boolean isInDoubt(InodeId inode) {
            return false;
        }
    }
}

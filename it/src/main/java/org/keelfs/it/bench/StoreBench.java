package org.keelfs.it.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import java.util.zip.CRC32C;
import org.keelfs.buffer.BufferPool;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.buffer.WrappedPayload;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.store.DiskFiles;
import org.keelfs.node.store.HolePuncher;
import org.keelfs.node.store.SectorStore;
import org.keelfs.node.store.StoreOptions;
import org.keelfs.register.Digest;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaState;
import org.keelfs.register.ValueRun;

/**
 * What the store of one node takes, without a network: {@code StoreBench DIRECTORY SECONDS}. Each
 * line: run of sectors per record, records in flight, records and MiB per second, microseconds per
 * commit.
 */
public final class StoreBench {
    private static final int CHUNK_SECTORS = 16_384;

    private StoreBench() {}

    /** Runs it on a new store in the directory, which it leaves there. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        var directory = Files.createDirectories(Path.of(arguments[0]));
        long seconds = Long.parseLong(arguments[1]);
        var pool = new BufferPool("bench", 64 << 20);
        var index = new ChunkIndex(directory.resolve("index"), 32 << 20, 8 << 20);
        var store =
                new SectorStore(
                        new DiskFiles(directory, new HolePuncher()),
                        index,
                        StoreOptions.DEFAULT,
                        pool,
                        (name, loop) -> new Thread(loop, name).start(),
                        e -> System.err.println("store failed: " + e));
        try (pool;
                store) {
            for (int inFlight : new int[] {1, 16, 256}) {
                run(store, index, 1, inFlight, seconds);
            }
            for (int inFlight : new int[] {1, 4}) {
                run(store, index, 256, inFlight, seconds);
            }
        }
    }

    private static void run(
            SectorStore store, ChunkIndex index, int sectors, int inFlight, long seconds)
            throws InterruptedException {
        var payload = sectors(sectors);
        var permits = new Semaphore(inFlight);
        var done = new LongAdder();
        var state = new ReplicaState(ReplicaState.Status.LIVE, 1, 1, Digest.EMPTY);
        long commits = store.commit().commitCount();
        long start = System.nanoTime();
        long end = start + seconds * 1_000_000_000L;
        for (int i = 0; System.nanoTime() < end; i++) {
            permits.acquire();
            var chunk = new ChunkId(1 + (long) i * sectors / CHUNK_SECTORS % 64);
            var run = new SectorRun((int) ((long) i * sectors % CHUNK_SECTORS), sectors);
            var value = new ValueRun(run, new Timestamp(1, i + 1L, 1), payload);
            long position;
            index.lock(chunk).lock();
            try {
                position = index.append(new ReplicaRecord.Put(chunk, state, List.of(value)));
            } finally {
                index.lock(chunk).unlock();
            }
            store.commit()
                    .onDurable(
                            position,
                            () -> {
                                done.increment();
                                permits.release();
                            });
        }
        permits.acquire(inFlight);
        double took = (System.nanoTime() - start) / 1e9;
        commits = store.commit().commitCount() - commits;
        System.out.printf(
                "%4d sectors, %3d in flight: %8.0f records/s %7.1f MiB/s %6.0f us a commit%n",
                sectors,
                inFlight,
                done.sum() / took,
                done.sum() * sectors * SectorRun.SECTOR_BYTES / took / (1 << 20),
                took * 1e6 / commits);
    }

    private static PayloadBuffer sectors(int count) {
        var bytes =
                ByteBuffer.allocateDirect(count * Payload.STORED_SECTOR_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN);
        var crc = new CRC32C();
        crc.update(new byte[Payload.STORED_SECTOR_BYTES - Integer.BYTES]);
        for (int i = 0; i < count; i++) {
            bytes.putInt(i * Payload.STORED_SECTOR_BYTES + 28, (int) crc.getValue());
        }
        return WrappedPayload.of(bytes, () -> {});
    }
}

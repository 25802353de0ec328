package org.keelfs.node.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.buffer.BufferPool;
import org.keelfs.model.ChunkId;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.register.Digest;
import org.keelfs.register.MemoryReplicaTable;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaState;
import org.keelfs.register.ReplicaState.Status;
import org.keelfs.register.ValueRun;

/**
 * The whole store, log on a disk in memory and index in RocksDB, against the table of the model.
 */
@Timeout(120)
class SectorStoreTest {
    private static final int CHUNKS = 10;
    private static final SectorRun WHOLE = new SectorRun(0, 200);
    private static final StoreOptions OPTIONS =
            new StoreOptions(256 << 10, 4 << 20, 400 << 10, 30, 1 << 20, 3);

    /** Far too small for all chunks: they come and go. */
    private static final long MEMORY_BYTES = 64 << 10;

    @TempDir Path directory;

    private record Logged(ReplicaRecord record, long position) {}

    /** A store with the history that it should show. */
    private final class Life implements AutoCloseable {
        final MemoryFiles files;
        final BufferPool pool = new BufferPool("test", 8 << 20);
        final ChunkIndex index;
        final SectorStore store;
        final MemoryReplicaTable model = new MemoryReplicaTable();

        Life(MemoryFiles files, List<Logged> history) throws IOException {
            this.files = files;
            this.index =
                    new ChunkIndex(
                            Files.createDirectories(directory.resolve("index")),
                            MEMORY_BYTES,
                            1 << 20);
            this.store =
                    new SectorStore(files, index, OPTIONS, pool, TestLog::startThread, _ -> {});
            history.removeIf(logged -> logged.position() > store.recoveredPosition());
            history.forEach(logged -> model.apply(logged.record(), logged.position()));
        }

        long append(ReplicaRecord record, List<Logged> history) {
            var chunk = chunkOf(record);
            index.lock(chunk).lock();
            try {
                long position = index.append(record);
                model.apply(record, position);
                history.add(new Logged(record, position));
                return position;
            } finally {
                index.lock(chunk).unlock();
            }
        }

        void check(String context) throws IOException, InterruptedException {
            store.commit().awaitDurable(store.commit().appendedPosition());
            assertEquals(model.floor(), index.floor(), context);
            for (int i = 0; i < CHUNKS; i++) {
                check(new ChunkId(i), context);
            }
            index.invariants();
        }

        private void check(ChunkId chunk, String context) throws IOException, InterruptedException {
            index.lock(chunk).lock();
            try {
                assertEquals(model.state(chunk), index.state(chunk), context);
                assertEquals(model.stamps(chunk, WHOLE), index.stamps(chunk, WHOLE), context);
                for (long epoch = 0; epoch < 8; epoch++) {
                    assertEquals(model.staged(chunk, epoch), index.staged(chunk, epoch), context);
                }
                for (var value : model.values(chunk, WHOLE)) {
                    checkValue(chunk, value, context);
                }
            } finally {
                index.lock(chunk).unlock();
            }
        }

        private void checkValue(ChunkId chunk, ValueRun value, String context)
                throws IOException, InterruptedException {
            long[] words = index.places(chunk, value.run());
            assertEquals(value.isHole(), RunWords.isHole(words, 0), context);
            if (value.isHole()) {
                return;
            }
            assertFalse(RunWords.isDamaged(words, 0), context);
            // Compaction may have moved it this moment.
            store.commit().awaitDurable(index.position(chunk, value.run()));
            long place = RunWords.place(words, 0);
            var bytes = java.nio.ByteBuffer.allocate(TestSectors.bytes(value.payload()).length);
            store.log()
                    .segment(LogPosition.segment(place))
                    .readFully(bytes, LogPosition.offset(place));
            assertArrayEquals(TestSectors.bytes(value.payload()), bytes.array(), context);
        }

        /** Ends it as a crash does; what the disk keeps. */
        MemoryFiles crash(Random random, boolean powerCut) throws IOException {
            var left = powerCut ? files.crash(random) : files.kill();
            try {
                store.close();
            } catch (StoreFailedException | IOException e) {
                // Its disk is gone: that is the crash.
            }
            pool.close();
            return left;
        }

        @Override
        public void close() throws IOException {
            store.close();
            pool.close();
        }
    }

    private static ChunkId chunkOf(ReplicaRecord record) {
        return switch (record) {
            case ReplicaRecord.State r -> r.chunk();
            case ReplicaRecord.Put r -> r.chunk();
            case ReplicaRecord.Stage r -> r.chunk();
            case ReplicaRecord.Unstage r -> r.chunk();
            case ReplicaRecord.Install r -> r.chunk();
            case ReplicaRecord.Tombstone r -> r.chunk();
            case ReplicaRecord.Drop r -> r.chunk();
            case ReplicaRecord.Floor _ -> new ChunkId(0);
        };
    }

    /** Any record may follow any other: the store decides nothing. */
    private static ReplicaRecord random(Random random) {
        var chunk = new ChunkId(random.nextInt(CHUNKS));
        long epoch = 1L + random.nextInt(6);
        var state =
                new ReplicaState(
                        random.nextInt(20) == 0 ? Status.DAMAGED : Status.LIVE,
                        epoch,
                        random.nextInt((int) epoch + 1),
                        new Digest(random.nextLong(), random.nextLong()));
        return switch (random.nextInt(30)) {
            case 0, 1, 2 -> new ReplicaRecord.State(chunk, state);
            case 3, 4, 5 -> new ReplicaRecord.Stage(chunk, state, epoch, values(random, true));
            case 6, 7, 8 -> new ReplicaRecord.Install(chunk, state, values(random, true));
            case 9 -> new ReplicaRecord.Unstage(chunk);
            case 10 -> new ReplicaRecord.Tombstone(chunk, state);
            case 11 -> new ReplicaRecord.Drop(chunk);
            case 12 -> new ReplicaRecord.Floor(1L + random.nextInt(1000));
            default -> new ReplicaRecord.Put(chunk, state, values(random, false));
        };
    }

    private static List<ValueRun> values(Random random, boolean removals) {
        var values = new ArrayList<ValueRun>();
        for (int i = random.nextInt(4); i >= 0; i--) {
            int first = random.nextInt(180);
            var run = new SectorRun(first, 1 + random.nextInt(random.nextInt(10) == 0 ? 20 : 4));
            var stamp = new Timestamp(1L + random.nextInt(5), 1L + random.nextInt(1 << 20), 1);
            switch (random.nextInt(6)) {
                case 0 -> values.add(new ValueRun(run, stamp, null));
                case 1 -> values.add(new ValueRun(run, removals ? Timestamp.ZERO : stamp, null));
                default ->
                        values.add(
                                new ValueRun(
                                        run,
                                        stamp,
                                        TestSectors.of(run.count(), random.nextLong())));
            }
        }
        return values;
    }

    /** The floor only rises: the machine appends no other. */
    private static boolean isSensible(ReplicaRecord record, MemoryReplicaTable model) {
        return switch (record) {
            case ReplicaRecord.Floor floor -> floor.epoch() > model.floor();
            case ReplicaRecord.Drop drop -> model.state(drop.chunk()) != null;
            case ReplicaRecord.Unstage unstage -> model.state(unstage.chunk()) != null;
            default -> true;
        };
    }

    private void liveAndCrash(int seed, boolean powerCut) throws Exception {
        var random = new Random(seed);
        var files = new MemoryFiles();
        var history = new ArrayList<Logged>();
        int next = 0;
        for (int life = 0; life < 4; life++) {
            String context = "seed " + seed + ", life " + life;
            var now = new Life(files, history);
            assertTrue(history.size() >= next, context);
            assertFalse(now.store.identity().logDamaged(), context);
            now.check(context + ", opened");
            for (int i = random.nextInt(300); i > 0; i--) {
                var record = random(random);
                if (isSensible(record, now.model)) {
                    long position = now.append(record, history);
                    if (random.nextInt(8) == 0) {
                        now.store.commit().awaitDurable(position);
                    }
                }
            }
            if (random.nextBoolean()) {
                now.check(context);
            }
            long durable = now.store.commit().durablePosition();
            next = (int) history.stream().filter(l -> l.position() <= durable).count();
            if (random.nextInt(4) == 0) {
                next = history.size();
                now.close();
                files = now.files.copy();
            } else {
                files = now.crash(random, powerCut);
            }
        }
    }

    @Test
    void itShowsWhatTheModelShowsOverPowerCutsAndCompaction() throws Exception {
        for (int seed = 0; seed < 6; seed++) {
            liveAndCrash(seed, true);
            deleteIndex();
        }
    }

    @Test
    void itShowsWhatTheModelShowsOverKills() throws Exception {
        for (int seed = 100; seed < 106; seed++) {
            liveAndCrash(seed, false);
            deleteIndex();
        }
    }

    private void deleteIndex() throws IOException {
        try (var files = Files.walk(directory)) {
            for (var file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                if (!file.equals(directory)) {
                    Files.delete(file);
                }
            }
        }
    }

    private static ReplicaRecord put(int chunk, int first, int count, long counter) {
        var state = new ReplicaState(Status.LIVE, 1, 1, Digest.EMPTY);
        var value =
                new ValueRun(
                        new SectorRun(first, count),
                        new Timestamp(1, counter, 1),
                        TestSectors.of(count, counter));
        return new ReplicaRecord.Put(new ChunkId(chunk), state, List.of(value));
    }

    @Test
    void overwrittenSpaceComesBack() throws Exception {
        var history = new ArrayList<Logged>();
        try (var life = new Life(new MemoryFiles(), history)) {
            long counter = 1;
            for (int round = 0; round < 12; round++) {
                for (int chunk = 0; chunk < CHUNKS; chunk++) {
                    var _ = life.append(put(chunk, 10 * (round % 2), 10, counter++), history);
                    // One sector in each segment stays, so that none dies by itself.
                    var _ = life.append(put(chunk, 30 + round, 1, counter++), history);
                }
                life.store.commit().awaitDurable(life.store.commit().appendedPosition());
            }
            long live = CHUNKS * 32L * 4128;
            long deadline = System.nanoTime() + 20_000_000_000L;
            var _ = life.append(put(0, 100, 1, counter++), history);
            while (life.store.log().writtenBytes() > 2 * live + 3 * OPTIONS.segmentBytes()) {
                assertTrue(System.nanoTime() < deadline, "space did not come back");
                Thread.onSpinWait();
            }
            life.check("compacted");
        }
    }

    @Test
    void anIndexWithoutItsLogIsDamage() throws Exception {
        var history = new ArrayList<Logged>();
        try (var life = new Life(new MemoryFiles(), history)) {
            var _ = life.append(put(1, 0, 3, 1), history);
        }
        try (var life = new Life(new MemoryFiles(), history)) {
            assertTrue(life.store.identity().logDamaged());
        }
    }

    @Test
    void aFullDiskTakesPromisesButNoSectors() throws Exception {
        var history = new ArrayList<Logged>();
        try (var life = new Life(new MemoryFiles(), history)) {
            assertTrue(life.store.hasSpace(1 << 20));
            life.files.usable = OPTIONS.reserveBytes() + 1000;
            long deadline = System.nanoTime() + 10_000_000_000L;
            while (life.store.hasSpace(4128)) {
                assertTrue(System.nanoTime() < deadline, "free space is asked for");
                Thread.onSpinWait();
            }
            var promise = new ReplicaState(Status.LIVE, 9, 0, Digest.EMPTY);
            life.store
                    .commit()
                    .awaitDurable(
                            life.append(new ReplicaRecord.State(new ChunkId(1), promise), history));
            life.check("full");
        }
    }

    @Test
    void damageInTheLogMakesItANewStoreWhoseChunksAnswerNothing() throws Exception {
        var history = new ArrayList<Logged>();
        byte[] before;
        var files = new MemoryFiles();
        try (var life = new Life(files, history)) {
            before = life.store.identity().identity();
            var _ = life.append(put(1, 0, 3, 1), history);
            life.store.commit().awaitDurable(life.append(put(2, 0, 3, 2), history));
        }
        var name = Segment.name(LogPosition.segment(history.getFirst().position()));
        byte[] bytes = files.bytes(name);
        bytes[RecordCodec.SEGMENT_HEADER_BYTES + 20] ^= 1;
        files.put(name, bytes);
        deleteIndex();
        try (var life = new Life(files, new ArrayList<>())) {
            assertTrue(life.store.identity().logDamaged());
            assertFalse(java.util.Arrays.equals(before, life.store.identity().identity()));
            var chunk = new ChunkId(2);
            life.index.lock(chunk).lock();
            try {
                assertEquals(Status.DAMAGED, life.index.state(chunk).status());
                assertEquals(1, life.index.state(chunk).promised());
            } finally {
                life.index.lock(chunk).unlock();
            }
            assertEquals(List.of(2L), life.index.damagedChunks(10));
            life.store.registered();
            assertFalse(life.store.identity().logDamaged());
        }
    }
}

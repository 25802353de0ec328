package org.keelfs.node.repair;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.buffer.BufferPool;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.store.DiskFiles;
import org.keelfs.node.store.HolePuncher;
import org.keelfs.node.store.LogPosition;
import org.keelfs.node.store.RunWords;
import org.keelfs.node.store.SectorStore;
import org.keelfs.node.store.StoreOptions;
import org.keelfs.node.store.TestSectors;
import org.keelfs.register.Digest;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaState;
import org.keelfs.register.ValueRun;

/** Bytes that rot on a real disk. */
@Timeout(30)
class ScrubberTest {
    private static final ChunkId CHUNK = new ChunkId(1);

    @TempDir Path directory;

    @Test
    void aRottenSectorIsFoundAndAWriteOfItHealsIt() throws Exception {
        var index = new ChunkIndex(directory.resolve("index"), 1 << 20, 1 << 20);
        try (var pool = new BufferPool("test", 4 << 20);
                var store =
                        new SectorStore(
                                new DiskFiles(directory, new HolePuncher()),
                                index,
                                StoreOptions.DEFAULT,
                                pool,
                                (name, loop) -> new Thread(loop, name).start(),
                                _ -> {});
                var scrubber = new Scrubber(store, index, pool, 0, (_, _) -> {})) {
            put(store, index, new SectorRun(0, 100));
            assertEquals(0, scrubber.scrubAll());
            long place;
            index.lock(CHUNK).lock();
            try {
                place = RunWords.place(index.places(CHUNK, new SectorRun(70, 1)), 0);
            } finally {
                index.lock(CHUNK).unlock();
            }
            rot(LogPosition.offset(place) + Payload.STORED_SECTOR_BYTES / 2);
            assertEquals(1, scrubber.scrubAll());
            assertEquals(0, scrubber.scrubAll());
            assertEquals(1, scrubber.damagedSectorCount());
            index.lock(CHUNK).lock();
            try {
                assertTrue(index.damaged(CHUNK, new SectorRun(70, 1)));
                assertFalse(index.damaged(CHUNK, new SectorRun(0, 70)));
                assertFalse(index.damaged(CHUNK, new SectorRun(71, 29)));
                assertEquals(1, index.stamps(CHUNK, new SectorRun(0, 100)).size());
            } finally {
                index.lock(CHUNK).unlock();
            }
            put(store, index, new SectorRun(70, 1));
            assertEquals(0, scrubber.scrubAll());
            index.lock(CHUNK).lock();
            try {
                assertFalse(index.damaged(CHUNK, new SectorRun(0, 100)));
            } finally {
                index.lock(CHUNK).unlock();
            }
        }
    }

    private static void put(SectorStore store, ChunkIndex index, SectorRun run) throws Exception {
        var state = new ReplicaState(ReplicaState.Status.LIVE, 1, 1, Digest.EMPTY);
        var value = new ValueRun(run, new Timestamp(1, 1, 1), TestSectors.of(run.count(), 1));
        long position;
        index.lock(CHUNK).lock();
        try {
            position = index.append(new ReplicaRecord.Put(CHUNK, state, List.of(value)));
        } finally {
            index.lock(CHUNK).unlock();
        }
        store.commit().awaitDurable(position);
    }

    private void rot(long offset) throws Exception {
        try (var files = Files.list(directory)) {
            var segment = files.filter(f -> f.toString().endsWith(".segment")).findFirst();
            try (var channel = FileChannel.open(segment.orElseThrow(), StandardOpenOption.WRITE)) {
                assertEquals(4, channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}), offset));
            }
        }
    }
}

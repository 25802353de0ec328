package org.keelfs.client.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.Errno;
import org.keelfs.client.quorum.ChunkClients;
import org.keelfs.client.quorum.MemoryCluster;
import org.keelfs.client.quorum.QuorumConfig;
import org.keelfs.crypto.MasterKey;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;

/**
 * Files up to the greatest size: what it costs goes by what they hold, not by how far they reach.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class WideFilesTest {
    private static final InodeId FILE = new InodeId(7);
    private static final long MAX = FileSize.MAX_BYTES;
    private static final int SECTOR = 4096;
    private static final long MIB = 1 << 20;

    /** Metadata calls of one operation here: none goes through the indexes of a hole. */
    private static final int CALLS_MAX = 6;

    private final MemoryCluster cluster = new MemoryCluster(1);
    private final MasterKey master = MasterKey.random();
    private final List<AutoCloseable> open = new ArrayList<>();
    private BufferedFileData data = mount();

    private BufferedFileData mount() {
        int timeoutMs = 20_000;
        ChunkClients clients =
                cluster.mount(
                        new QuorumConfig(
                                MemoryCluster.CHUNK_BYTES / SECTOR, 5_000, 2_000, timeoutMs));
        var config =
                new DataConfig(
                        MemoryCluster.CHUNK_BYTES, 4 << 20, 4 << 20, 60_000, 2 << 20, timeoutMs);
        var listener =
                new WriteBackListener() {
                    @Override
                    public void afterFlush(List<InodeId> flushed) {}

                    @Override
                    public void onWriteBackError(InodeId inode, Errno errno) {}
                };
        var mounted =
                new BufferedFileData(
                        config, clients, master, listener, cluster.workers, cluster.timer);
        open.add(mounted);
        open.add(clients);
        return mounted;
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable closeable : open) {
            closeable.close();
        }
        cluster.close();
    }

    private void write(long offset, byte[] bytes) {
        assertTrue(data.write(FILE, offset, ByteBuffer.wrap(bytes), 0, true));
    }

    private byte[] read(long offset, int length) {
        var target = ByteBuffer.allocate(length);
        assertTrue(data.read(FILE, offset, target, true));
        return target.array();
    }

    private static byte[] random(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** Runs something that may make only few calls to the metadata server. */
    private void inFewCalls(Runnable action) {
        long before = cluster.layoutCalls.get();
        action.run();
        long calls = cluster.layoutCalls.get() - before;
        assertTrue(calls <= CALLS_MAX, calls + " calls");
    }

    private void seeks(long expected, long offset, boolean isData) {
        inFewCalls(() -> assertEquals(expected, data.seek(FILE, offset, MAX, isData)));
    }

    /** Data in the first sector, in the middle, and in the last sector. */
    private void writeThree() {
        write(0, random(1, SECTOR));
        write(MAX / 2 / MIB * MIB + SECTOR, random(2, SECTOR));
        write(MAX - SECTOR, random(3, SECTOR));
    }

    private void seeksFindThree() {
        long middle = MAX / 2 / MIB * MIB + SECTOR;
        seeks(0, 0, true);
        seeks(SECTOR, 0, false);
        seeks(middle, SECTOR, true);
        seeks(middle + 5, middle + 5, true);
        seeks(middle + SECTOR, middle, false);
        seeks(MAX - SECTOR, middle + SECTOR, true);
        seeks(MAX - 1, MAX - 1, true);
        seeks(-1, MAX - SECTOR, false);
        seeks(MAX - SECTOR - 1, MAX - SECTOR - 1, false);
        seeks(1L << 50, 1L << 50, false);
    }

    @Test
    void seeksCrossAnyHoleInFewCallsWhateverIsDirty() {
        writeThree();
        seeksFindThree();
        data.flush(FILE);
        seeksFindThree();
        data = mount();
        seeksFindThree();
        assertArrayEquals(random(3, SECTOR), read(MAX - SECTOR, SECTOR));
        assertArrayEquals(random(2, SECTOR), read(MAX / 2 / MIB * MIB + SECTOR, SECTOR));
    }

    @Test
    void aSeekSeesWhatIsDirtyInFrontOfWhatIsStoredAndBehindIt() {
        write(1L << 52, random(1, SECTOR));
        data.flush(FILE);
        write(1L << 42, random(2, SECTOR));
        write(1L << 60, random(3, SECTOR));
        seeks(1L << 42, 0, true);
        seeks(1L << 52, (1L << 42) + SECTOR, true);
        seeks(1L << 60, (1L << 52) + SECTOR, true);
        seeks(-1, (1L << 60) + SECTOR, true);
    }

    /** The answer tells of no chunk yet, and what is dirty no more. */
    @Test
    void aSeekSeesWhatIsFlushedWhileItAsks() {
        write(1L << 42, random(1, SECTOR));
        cluster.behindFind.set(() -> data.flush(FILE));
        seeks(1L << 42, 0, true);
        assertFalse(data.isDirty(FILE));
        write(1L << 50, random(2, SECTOR));
        cluster.behindFind.set(() -> data.flush(FILE));
        seeks(1L << 50, (1L << 42) + MIB, true);
        assertNull(cluster.behindFind.get());
    }

    @Test
    void emptyChunksAreSteppedOver() {
        for (int i = 0; i < 4; i++) {
            write((1L << 50) * (1 + i), random(i, SECTOR));
        }
        data.flush(FILE);
        data.punch(FILE, 0, 3L << 50);
        data.punch(FILE, 3L << 50, (3L << 50) + SECTOR);
        seeks(4L << 50, 0, true);
    }

    @Test
    void punchesAndTrimsReachWhatThereIsAndNothingElse() {
        writeThree();
        data.flush(FILE);
        assertEquals(3, data.takeAllocatedDelta(FILE));
        inFewCalls(() -> data.punch(FILE, 100, MAX - 100));
        data.flush(FILE);
        assertEquals(-1, data.takeAllocatedDelta(FILE));
        byte[] first = read(0, 2 * SECTOR);
        for (int i = 0; i < first.length; i++) {
            assertEquals(i < 100 ? random(1, SECTOR)[i] : 0, first[i]);
        }
        assertArrayEquals(new byte[SECTOR - 100], read(MAX - SECTOR, SECTOR - 100));
        seeks(MAX - SECTOR, SECTOR, true);
        inFewCalls(() -> data.trim(FILE, 0, MAX));
        seeks(-1, 0, true);
        assertArrayEquals(new byte[SECTOR], read(MAX - SECTOR, SECTOR));
    }

    @Test
    void sharedTrimsDoNotGoThroughTheHole() {
        writeThree();
        data.flush(FILE);
        cluster.shared = true;
        data = mount();
        // One more for each chunk, which is opened by itself.
        long before = cluster.layoutCalls.get();
        assertEquals(-2, data.trimShared(FILE, SECTOR, MAX));
        assertTrue(cluster.layoutCalls.get() - before <= 2 * CALLS_MAX);
    }

    @Test
    void aTruncationForgetsWhatIsBehindIt() {
        writeThree();
        data.flush(FILE);
        inFewCalls(() -> data.truncate(FILE, MAX, 10));
        cluster.drop(FILE, 1);
        seeks(-1, SECTOR, true);
        seeks(0, 0, true);
        assertArrayEquals(new byte[SECTOR], read(MAX - SECTOR, SECTOR));
    }

    /** Of more chunks than one call finds. */
    @Test
    void aFileOfManyFarChunksIsGoneThroughInSteps() {
        int chunks = ChunkMap.CHUNKS_MAX + 10;
        for (int i = 0; i < chunks; i++) {
            write(i * (1L << 50) / 8, random(i, SECTOR));
        }
        data.flush(FILE);
        assertEquals(chunks, data.takeAllocatedDelta(FILE));
        inFewCalls(() -> data.punch(FILE, 0, (chunks - 1) * (1L << 50) / 8));
        assertEquals(1 - chunks, data.takeAllocatedDelta(FILE));
        assertEquals((chunks - 1) * (1L << 50) / 8, data.seek(FILE, 0, MAX, true));
        assertEquals(-1, data.seek(FILE, (chunks - 1) * (1L << 50) / 8 + SECTOR, MAX, true));
    }
}

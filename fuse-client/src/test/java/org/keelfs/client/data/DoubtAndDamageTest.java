package org.keelfs.client.data;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.quorum.ChunkClients;
import org.keelfs.client.quorum.MemoryCluster;
import org.keelfs.client.quorum.MemoryNode;
import org.keelfs.client.quorum.MemoryNode.Mood;
import org.keelfs.client.quorum.QuorumConfig;
import org.keelfs.crypto.MasterKey;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.ValueRun;

/** Writes in doubt, leases lost on the way, replicas that rot or forget, keys used up. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class DoubtAndDamageTest {
    private static final InodeId FILE = new InodeId(7);
    private static final int SECTOR = 4096;
    private static final long TIMEOUT_MS = 10_000;

    /** A third of them is more than a session remembers of one replica. */
    private static final int LONE_WRITES = 3 * (ChunkSession.MISSED_RUNS_MAX + 50);

    private static final WriteBackListener NOBODY =
            new WriteBackListener() {
                @Override
                public void afterFlush(List<InodeId> flushed) {}

                @Override
                public void onWriteBackError(InodeId inode, Errno errno) {}
            };

    private final MemoryCluster cluster = new MemoryCluster(11);
    private final MasterKey master = MasterKey.random();
    private final List<AutoCloseable> open = new ArrayList<>();

    private BufferedFileData mount(int chunkBytes, long timeoutMs, long epochSectorsMax) {
        ChunkClients clients =
                cluster.mount(
                        new QuorumConfig(
                                chunkBytes / SECTOR, 400, 200, timeoutMs, epochSectorsMax));
        var config = new DataConfig(chunkBytes, 32 << 20, 8 << 20, 5_000, 2 << 20, timeoutMs);
        var data =
                new BufferedFileData(
                        config, clients, master, NOBODY, cluster.workers, cluster.timer);
        open.add(data);
        open.add(clients);
        return data;
    }

    private BufferedFileData mount() {
        return mount(MemoryCluster.CHUNK_BYTES, TIMEOUT_MS, QuorumConfig.EPOCH_SECTORS_MAX);
    }

    @AfterEach
    void takeAway() throws Exception {
        for (AutoCloseable closeable : open) {
            closeable.close();
        }
        cluster.close();
    }

    private static void write(BufferedFileData data, long offset, byte[] bytes, long size) {
        assertTrue(data.write(FILE, offset, ByteBuffer.wrap(bytes), size, true));
    }

    private static byte[] read(BufferedFileData data, long offset, int length) {
        var target = ByteBuffer.allocate(length);
        assertTrue(data.read(FILE, offset, target, true));
        return target.array();
    }

    private static byte[] random(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void seekingBesideWritesFindsEverySector() throws Exception {
        BufferedFileData data = mount();
        int sectors = 200;
        long size = (long) sectors * SECTOR;
        write(data, 0, random(1, (int) size), 0);
        data.flush(FILE);
        var stop = new AtomicBoolean();
        var places = new Random(3);
        var writer =
                CompletableFuture.runAsync(
                        () -> {
                            while (!stop.get()) {
                                long at = (long) places.nextInt(sectors) * SECTOR;
                                write(data, at, random(4, SECTOR), size);
                                data.flush(FILE);
                            }
                        },
                        cluster.workers);
        try {
            for (int i = 0; i < 2_000; i++) {
                assertEquals(-1, data.seek(FILE, 0, size, false), "a hole");
                assertEquals(SECTOR, data.seek(FILE, SECTOR, size, true), "no data");
            }
        } finally {
            stop.set(true);
        }
        writer.join();
    }

    private static byte[] stored(MemoryNode node, ChunkId chunk, int sector) {
        ValueRun value = node.values(chunk, new SectorRun(sector, 1)).getFirst();
        var bytes = ((org.keelfs.buffer.PayloadBuffer) value.payload()).bytes();
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        return copy;
    }

    /** Of the file's chunks, on the first node, which may have them later than the majority. */
    private List<ChunkId> damageFirstReplicas(int chunkCount) {
        MemoryNode node = cluster.nodes.getFirst();
        await("the first node has all chunks").until(() -> node.chunks().size() == chunkCount);
        List<ChunkId> chunks = node.chunks();
        for (ChunkId chunk : chunks) {
            node.damage(chunk, 3);
        }
        return chunks;
    }

    @Test
    void bytesThatFailTheirTagAreReplacedByThoseOfAnotherReplica() {
        byte[] bytes = random(1, 3 << 20);
        var first = mount();
        write(first, 0, bytes, 0);
        first.flush(FILE);
        List<ChunkId> chunks = damageFirstReplicas(3);
        // Two are left to read from, and neighbouring chunks begin with different ones.
        cluster.nodes.get(2).mood = Mood.DOWN;
        assertArrayEquals(bytes, read(mount(), 0, bytes.length));
        await("the damaged sector is replaced")
                .until(
                        () ->
                                chunks.stream()
                                        .anyMatch(
                                                chunk ->
                                                        Arrays.equals(
                                                                stored(
                                                                        cluster.nodes.get(0),
                                                                        chunk,
                                                                        3),
                                                                stored(
                                                                        cluster.nodes.get(1),
                                                                        chunk,
                                                                        3))));
    }

    @Test
    void aSlowReplicaIsWaitedForWhenTheQuickOnesBytesFailTheirTag() {
        byte[] bytes = random(1, 2 << 20);
        var first = mount();
        write(first, 0, bytes, 0);
        first.flush(FILE);
        List<ChunkId> _ = damageFirstReplicas(2);
        cluster.nodes.get(2).mood = Mood.DOWN;
        cluster.nodes.get(1).replyAfterMs = 300; // Longer than a read waits before it hedges.
        assertArrayEquals(bytes, read(mount(), 0, bytes.length));
    }

    @Test
    void aTrimInDoubtThatNobodySendsAgainHoldsUpNoRead() {
        var data = mount(MemoryCluster.CHUNK_BYTES, 1_000, QuorumConfig.EPOCH_SECTORS_MAX);
        byte[] bytes = random(1, 100 * SECTOR);
        write(data, 0, bytes, 0);
        data.flush(FILE);
        cluster.nodes.get(1).mood = Mood.DOWN;
        cluster.nodes.get(2).mood = Mood.DOWN;
        var e = assertThrows(FsException.class, () -> data.punch(FILE, 10 * SECTOR, 20 * SECTOR));
        assertEquals(Errno.EIO, e.errno());
        cluster.nodes.get(1).mood = Mood.WELL;
        byte[] seen = read(data, 0, bytes.length);
        byte[] punched = bytes.clone();
        Arrays.fill(punched, 10 * SECTOR, 20 * SECTOR, (byte) 0);
        assertTrue(Arrays.equals(bytes, seen) || Arrays.equals(punched, seen));
        cluster.nodes.get(2).mood = Mood.WELL;
        assertFalse(data.isInDoubt(FILE));
        assertArrayEquals(seen, read(mount(), 0, bytes.length));
    }

    /** The sector of one write: no two are neighbours, and none is a write of the same run. */
    private static int lone(int write) {
        return 1 + 2 * write;
    }

    /**
     * Each replica misses every third of these writes, and no catch-up succeeds while their epoch
     * lasts: all replicas lag (decision 0002), and none can come back to what is known.
     */
    private long missTooMuchEverywhere(BufferedFileData data) {
        write(data, 0, random(9, SECTOR), 0);
        data.flush(FILE);
        MemoryNode first = cluster.nodes.getFirst();
        ChunkId chunk = first.chunks().getFirst();
        long epoch = first.values(chunk, new SectorRun(0, 1)).getFirst().timestamp().epoch();
        for (int node = 0; node < 3; node++) {
            int third = node;
            cluster.nodes.get(node).refusal =
                    request ->
                            request.epoch() == epoch
                                    && (request instanceof RegisterRequest.Install
                                            || (request instanceof RegisterRequest.Write write
                                                    && write.run().first() / 2 % 3 == third));
        }
        for (int i = 0; i < LONE_WRITES; i++) {
            write(data, (long) lone(i) * SECTOR, random(i, SECTOR), 0);
        }
        data.flush(FILE);
        assertFalse(data.isInDoubt(FILE));
        return (long) (lone(LONE_WRITES - 1) + 1) * SECTOR;
    }

    @Test
    void whenEveryReplicaMissedTooMuchAFreshEpochComparesThemForAReader() {
        var data = mount(64 << 20, TIMEOUT_MS, QuorumConfig.EPOCH_SECTORS_MAX);
        long _ = missTooMuchEverywhere(data);
        data.forgetClean(FILE);
        for (int i = 0; i < LONE_WRITES; i += 100) {
            assertArrayEquals(random(i, SECTOR), read(data, (long) lone(i) * SECTOR, SECTOR));
        }
    }

    @Test
    void whenEveryReplicaMissedTooMuchAFreshEpochComparesThemForASeek() {
        var data = mount(64 << 20, TIMEOUT_MS, QuorumConfig.EPOCH_SECTORS_MAX);
        long size = missTooMuchEverywhere(data);
        for (int i = 0; i < LONE_WRITES - 1; i += 100) {
            long at = (long) lone(i) * SECTOR;
            assertEquals(at + SECTOR, data.seek(FILE, at, size, false), "a hole");
            assertEquals(at + 2 * SECTOR, data.seek(FILE, at + SECTOR, size, true), "data");
        }
    }

    @Test
    void aKeyThatEncryptedEnoughIsFollowedByThatOfAFreshEpoch() {
        var data = mount(MemoryCluster.CHUNK_BYTES, TIMEOUT_MS, 64);
        byte[] bytes = random(1, 200 * SECTOR);
        for (int at = 0; at < bytes.length; at += 50 * SECTOR) {
            write(data, at, Arrays.copyOfRange(bytes, at, at + 50 * SECTOR), at);
            data.flush(FILE);
        }
        var epochs = new TreeSet<Long>();
        ChunkId chunk = cluster.nodes.getFirst().chunks().getFirst();
        for (ValueRun value : cluster.nodes.getFirst().values(chunk, new SectorRun(0, 200))) {
            epochs.add(value.timestamp().epoch());
        }
        assertEquals(2, epochs.size(), epochs::toString);
        assertArrayEquals(bytes, read(mount(), 0, bytes.length));
    }

    @Test
    void whatWasOnItsWayWhenTheLeaseWentIsNotWrittenUnderTheNext() {
        var data = mount();
        byte[] base = random(1, 50 * SECTOR);
        write(data, 0, base, 0);
        data.flush(FILE);
        cluster.nodes.forEach(node -> node.mood = Mood.SILENT);
        long before = cluster.nodes.getFirst().asked.get();
        write(data, 0, random(2, 50 * SECTOR), base.length);
        var outcome =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                data.flush(FILE);
                                return null;
                            } catch (FsException e) {
                                return e.errno();
                            }
                        },
                        cluster.workers);
        await("the write is on its way").until(() -> cluster.nodes.getFirst().asked.get() > before);
        assertTrue(data.abandon(FILE));
        cluster.nodes.forEach(node -> node.mood = Mood.WELL);
        var other = mount();
        byte[] newer = random(3, 50 * SECTOR);
        write(other, 0, newer, base.length);
        other.flush(FILE);
        // The first mount has the lease again, with nothing left of what it had.
        assertEquals(Errno.EIO, outcome.join());
        assertArrayEquals(newer, read(data, 0, newer.length));
        assertArrayEquals(newer, read(mount(), 0, newer.length));
    }
}

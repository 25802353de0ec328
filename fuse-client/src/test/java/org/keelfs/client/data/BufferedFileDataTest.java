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
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.quorum.ChunkClients;
import org.keelfs.client.quorum.MemoryCluster;
import org.keelfs.client.quorum.MemoryNode.Mood;
import org.keelfs.client.quorum.QuorumConfig;
import org.keelfs.crypto.MasterKey;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class BufferedFileDataTest {
    private static final InodeId FILE = new InodeId(7);

    private final MemoryCluster cluster = new MemoryCluster(1);
    private final MasterKey master = MasterKey.random();
    private final List<AutoCloseable> open = new ArrayList<>();
    private final List<Errno> errors = new CopyOnWriteArrayList<>();
    private final List<InodeId> flushed = new CopyOnWriteArrayList<>();
    private BufferedFileData data = mount(4 << 20, 4 << 20, 5_000, 10_000);

    private BufferedFileData mount(long dirtyMax, long cleanMax, long ageMs, long timeoutMs) {
        ChunkClients clients =
                cluster.mount(
                        new QuorumConfig(MemoryCluster.CHUNK_BYTES / 4096, 400, 200, timeoutMs));
        var config =
                new DataConfig(
                        MemoryCluster.CHUNK_BYTES, dirtyMax, cleanMax, ageMs, 2 << 20, timeoutMs);
        var mounted =
                new BufferedFileData(
                        config,
                        clients,
                        master,
                        new WriteBackListener() {
                            @Override
                            public void afterFlush(List<InodeId> some) {
                                flushed.addAll(some);
                            }

                            @Override
                            public void onWriteBackError(InodeId inode, Errno errno) {
                                errors.add(errno);
                            }
                        },
                        cluster.workers,
                        cluster.timer);
        open.add(mounted);
        open.add(clients);
        return mounted;
    }

    /** Another process comes after this one: nothing cached, fresh epochs. */
    private void remount() {
        data = mount(4 << 20, 4 << 20, 5_000, 10_000);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable closeable : open) {
            closeable.close();
        }
        cluster.close();
    }

    private void write(long offset, byte[] bytes, long sizeBefore) {
        assertTrue(data.write(FILE, offset, ByteBuffer.wrap(bytes), sizeBefore, true));
    }

    private byte[] read(long offset, int length) {
        var target = ByteBuffer.allocate(length);
        assertTrue(data.read(FILE, offset, target, true));
        assertFalse(target.hasRemaining());
        return target.array();
    }

    /** A frame goes back when the thread that brought it is done with it: maybe after the read. */
    private void awaitNoReplyIsHeld() {
        await("frames given back").until(() -> cluster.replies.bytesInUse() == 0);
    }

    private static byte[] random(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void bytesComeBackFromTheBufferTheCacheAndTheNodes() {
        byte[] bytes = random(1, 300_000);
        write(12_345, bytes, 0);
        assertArrayEquals(bytes, read(12_345, bytes.length));
        assertTrue(data.isDirty(FILE));
        data.flush(FILE);
        assertFalse(data.isDirty(FILE));
        assertEquals(List.of(), data.dirtyInodes());
        assertArrayEquals(bytes, read(12_345, bytes.length));
        remount();
        assertArrayEquals(bytes, read(12_345, bytes.length));
        assertArrayEquals(new byte[12_345], read(0, 12_345));
        awaitNoReplyIsHeld();
    }

    @Test
    void allocatedSectorsAreCountedOnce() {
        write(0, random(1, 40_960), 0);
        data.flush(FILE);
        write(0, random(2, 40_960), 40_960);
        data.flush(FILE);
        assertEquals(10, data.takeAllocatedDelta(FILE));
        data.punch(FILE, 4096, 3 * 4096);
        assertEquals(-2, data.takeAllocatedDelta(FILE));
        assertEquals(0, data.takeAllocatedDelta(FILE));
    }

    @Test
    void nothingOfTheSectorThatHeldAnEarlierEndComesBack() {
        write(0, random(1, 16_384), 0);
        data.flush(FILE);
        // The zeros behind each end are still in the buffer when the next end drops them.
        data.truncate(FILE, 16_384, 12_388);
        data.truncate(FILE, 12_388, 8_292);
        data.trim(FILE, 8_292, 12_388);
        data.truncate(FILE, 12_388, 4_096);
        data.trim(FILE, 4_096, 8_292);
        write(16_384, random(2, 10), 4_096);
        assertArrayEquals(new byte[12_288], read(4_096, 12_288));
        data.flush(FILE);
        remount();
        assertArrayEquals(new byte[12_288], read(4_096, 12_288));
    }

    @Test
    void randomOperationsAgreeWithAModel() {
        for (int seed = 0; seed < 6; seed++) {
            var file = new InodeId(1000 + seed);
            agree(file, new Random(seed), seed % 2 == 1);
        }
        awaitNoReplyIsHeld();
    }

    private void agree(InodeId file, Random random, boolean small) {
        byte[] model = new byte[3 << 20];
        int size = 0;
        int most = small ? 40_000 : 700_000;
        for (int step = 0; step < 250; step++) {
            int at = random.nextInt(small ? 200_000 : 2_400_000);
            int length = 1 + random.nextInt(random.nextInt(most) + 1);
            switch (random.nextInt(12)) {
                case 0, 1, 2, 3 -> {
                    byte[] bytes = random(step, length);
                    if (at > size) {
                        data.trim(file, size, at);
                    }
                    assertTrue(data.write(file, at, ByteBuffer.wrap(bytes), size, true));
                    System.arraycopy(bytes, 0, model, at, length);
                    size = Math.max(size, at + length);
                }
                case 4 -> {
                    int newSize = Math.min(size, at);
                    cluster.drop(file, Math.ceilDiv(newSize, MemoryCluster.CHUNK_BYTES));
                    data.truncate(file, size, newSize);
                    // What the server would ask for at the next extension.
                    int bound = Math.ceilDiv(newSize, MemoryCluster.CHUNK_BYTES);
                    data.trim(file, newSize, (long) bound * MemoryCluster.CHUNK_BYTES);
                    Arrays.fill(model, newSize, model.length, (byte) 0);
                    size = newSize;
                }
                case 5 -> {
                    int end = Math.min(size, at + length);
                    if (at < end) {
                        data.punch(file, at, end);
                        Arrays.fill(model, at, end, (byte) 0);
                    }
                }
                case 6 -> data.flush(file);
                case 7 -> {
                    if (step % 5 == 0) {
                        data.flush(file);
                        remount();
                    }
                }
                default -> {
                    int end = Math.min(size, at + length);
                    if (at < end) {
                        var target = ByteBuffer.allocateDirect(end - at);
                        assertTrue(data.read(file, at, target, true));
                        byte[] found = new byte[end - at];
                        target.flip().get(found);
                        assertArrayEquals(
                                Arrays.copyOfRange(model, at, end), found, "step " + step);
                    }
                }
            }
        }
    }

    @Test
    void writersAndFlushesAtOnceLoseNothing() throws Exception {
        int writers = 4;
        int each = 1_500_000;
        var threads = new ArrayList<Thread>();
        var failures = new CopyOnWriteArrayList<Throwable>();
        for (int w = 0; w < writers; w++) {
            int number = w;
            threads.add(
                    Thread.startVirtualThread(
                            () -> {
                                try {
                                    byte[] bytes = random(number, each);
                                    long base = (long) number * each;
                                    for (int at = 0; at < each; at += 10_007) {
                                        int length = Math.min(10_007, each - at);
                                        data.write(
                                                FILE,
                                                base + at,
                                                ByteBuffer.wrap(bytes, at, length),
                                                0,
                                                true);
                                        if (at % 7 == 0) {
                                            data.flush(FILE);
                                        }
                                    }
                                } catch (Throwable e) {
                                    failures.add(e);
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(List.of(), failures);
        data.flush(FILE);
        remount();
        // Writers share the sectors at their borders, and said that nothing is behind: those are
        // not compared.
        for (int w = 0; w < writers; w++) {
            byte[] expected = Arrays.copyOfRange(random(w, each), 4096, each - 4096);
            assertArrayEquals(expected, read((long) w * each + 4096, each - 8192));
        }
        awaitNoReplyIsHeld();
    }

    @Test
    void whatIsOldIsFlushedByItselfAndToldOnce() throws Exception {
        data = mount(4 << 20, 4 << 20, 100, 10_000);
        write(0, random(1, 5000), 0);
        await().until(() -> !flushed.isEmpty());
        assertEquals(List.of(FILE), flushed);
        assertEquals(2, data.takeAllocatedDelta(FILE));
        assertFalse(data.isDirty(FILE));
    }

    @Test
    void manySmallFilesAreFlushedTogether() throws Exception {
        data = mount(4 << 20, 4 << 20, 300, 10_000);
        for (int i = 0; i < 200; i++) {
            data.write(new InodeId(100 + i), 0, ByteBuffer.wrap(random(i, 4096)), 0, true);
        }
        await().until(() -> flushed.size() >= 200);
        assertEquals(200, flushed.size());
        assertTrue(cluster.layoutCalls.get() <= 4, "layouts in " + cluster.layoutCalls);
        long frames = cluster.nodes.getFirst().frames.get();
        assertTrue(frames < 100, "sectors of 200 files in " + frames + " frames");
    }

    @Test
    void oneNodeOfThreeIsNotMissedAndCatchesUp() throws Exception {
        write(0, random(1, 100_000), 0);
        data.flush(FILE);
        cluster.nodes.get(1).mood = Mood.DOWN;
        write(50_000, random(2, 1_000_000), 100_000);
        data.flush(FILE);
        data.forgetClean(FILE);
        assertArrayEquals(random(2, 1_000_000), read(50_000, 1_000_000));
        cluster.nodes.get(1).mood = Mood.WELL;
        awaitEqualReplicas();
        cluster.nodes.get(0).mood = Mood.SILENT;
        data.forgetClean(FILE);
        assertArrayEquals(random(2, 1_000_000), read(50_000, 1_000_000));
    }

    private void awaitEqualReplicas() {
        await("all replicas hold the same")
                .atMost(20, TimeUnit.SECONDS)
                .until(
                        () ->
                                cluster.nodes.stream()
                                                .map(BufferedFileDataTest::stamps)
                                                .distinct()
                                                .count()
                                        == 1);
    }

    private static String stamps(org.keelfs.client.quorum.MemoryNode node) {
        var text = new StringBuilder();
        for (ChunkId chunk : node.chunks().stream().sorted().toList()) {
            node.values(chunk, new org.keelfs.model.SectorRun(0, 256))
                    .forEach(v -> text.append(chunk).append(v.run()).append(v.timestamp()));
        }
        return text.toString();
    }

    /**
     * With little patience a flush may fail on a busy machine, or be told of an attempt that began
     * while nodes were away: it is repeated, as programs do.
     */
    private void awaitFlushed() {
        await("all is stored")
                .ignoreException(FsException.class)
                .untilAsserted(() -> data.flush(FILE));
    }

    @Test
    void withoutAMajorityItFailsAndGoesOnWhenOneReturns() throws Exception {
        data = mount(4 << 20, 4 << 20, 200, 1_000);
        write(0, random(1, 100_000), 0);
        awaitFlushed();
        errors.clear();
        cluster.nodes.get(1).mood = Mood.DOWN;
        cluster.nodes.get(2).mood = Mood.SILENT;
        write(0, random(2, 100_000), 100_000);
        var e = assertThrows(FsException.class, () -> data.flush(FILE));
        assertEquals(Errno.EIO, e.errno());
        assertTrue(data.isDirty(FILE));
        assertTrue(data.isInDoubt(FILE));
        assertArrayEquals(random(2, 100_000), read(0, 100_000));
        cluster.nodes.get(1).mood = Mood.WELL;
        awaitFlushed();
        assertFalse(data.isInDoubt(FILE));
        assertEquals(List.of(Errno.EIO), errors);
        cluster.nodes.get(2).mood = Mood.WELL;
        remount();
        assertArrayEquals(random(2, 100_000), read(0, 100_000));
    }

    @Test
    void readsWithoutAMajorityFailInTime() {
        data = mount(4 << 20, 4 << 20, 5_000, 1_000);
        write(0, random(1, 100_000), 0);
        data.flush(FILE);
        data.forgetClean(FILE);
        cluster.nodes.get(0).mood = Mood.DOWN;
        cluster.nodes.get(2).mood = Mood.DOWN;
        var e = assertThrows(FsException.class, () -> read(0, 100_000));
        assertEquals(Errno.EIO, e.errno());
        cluster.nodes.get(0).mood = Mood.WELL;
        assertArrayEquals(random(1, 100_000), read(0, 100_000));
    }

    @Test
    void fullNodesGiveEnospc() {
        write(0, random(1, 10_000), 0);
        data.flush(FILE);
        cluster.nodes.forEach(node -> node.mood = Mood.FULL);
        write(0, random(2, 10_000), 10_000);
        var e = assertThrows(FsException.class, () -> data.flush(FILE));
        assertEquals(Errno.ENOSPC, e.errno());
        cluster.nodes.forEach(node -> node.mood = Mood.WELL);
        data.flush(FILE);
        assertFalse(data.isDirty(FILE));
    }

    @Test
    void aFlippedBitIsReadElsewhere() {
        byte[] bytes = random(1, 2_000_000);
        write(0, bytes, 0);
        data.flush(FILE);
        remount();
        for (ChunkId chunk : cluster.nodes.getFirst().chunks()) {
            cluster.nodes.get(0).damage(chunk, 3);
            cluster.nodes.get(1).damage(chunk, 200);
        }
        assertArrayEquals(bytes, read(0, bytes.length));
    }

    @Test
    void aPassedEpochIsReplacedWhileTheLeaseIsHeld() {
        write(0, random(1, 100_000), 0);
        data.flush(FILE);
        cluster.newEpochs();
        var other = mount(4 << 20, 4 << 20, 5_000, 10_000);
        var seen = ByteBuffer.allocate(100_000);
        assertTrue(other.read(FILE, 0, seen, true));
        write(0, random(2, 100_000), 100_000);
        data.flush(FILE);
        data.forgetClean(FILE);
        assertArrayEquals(random(2, 100_000), read(0, 100_000));
    }

    @Test
    void aPassedEpochIsTheEndWithoutTheLease() {
        write(0, random(1, 100_000), 0);
        data.flush(FILE);
        var other = mount(4 << 20, 4 << 20, 5_000, 10_000);
        assertTrue(other.read(FILE, 0, ByteBuffer.allocate(100_000), true));
        cluster.leaseHeld = false;
        write(0, random(2, 100_000), 100_000);
        var e = assertThrows(FsException.class, () -> data.flush(FILE));
        assertEquals(Errno.EIO, e.errno());
        assertTrue(data.abandon(FILE));
        assertFalse(data.isDirty(FILE));
    }

    @Test
    void withoutWaitingNothingIsTakenOrGivenThatIsNotAtHand() {
        write(0, random(1, 20_000), 0);
        data.flush(FILE);
        remount();
        var target = ByteBuffer.allocate(4096);
        assertFalse(data.read(FILE, 0, target, false));
        assertEquals(0, target.position());
        var source = ByteBuffer.wrap(new byte[100]);
        assertFalse(data.write(FILE, 10, source, 20_000, false));
        assertEquals(0, source.position());
        assertTrue(data.write(FILE, 4096, ByteBuffer.wrap(new byte[4096]), 20_000, false));
        read(0, 20_000);
        assertTrue(data.read(FILE, 0, target, false));
        assertTrue(data.write(FILE, 10, source, 20_000, false));
    }

    @Test
    void seekFindsDataAndHolesInBufferAndNodes() {
        write(8192, random(1, 4096), 0);
        data.flush(FILE);
        write(40_960, random(2, 4096), 12_288);
        long size = 3 << 20;
        assertEquals(8192, data.seek(FILE, 0, size, true));
        assertEquals(9000, data.seek(FILE, 9000, size, true));
        assertEquals(12_288, data.seek(FILE, 8192, size, false));
        assertEquals(40_960, data.seek(FILE, 12_288, size, true));
        assertEquals(45_056, data.seek(FILE, 40_960, size, false));
        assertEquals(-1, data.seek(FILE, 45_056, size, true));
        assertEquals(0, data.seek(FILE, 0, size, false));
    }

    @Test
    void handOverGivesHintsOfWhatWasWritten() {
        write(0, random(1, 2_000_000), 0);
        data.flush(FILE);
        assertEquals(2, data.handOver(FILE).size());
        data.forget(FILE);
        remount();
        assertArrayEquals(random(1, 2_000_000), read(0, 2_000_000));
    }

    @Test
    void theBufferHoldsMoreThanItsBudgetByWriting() {
        byte[] bytes = random(1, 20 << 20);
        write(0, bytes, 0);
        data.flush(FILE);
        assertArrayEquals(bytes, read(0, bytes.length));
        awaitNoReplyIsHeld();
    }

    @Test
    void withoutNodesTheBufferFillsAndThenWritersFailInTime() {
        data = mount(4 << 20, 4 << 20, 5_000, 1_000);
        cluster.nodes.forEach(node -> node.mood = Mood.DOWN);
        var bytes = ByteBuffer.allocate(1 << 20);
        int taken = 0;
        while (data.write(FILE, (long) taken << 20, bytes.clear(), 0, false)) {
            taken++;
        }
        assertEquals(4, taken);
        int next = taken;
        var e =
                assertThrows(
                        FsException.class,
                        () -> data.write(FILE, (long) next << 20, bytes.clear(), 0, true));
        assertEquals(Errno.EIO, e.errno());
        cluster.nodes.forEach(node -> node.mood = Mood.WELL);
        data.flush(FILE);
        assertTrue(data.write(FILE, (long) next << 20, bytes.clear(), 0, true));
    }

    @Test
    void whoWaitsCanBeInterrupted() throws Exception {
        cluster.nodes.forEach(node -> node.mood = Mood.SILENT);
        write(0, random(1, 10_000), 0);
        var outcome = new CopyOnWriteArrayList<Errno>();
        var thread =
                Thread.startVirtualThread(
                        () -> {
                            try {
                                data.flush(FILE);
                            } catch (FsException e) {
                                outcome.add(e.errno());
                            }
                        });
        await("the flush waits for nodes")
                .until(
                        () ->
                                thread.getState() == Thread.State.TIMED_WAITING
                                        || thread.getState() == Thread.State.WAITING);
        thread.interrupt();
        thread.join(5_000);
        assertEquals(List.of(Errno.EINTR), outcome);
        cluster.nodes.forEach(node -> node.mood = Mood.WELL);
        data.flush(FILE);
        assertFalse(data.isDirty(FILE));
    }

    @Test
    void aSequentialReaderFindsItsBytesFetched() throws Exception {
        byte[] bytes = random(1, 4 << 20);
        write(0, bytes, 0);
        data.flush(FILE);
        remount();
        var target = ByteBuffer.allocate(128 << 10);
        for (int at = 0; at < bytes.length; at += target.capacity()) {
            int offset = at;
            if (at > 0) {
                await("read ahead").until(() -> data.read(FILE, offset, target.clear(), false));
            } else {
                assertTrue(data.read(FILE, offset, target.clear(), true));
            }
            assertEquals(ByteBuffer.wrap(bytes, at, target.capacity()).slice(), target.flip());
        }
    }

    @Test
    void expiredCapabilitiesAreReplaced() throws Exception {
        cluster.capabilityMs = -1;
        write(0, random(1, 10_000), 0);
        var flush = Thread.startVirtualThread(() -> data.flush(FILE));
        await("nodes refuse").until(() -> cluster.nodes.getFirst().refused.get() > 0);
        cluster.capabilityMs = 60_000;
        flush.join();
        assertFalse(data.isDirty(FILE));
        data.forgetClean(FILE);
        assertArrayEquals(random(1, 10_000), read(0, 10_000));
    }

    @Test
    void capabilitiesInUseAreAskedForAnew() {
        cluster.capabilityMs = 2_000;
        write(0, random(1, 5_000), 0);
        data.flush(FILE);
        assertEquals(1, cluster.layoutCalls.get());
        await("fresh capabilities")
                .until(
                        () -> {
                            write(0, random(2, 5_000), 5_000);
                            data.flush(FILE);
                            return cluster.layoutCalls.get() > 1;
                        });
        cluster.capabilityMs = 60_000;
    }
}

package org.keelfs.client.data;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.quorum.ChunkClients;
import org.keelfs.client.quorum.MemoryCluster;
import org.keelfs.client.quorum.MemoryNode.Mood;
import org.keelfs.client.quorum.QuorumConfig;
import org.keelfs.crypto.MasterKey;
import org.keelfs.model.InodeId;

/** The nodes are full: as on a full disk, whoever writes is told so at once, not after a wait. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FullNodesTest {
    private static final InodeId LARGE = new InodeId(7);
    private static final InodeId OTHER = new InodeId(8);
    private static final int MIB = 1 << 20;
    private static final long TIMEOUT_MS = 20_000;
    private static final Duration AT_ONCE = Duration.ofMillis(TIMEOUT_MS / 4);

    private static final WriteBackListener NOBODY =
            new WriteBackListener() {
                @Override
                public void afterFlush(List<InodeId> flushed) {}

                @Override
                public void onWriteBackError(InodeId inode, Errno errno) {}
            };

    private final MemoryCluster cluster = new MemoryCluster(3);
    private ChunkClients clients;
    private BufferedFileData data;

    @BeforeEach
    void mount() {
        clients =
                cluster.mount(
                        new QuorumConfig(MemoryCluster.CHUNK_BYTES / 4096, 400, 200, TIMEOUT_MS));
        var config =
                new DataConfig(
                        MemoryCluster.CHUNK_BYTES, 4 * MIB, 4 * MIB, 5_000, 2 * MIB, TIMEOUT_MS);
        data =
                new BufferedFileData(
                        config,
                        clients,
                        MasterKey.random(),
                        NOBODY,
                        cluster.workers,
                        cluster.timer);
        cluster.nodes.forEach(node -> node.mood = Mood.FULL);
    }

    @AfterEach
    void takeAway() {
        data.close();
        clients.close();
        cluster.close();
    }

    private void write(InodeId inode, int mib) {
        long at = (long) mib * MIB;
        assertTrue(data.write(inode, at, ByteBuffer.allocate(MIB), at, true));
    }

    private void noSpaceAtOnce(InodeId inode) {
        long start = System.nanoTime();
        var e =
                assertThrows(
                        FsException.class,
                        () -> {
                            for (int i = 0; i < 6; i++) { // the buffer holds four
                                write(inode, i);
                            }
                        });
        assertEquals(Errno.ENOSPC, e.errno(), e::toString);
        var took = Duration.ofNanos(System.nanoTime() - start);
        assertTrue(took.compareTo(AT_ONCE) < 0, took::toString);
    }

    @Test
    void whoFilledTheBufferIsTold() {
        noSpaceAtOnce(LARGE);
    }

    @Test
    void othersAreToldToo() {
        noSpaceAtOnce(LARGE);
        noSpaceAtOnce(OTHER);
    }

    @Test
    void removalOfTheLargeFileMakesRoom() {
        noSpaceAtOnce(LARGE);
        assertTrue(data.abandon(LARGE));
        cluster.nodes.forEach(node -> node.mood = Mood.WELL);
        for (int i = 0; i < 6; i++) {
            write(OTHER, i);
        }
        data.flush(OTHER);
    }

    /** A flush tells of what it tried itself, not of what was on its way before. */
    @Test
    void spaceThatCameBackBeforeAFlushIsUsed() {
        cluster.nodes.forEach(node -> node.replyAfterMs = 300);
        write(LARGE, 0);
        await().until(() -> cluster.nodes.stream().allMatch(node -> node.operations.get() > 0));
        cluster.nodes.forEach(node -> node.mood = Mood.WELL);
        data.flush(LARGE);
        assertEquals(List.of(), List.copyOf(data.dirtyInodes()));
    }

    @Test
    void spaceThatComesBackIsUsed() {
        noSpaceAtOnce(LARGE);
        cluster.nodes.forEach(node -> node.mood = Mood.WELL);
        data.flush(LARGE);
        for (int i = 0; i < 6; i++) {
            write(OTHER, i);
        }
        data.flush(OTHER);
    }
}

package org.keelfs.client.quorum;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.client.quorum.ChunkIo.Opened;
import org.keelfs.client.quorum.ChunkIo.Want;
import org.keelfs.model.InodeId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;

/** How many frames are on their way to a node at once. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FramesInFlightTest {
    private static final int CHUNKS = 6;
    private static final long REPLY_MS = 4_000;

    private final MemoryCluster cluster = new MemoryCluster(8);
    private final ChunkClients mount = cluster.mount(new QuorumConfig(256, 20_000, 5_000, 20_000));
    private final List<CompletableFuture<Integer>> writes = new ArrayList<>();

    @AfterEach
    void close() {
        writes.forEach(CompletableFuture::join);
        mount.close();
        cluster.close();
    }

    private void write(int sectors) {
        var wants = new ArrayList<Want>();
        for (int i = 0; i < CHUNKS; i++) {
            wants.add(Want.create(new InodeId(7), i, new byte[] {(byte) i}));
        }
        List<Opened> opened = mount.open(wants).join();
        cluster.nodes.forEach(node -> node.replyAfterMs = REPLY_MS);
        for (Opened each : opened) {
            var chunk = assertNotNullChunk(each);
            PayloadBuffer bytes = cluster.replies.allocate(sectors * Payload.STORED_SECTOR_BYTES);
            var run = new SectorRun(0, sectors);
            writes.add(mount.write(chunk, run, mount.nextTimestamp(chunk), bytes));
        }
    }

    private static ChunkIo.Chunk assertNotNullChunk(Opened opened) {
        var chunk = opened.chunk();
        assertNotNull(chunk);
        return chunk;
    }

    /** Two hide a round trip behind sending, two more a slow group commit. */
    @Test
    void fourFramesOfAMebibyteAreOnTheirWay() {
        write(256);
        await().atMost(REPLY_MS / 2, TimeUnit.MILLISECONDS)
                .until(() -> cluster.nodes.stream().allMatch(node -> node.asked.get() == 4));
    }

    @Test
    void whatIsSmallWaitsForOneOfTwoFramesAndLeavesTogether() {
        write(1);
        await().pollDelay(REPLY_MS / 4, TimeUnit.MILLISECONDS).until(() -> true);
        cluster.nodes.forEach(node -> assertEquals(2, node.asked.get()));
        writes.forEach(CompletableFuture::join);
        cluster.nodes.forEach(node -> assertEquals(3, node.asked.get()));
    }
}

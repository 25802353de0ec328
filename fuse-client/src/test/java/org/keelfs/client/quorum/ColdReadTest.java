package org.keelfs.client.quorum;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.client.quorum.ChunkIo.OpenedRead;
import org.keelfs.client.quorum.ChunkIo.ReadValues;
import org.keelfs.client.quorum.ChunkIo.Want;
import org.keelfs.model.InodeId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;

/** What goes to the nodes, frame by frame, when a chunk is read that is to be sealed first. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ColdReadTest {
    private static final InodeId FILE = new InodeId(7);
    private static final SectorRun FIRST = new SectorRun(0, 1);

    private final MemoryCluster cluster = new MemoryCluster(5);
    private final List<ChunkClients> mounts = new ArrayList<>();
    private final ChunkClients writer = mount();

    private ChunkClients mount() {
        var config = new QuorumConfig(16, 10_000, 5_000, 10_000);
        mounts.add(cluster.mount(config));
        return mounts.getLast();
    }

    @AfterEach
    void close() {
        await("frames given back").until(() -> cluster.replies.bytesInUse() == 0);
        mounts.forEach(ChunkClients::close);
        cluster.close();
    }

    /** All three nodes have it, and nothing is on its way any more. */
    @BeforeEach
    void write() {
        var chunk =
                writer.open(List.of(Want.create(FILE, 0, new byte[] {1})))
                        .join()
                        .getFirst()
                        .chunk();
        assertNotNull(chunk);
        PayloadBuffer bytes = cluster.replies.allocate(Payload.STORED_SECTOR_BYTES);
        fill(bytes.bytes());
        int allocated = writer.write(chunk, FIRST, writer.nextTimestamp(chunk), bytes).join();
        assertEquals(1, allocated);
        await().until(() -> cluster.nodes.stream().allMatch(node -> node.kinds.contains("Write")));
    }

    private static void fill(ByteBuffer stored) {
        while (stored.hasRemaining()) {
            stored.put((byte) 42);
        }
    }

    private List<String> frames(int node) {
        return List.copyOf(cluster.nodes.get(node - 1).kinds);
    }

    private List<String> framesWith(String kind, int node) {
        return frames(node).stream().filter(frame -> frame.contains(kind)).toList();
    }

    /** From here on; and the first node is late, so that both others are needed. */
    private void begin() {
        cluster.nodes.forEach(node -> node.kinds.clear());
        cluster.nodes.getFirst().replyAfterMs = 1_000;
    }

    /** The node that was read from. */
    private int check(OpenedRead read) {
        ReadValues values = read.values();
        assertNotNull(values);
        var bytes = values.bytes(values.values().getFirst()).bytes();
        assertEquals(Payload.STORED_SECTOR_BYTES, bytes.remaining());
        assertEquals(42, bytes.get(bytes.position() + 100));
        int source = values.source().value();
        values.release();
        return source;
    }

    @Test
    void itRidesBehindTheInstall() {
        begin();
        int source = check(mount().openAndRead(FILE, 0, FIRST).join());
        assertEquals(List.of("Promise", "Install Read"), frames(source));
        for (int node = 1; node <= 3; node++) {
            assertEquals(List.of(), framesWith("Probe", node), "to node " + node);
        }
    }

    @Test
    void itRidesBehindAPromiseThatSeals() {
        cluster.handOver(writer.handOver(FILE).join());
        begin();
        int source = check(mount().openAndRead(FILE, 0, FIRST).join());
        assertEquals(List.of("Promise Read"), frames(source));
    }

    /** Nothing proves to it that the epoch had not passed when it began. */
    @Test
    void whoComesWhileTheSealIsUnderWayReadsForItself() {
        begin();
        ChunkClients mount = mount();
        var first = mount.openAndRead(FILE, 0, FIRST);
        var second = mount.openAndRead(FILE, 0, FIRST);
        int source = check(first.join());
        int other = check(second.join());
        assertEquals(List.of("Promise", "Install Read"), frames(source).subList(0, 2));
        assertEquals("Read", framesWith("Read", other).getLast());
    }

    @Test
    void aChunkThatIsOpenIsReadAsAlways() {
        ChunkClients mount = mount();
        var _ = check(mount.openAndRead(FILE, 0, FIRST).join());
        begin();
        int source = check(mount.openAndRead(FILE, 0, FIRST).join());
        assertEquals(List.of("Read"), framesWith("Read", source));
    }

    @Test
    void aChunkThatIsNotThereReadsAsZeros() {
        var read = mount().openAndRead(FILE, 1, FIRST).join();
        assertNull(read.chunk());
        assertNull(read.values());
    }
}

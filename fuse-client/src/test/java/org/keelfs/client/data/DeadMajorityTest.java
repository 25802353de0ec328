package org.keelfs.client.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.quorum.ChunkClients;
import org.keelfs.client.quorum.MemoryCluster;
import org.keelfs.client.quorum.MemoryNode.Mood;
import org.keelfs.client.quorum.QuorumConfig;
import org.keelfs.crypto.MasterKey;
import org.keelfs.model.InodeId;

/**
 * Two of three nodes are gone: whatever needs a quorum waits to its deadline and ends with EIO, and
 * the same call works when one of them is back.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class DeadMajorityTest {
    private static final InodeId FILE = new InodeId(7);
    private static final int SIZE = 3_000_000;
    private static final long TIMEOUT_MS = 1_200;

    /** Beyond the deadline: who waits is a second more patient than the rounds it waits for. */
    private static final long GRACE_MS = 1_000 + 1_500;

    private static final WriteBackListener NOBODY =
            new WriteBackListener() {
                @Override
                public void afterFlush(List<InodeId> flushed) {}

                @Override
                public void onWriteBackError(InodeId inode, Errno errno) {}
            };

    /** Calls of the data path that cannot be answered without the nodes. */
    enum Call {
        READ {
            @Override
            void run(BufferedFileData data) {
                assertTrue(data.read(FILE, 1_000_000, ByteBuffer.allocate(100_000), true));
            }
        },
        WRITE_IN_PART {
            @Override
            void run(BufferedFileData data) {
                assertTrue(data.write(FILE, 5_000, ByteBuffer.allocate(10), SIZE, true));
            }
        },
        WRITE_INTO_A_FULL_BUFFER {
            @Override
            void run(BufferedFileData data) {
                // The buffer holds four.
                for (int i = 0; i < 6; i++) {
                    var piece = ByteBuffer.allocate(1 << 20);
                    assertTrue(data.write(FILE, (long) i << 20, piece, SIZE, true));
                }
            }
        },
        FLUSH {
            @Override
            void run(BufferedFileData data) {
                assertTrue(data.write(FILE, 0, ByteBuffer.allocate(1 << 20), SIZE, true));
                data.flush(FILE);
            }
        },
        FLUSH_OF_A_NEW_CHUNK {
            @Override
            void run(BufferedFileData data) {
                long at = 16L << 20;
                assertTrue(data.write(FILE, at, ByteBuffer.allocate(2 << 20), SIZE, true));
                data.flush(FILE);
            }
        },
        TRUNCATE {
            @Override
            void run(BufferedFileData data) {
                data.truncate(FILE, SIZE, 2_000_001);
            }
        },
        PUNCH {
            @Override
            void run(BufferedFileData data) {
                data.punch(FILE, 1_001, 2_000_001);
            }
        },
        TRIM {
            @Override
            void run(BufferedFileData data) {
                data.trim(FILE, 2_097_152, SIZE);
            }
        },
        SEEK {
            @Override
            void run(BufferedFileData data) {
                assertEquals(0, data.seek(FILE, 0, SIZE, true));
            }
        };

        abstract void run(BufferedFileData data);
    }

    private final MemoryCluster cluster = new MemoryCluster(3);
    private final MasterKey master = MasterKey.random();
    private ChunkClients clients;
    private BufferedFileData data;

    @BeforeEach
    void writeAFileAndComeAnew() {
        byte[] bytes = new byte[SIZE];
        new Random(5).nextBytes(bytes);
        mount();
        assertTrue(data.write(FILE, 0, ByteBuffer.wrap(bytes), 0, true));
        data.flush(FILE);
        close(data, clients);
        mount();
    }

    private void mount() {
        clients =
                cluster.mount(
                        new QuorumConfig(MemoryCluster.CHUNK_BYTES / 4096, 400, 200, TIMEOUT_MS));
        var config =
                new DataConfig(
                        MemoryCluster.CHUNK_BYTES, 4 << 20, 4 << 20, 5_000, 2 << 20, TIMEOUT_MS);
        data =
                new BufferedFileData(
                        config, clients, master, NOBODY, cluster.workers, cluster.timer);
    }

    private static void close(BufferedFileData data, ChunkClients clients) {
        data.close();
        clients.close();
    }

    @AfterEach
    void takeAway() {
        close(data, clients);
        cluster.close();
    }

    private void endsWithEio(Call call, Mood mood) {
        cluster.nodes.get(0).mood = mood;
        cluster.nodes.get(2).mood = mood;
        long start = System.nanoTime();
        var e = assertThrows(FsException.class, () -> call.run(data));
        var took = Duration.ofNanos(System.nanoTime() - start);
        assertEquals(Errno.EIO, e.errno(), e::toString);
        assertTrue(took.toMillis() >= TIMEOUT_MS, took + ": " + e);
        assertTrue(took.toMillis() < TIMEOUT_MS + GRACE_MS, took + ": " + e);
        cluster.nodes.get(0).mood = Mood.WELL;
        call.run(data);
        data.flush(FILE);
        assertFalse(data.isInDoubt(FILE));
    }

    @ParameterizedTest
    @EnumSource(Call.class)
    void silentNodes(Call call) {
        endsWithEio(call, Mood.SILENT);
    }

    @ParameterizedTest
    @EnumSource(Call.class)
    void deadNodes(Call call) {
        endsWithEio(call, Mood.DOWN);
    }

    @ParameterizedTest
    @EnumSource(Call.class)
    void whoWaitsIsAnsweredWhenANodeReturns(Call call) {
        cluster.nodes.get(0).mood = Mood.DOWN;
        cluster.nodes.get(2).mood = Mood.SILENT;
        var _ =
                cluster.timer.schedule(
                        () -> cluster.nodes.get(0).mood = Mood.WELL,
                        TIMEOUT_MS / 4,
                        TimeUnit.MILLISECONDS);
        call.run(data);
        data.flush(FILE);
        assertFalse(data.isInDoubt(FILE));
    }
}

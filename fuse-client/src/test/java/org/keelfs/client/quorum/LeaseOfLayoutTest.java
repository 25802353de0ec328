package org.keelfs.client.quorum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.Errno;
import org.keelfs.client.quorum.ChunkIo.Opened;
import org.keelfs.client.quorum.ChunkIo.Want;
import org.keelfs.model.InodeId;

/** Layouts that are asked for while leases come and go. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class LeaseOfLayoutTest {
    private static final Want CHUNK = Want.create(new InodeId(7), 0, new byte[] {1});

    private final MemoryCluster cluster = new MemoryCluster(6);
    private final ChunkClients mount =
            cluster.mount(new QuorumConfig(16, 400, 200, 10_000, QuorumConfig.EPOCH_SECTORS_MAX));

    @AfterEach
    void close() {
        mount.close();
        cluster.close();
    }

    /** A read ahead, say, that began before the last lease went away. */
    @Test
    void whoJoinsAQuestionOfAnEarlierLeaseIsNotAnsweredForThatOne() throws Exception {
        cluster.leaseHeld = false;
        var answerForTheLastLease = new CompletableFuture<Boolean>();
        cluster.leaseGranted = answerForTheLastLease;
        CompletableFuture<List<Opened>> late = mount.open(List.of(CHUNK));
        cluster.leaseHeld = true;
        CompletableFuture<List<Opened>> joined = mount.open(List.of(CHUNK));
        cluster.leaseGranted = CompletableFuture.completedFuture(true);
        answerForTheLastLease.complete(false);
        assertNull(joined.get().getFirst().failure());
        assertNotNull(joined.get().getFirst().chunk());
        assertEquals(late.get(), joined.get());
    }

    @Test
    void withoutALeaseNobodyAsksAgain() throws Exception {
        cluster.leaseHeld = false;
        cluster.leaseGranted = CompletableFuture.completedFuture(false);
        var failure = mount.open(List.of(CHUNK)).get().getFirst().failure();
        assertNotNull(failure);
        assertEquals(Errno.EIO, failure.errno());
        assertEquals(1, cluster.layoutCalls.get());
    }
}

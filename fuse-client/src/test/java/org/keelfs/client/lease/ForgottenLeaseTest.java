package org.keelfs.client.lease;

import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.protobuf.MessageLite;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.QuietListener;
import org.keelfs.client.meta.Replies;
import org.keelfs.client.meta.SessionConfig;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.rpc.RpcCaller;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.wire.proto.MetadataProto;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;
import org.keelfs.wire.proto.MetadataProto.Recall;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseReply;

/** A lease that comes and goes while the one before it is just being forgotten. */
@Timeout(60)
class ForgottenLeaseTest {
    private static final long TIMEOUT_MS = 10_000;
    private static final InodeId FILE = new InodeId(7);
    private static final int ROUNDS = 100_000;

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final MetadataSession session =
            new MetadataSession(
                    new SessionConfig("v", new byte[16], TIMEOUT_MS, 5_000),
                    new QuietListener(),
                    _ -> new Answering(),
                    timer,
                    threads);
    private final Leases leases = new Leases(session, TIMEOUT_MS);

    /** A server that takes every lease back at once. */
    private static final class Answering implements RpcCaller {
        @Override
        public CompletableFuture<RpcReply> call(
                RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs) {
            return Replies.of(
                    method == RpcMethod.OPEN_SESSION
                            ? Replies.opened(1).build()
                            : ReturnLeaseReply.getDefaultInstance());
        }
    }

    @AfterEach
    void close() {
        timer.shutdownNow();
        threads.shutdownNow();
    }

    private void grant(long generation) {
        leases.onGrant(
                LeaseGrant.newBuilder()
                        .setInode(FILE.value())
                        .setMode(MetadataProto.LeaseMode.READ)
                        .setGeneration(generation)
                        .build(),
                () -> {});
    }

    private void recall(long generation) {
        leases.onRecall(
                Recall.newBuilder().setInode(FILE.value()).setGeneration(generation).build());
    }

    /** Whoever is told that a lease is back, or not held, gives it to others. */
    @Test
    void aRecalledLeaseIsHeldByNobody() throws Exception {
        session.open();
        leases.attach(KernelCache.NONE, new NothingKept(), (_, _) -> {});
        for (long round = 1; round <= ROUNDS; round++) {
            long first = 3 * round;
            grant(first);
            var returning = threads.submit(() -> recall(first));
            var taking = threads.submit(() -> grant(first + 1));
            var recalling = threads.submit(() -> recall(first + 1));
            returning.get();
            taking.get();
            recalling.get();
            assertFalse(leases.holds(FILE, LeaseMode.READ), "in round " + round);
        }
    }
}

package org.keelfs.client.meta;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.MessageLite;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.rpc.RpcCaller;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.GetInodeReply;
import org.keelfs.wire.proto.MetadataProto.GetInodeRequest;

/** A session ends while programs use files. */
@Timeout(60)
final class SessionEndTest {
    private static final long TIMEOUT_MS = 20_000;

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch ending = new CountDownLatch(1);
    private final CountDownLatch letGo = new CountDownLatch(1);
    private final AtomicInteger opened = new AtomicInteger();
    private final MetadataSession session =
            new MetadataSession(
                    new SessionConfig("v", new byte[16], TIMEOUT_MS, 5_000),
                    new WaitingForAFile(),
                    _ -> new EvictingServer(),
                    timer,
                    threads);

    /** The end of the session needs a file that a caller has, who lets go of it when it fails. */
    private final class WaitingForAFile extends QuietListener {
        @Override
        public void onSessionLost() {
            ending.countDown();
            try {
                assertTrue(letGo.await(TIMEOUT_MS / 2, TimeUnit.MILLISECONDS));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    /** Knows the second session, not the first. */
    private final class EvictingServer implements RpcCaller {
        @Override
        public CompletableFuture<RpcReply> call(
                RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs) {
            if (method == RpcMethod.OPEN_SESSION) {
                return Replies.of(Replies.opened(opened.incrementAndGet()).build());
            }
            return body instanceof GetInodeRequest r && r.getSession() == 2
                    ? Replies.of(GetInodeReply.getDefaultInstance())
                    : CompletableFuture.failedFuture(
                            new RpcException(RpcStatus.SESSION_GONE, "evicted"));
        }
    }

    @AfterEach
    void close() {
        timer.shutdownNow();
        threads.shutdownNow();
    }

    private GetInodeReply look() {
        return session.call(
                RpcMethod.GET_INODE,
                id -> GetInodeRequest.newBuilder().setSession(id).build(),
                GetInodeReply.parser());
    }

    @Test
    void whoHoldsAFileIsToldAndDoesNotWaitForTheEnd() throws Exception {
        session.open();
        CompletableFuture<GetInodeReply> first = CompletableFuture.supplyAsync(this::look, threads);
        assertTrue(ending.await(TIMEOUT_MS, TimeUnit.MILLISECONDS));

        List<Command> commands = List.of(Command.getDefaultInstance());
        var e = assertThrows(FsException.class, () -> session.submit(commands));
        assertEquals(Errno.EIO, e.errno());
        assertNull(
                session.callWithin(
                        1,
                        RpcMethod.GET_INODE,
                        GetInodeRequest.newBuilder().setSession(1).build(),
                        GetInodeReply.parser()));
        assertEquals(1, opened.get(), "the next session waits for the file");

        letGo.countDown();
        assertEquals(
                GetInodeReply.getDefaultInstance(), first.get(TIMEOUT_MS, TimeUnit.MILLISECONDS));
        assertEquals(2, session.id());
    }
}

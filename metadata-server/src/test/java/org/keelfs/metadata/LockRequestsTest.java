package org.keelfs.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.lock.LockOp;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.proto.MetadataProto.CloseSessionReply;
import org.keelfs.wire.proto.MetadataProto.CloseSessionRequest;
import org.keelfs.wire.proto.MetadataProto.LockNoticeRequest;
import org.keelfs.wire.proto.MetadataProto.LockReply;
import org.keelfs.wire.proto.MetadataProto.LockStatus;

/** File locks of two sessions at a metadata server, over real connections. */
@Timeout(60)
final class LockRequestsTest {
    private static final long FILE = 12;

    @TempDir Path directory;
    private TestServer server;
    private TestServer.Mount a;
    private TestServer.Mount b;

    @BeforeEach
    void start() throws Exception {
        server = new TestServer(directory);
        a = server.mount("a");
        b = server.mount("b");
    }

    @AfterEach
    void stop() throws Exception {
        assertNull(server.fatal());
        server.close();
    }

    /** Both have used it, so the server keeps the locks. */
    private void share() {
        a.lock(FILE, new LockOp.Test(a.range()));
        b.lock(FILE, new LockOp.Test(b.range()));
    }

    @Test
    void whoWaitsIsToldAndKeepsNoCallOpen() throws Exception {
        share();
        assertEquals(LockStatus.LOCK_DONE, a.lock(FILE, true));
        assertEquals(LockStatus.LOCK_CONFLICT, b.lock(FILE, false));
        assertEquals(LockStatus.LOCK_WAITING, b.lock(FILE, true));
        assertEquals(LockStatus.LOCK_DONE, a.unlock(FILE));
        LockNoticeRequest notice = b.noticed();
        assertTrue(notice.getGranted());
        assertEquals(b.session, notice.getWaiter());
        assertEquals(LockStatus.LOCK_CONFLICT, a.lock(FILE, false));
    }

    @Test
    void aDelegationIsHandedOverWhenAnotherAsks() throws Exception {
        LockReply first = a.lock(FILE, new LockOp.Lock(a.range(), false, 1));
        assertTrue(first.getDelegated());
        assertEquals(LockStatus.LOCK_RECALLING, b.lock(FILE, true));
        assertTrue(a.noticed().getHandOver());
        a.lock(FILE, new LockOp.HandOver(List.of(a.range())));
        LockNoticeRequest again = b.noticed();
        assertFalse(again.getGranted());
        assertEquals(0, again.getWaiter());
        assertEquals(LockStatus.LOCK_WAITING, b.lock(FILE, true));
    }

    @Test
    void aMountThatClosesLeavesNoLocks() throws Exception {
        share();
        a.lock(FILE, true);
        b.lock(FILE, true);
        a.ask(
                RpcMethod.CLOSE_SESSION,
                CloseSessionRequest.newBuilder().setSession(a.session).build(),
                CloseSessionReply.parser());
        assertTrue(b.noticed().getGranted());
    }

    /** Nobody asks for a lease of it, and it would be kept for ten minutes. */
    @Test
    void aSilentHolderIsEvictedWhenItsLockIsWanted() throws Exception {
        share();
        a.lock(FILE, true);
        assertEquals(LockStatus.LOCK_WAITING, b.lock(FILE, true));
        assertTrue(b.noticed().getGranted());
        assertEquals(RpcStatus.SESSION_GONE, statusOf(() -> a.renew(false)));
    }

    @Test
    void aRestartedServerGrantsNothingBeforeAllHaveReclaimed() throws Exception {
        share();
        a.lock(FILE, true);
        server.restart();
        assertEquals(RpcStatus.BUSY, statusOf(() -> b.lock(FILE, false)));
        reclaimed(b);
        assertEquals(RpcStatus.BUSY, statusOf(() -> b.lock(FILE, false)));
        var reclaim = new LockOp.Reclaim(List.of(a.range()), false);
        assertEquals(LockStatus.LOCK_DONE, a.lock(FILE, reclaim).getStatus());
        reclaimed(a);
        assertEquals(LockStatus.LOCK_CONFLICT, b.lock(FILE, false));
        assertEquals(LockStatus.LOCK_LOST, a.lock(FILE, reclaim).getStatus());
    }

    private static void reclaimed(TestServer.Mount mount) {
        Awaitility.await("a renewal")
                .pollInterval(Duration.ofMillis(20))
                .ignoreExceptions()
                .until(
                        () -> {
                            mount.incarnation = mount.renew(false).getServerIncarnation();
                            return true;
                        });
        mount.renew(true);
    }

    /** Of the answer that comes once the server can be reached. */
    private static RpcStatus statusOf(Runnable call) {
        return Awaitility.await("an answer")
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () -> {
                            var failure = assertThrows(CompletionException.class, call::run);
                            return ((RpcException) failure.getCause()).status();
                        },
                        status -> status != RpcStatus.UNREACHABLE);
    }
}

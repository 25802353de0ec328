package org.keelfs.client.vfs;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.Clock;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.client.cache.MetadataCache;
import org.keelfs.client.data.FileData;
import org.keelfs.client.lease.KernelCache;
import org.keelfs.client.lease.Leases;
import org.keelfs.client.lock.FileLocks;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.QuietListener;
import org.keelfs.client.meta.SessionConfig;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.client.namespace.OneMountServer;
import org.keelfs.model.Caller;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.PinCommand;
import org.keelfs.rpc.RpcCaller;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.wire.proto.MetadataProto.Recall;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseReply;
import org.keelfs.wire.proto.MetadataProto.SubmitReply;
import org.keelfs.wire.proto.MetadataProto.SubmitRequest;
import org.keelfs.wire.proto.MetadataProto.UnlinkCommandValue;

/** Recalls that overtake the answer of the open(2) that makes the file. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class EarlyPinsTest {
    private static final long TIMEOUT_MS = 10_000;
    private static final Name NAME = Name.of("f");
    private static final Call CALL = new Call(Caller.ROOT, 1, 0, true);

    private final OneMountServer server = new OneMountServer();
    private final Recalling recalling = new Recalling();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final ExecutorService blocking = Executors.newVirtualThreadPerTaskExecutor();
    private final MetadataSession session =
            new MetadataSession(
                    new SessionConfig("v", new byte[16], TIMEOUT_MS, 5_000),
                    new QuietListener(),
                    _ -> recalling,
                    timer,
                    blocking);
    private final Leases leases = new Leases(session, TIMEOUT_MS);
    private Vfs vfs;

    /**
     * The server, that recalls the lease of a new inode before it answers who made it; once that is
     * returned it carries out another mount's unlink.
     */
    private final class Recalling implements RpcCaller {
        /** What is recalled in front of the answer; 0: what was made. */
        long inode;

        @Override
        public CompletableFuture<RpcReply> call(
                RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs) {
            if (method == RpcMethod.RETURN_LEASE) {
                if (inode == 0) {
                    unlink();
                }
                return CompletableFuture.completedFuture(
                        new RpcReply(
                                ByteBuffer.wrap(
                                        ReturnLeaseReply.getDefaultInstance().toByteArray()),
                                PayloadBuffer.EMPTY));
            }
            CompletableFuture<RpcReply> answer = server.call(method, body, payload, timeoutMs);
            if (body instanceof SubmitRequest submit && submit.getCommands(0).hasCreate()) {
                var grant = answer.join().decode(SubmitReply.parser()).getResults(0).getLease();
                leases.onRecall(
                        Recall.newBuilder()
                                .setInode(inode == 0 ? grant.getInode() : inode)
                                .setGeneration(grant.getGeneration())
                                .build());
            }
            return answer;
        }

        private void unlink() {
            var command =
                    new Commands(Clock.SYSTEM)
                            .by(Caller.ROOT)
                            .setUnlink(
                                    UnlinkCommandValue.newBuilder()
                                            .setParent(InodeId.ROOT.value())
                                            .setName(ByteString.copyFrom(NAME.bytes())));
            var request = SubmitRequest.newBuilder().setSession(session.id()).addCommands(command);
            server.call(RpcMethod.SUBMIT, request.build(), List.of(), TIMEOUT_MS).join().release();
        }
    }

    @BeforeEach
    void open() {
        session.open();
        var cache = new MetadataCache(1_000, 1_000);
        var writer = new NamespaceWriter(session, leases, cache, blocking, false, TIMEOUT_MS);
        var locks = new FileLocks(session, blocking, 1, TIMEOUT_MS);
        vfs =
                new Vfs(
                        session,
                        leases,
                        locks,
                        writer,
                        cache,
                        noBytes(),
                        Clock.SYSTEM,
                        AccessRule.ALL,
                        blocking);
        vfs.attach(KernelCache.NONE);
    }

    @AfterEach
    void close() {
        timer.shutdownNow();
        blocking.shutdownNow();
    }

    /** Files that nobody writes. */
    private static FileData noBytes() {
        return (FileData)
                Proxy.newProxyInstance(
                        FileData.class.getClassLoader(),
                        new Class<?>[] {FileData.class},
                        (_, method, _) -> {
                            Class<?> type = method.getReturnType();
                            if (type == boolean.class) {
                                return false;
                            }
                            return type == List.class ? List.of() : null;
                        });
    }

    private List<PinCommand> pins() {
        return server.applied().stream()
                .map(issued -> issued.command())
                .filter(PinCommand.class::isInstance)
                .map(PinCommand.class::cast)
                .toList();
    }

    @Test
    void aFileRemovedBeforeItsMakerHearsOfItLivesUntilItIsClosed() {
        Created made = vfs.create(CALL, InodeId.ROOT, NAME, 0644, OpenFlags.EXCLUSIVE);
        InodeId inode = made.entry().attributes().inode();

        assertTrue(server.knows(inode), "open");
        assertEquals(List.of(new PinCommand(inode, true)), pins());

        vfs.release(CALL, inode, made.opened().handle(), 0, false);
        assertFalse(server.knows(inode), "closed");
        assertEquals(List.of(new PinCommand(inode, true), new PinCommand(inode, false)), pins());
    }

    @Test
    void whatNoOpenTakesIsUnpinnedWhenAllAreOver() {
        recalling.inode = InodeId.ROOT.value();
        Created made = vfs.create(CALL, InodeId.ROOT, NAME, 0644, OpenFlags.EXCLUSIVE);

        var both = List.of(new PinCommand(InodeId.ROOT, true), new PinCommand(InodeId.ROOT, false));
        await().untilAsserted(() -> assertEquals(both, pins()));
        assertTrue(server.knows(made.entry().attributes().inode()));
    }

    @Test
    void nothingIsPinnedWhileNoFileIsBeingMade() {
        leases.onRecall(Recall.newBuilder().setInode(77).setGeneration(100).build());
        assertEquals(List.of(), pins());
    }
}

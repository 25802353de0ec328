package org.keelfs.client.lock;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.protobuf.MessageLite;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.lock.LockAnswer;
import org.keelfs.lock.LockEffects;
import org.keelfs.lock.LockOp;
import org.keelfs.lock.LockTable;
import org.keelfs.lock.LockTableConfig;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;
import org.keelfs.rpc.RpcCaller;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.LockCodec;
import org.keelfs.wire.proto.MetadataProto.LockNoticeRequest;
import org.keelfs.wire.proto.MetadataProto.LockRequest;
import org.keelfs.wire.proto.MetadataProto.OpenSessionReply;
import org.keelfs.wire.proto.MetadataProto.RenewReply;
import org.keelfs.wire.proto.MetadataProto.VolumeInfo;

/**
 * The locks of a metadata server for one mount, whose session it evicts when told, and for another
 * session, that of the test. Notices lie here until they are taken. Guarded by itself.
 */
final class EvictingLockServer implements RpcCaller, LockEffects {
    private static final SessionId OTHER = new SessionId(1_000);
    private static final long INCARNATION = 1;

    private final LockTable table = new LockTable(LockTableConfig.DEFAULT);
    private final List<LockNoticeRequest> notices = new ArrayList<>();
    private final int termMs;
    private long session;
    private long otherSequence;
    private boolean evicted;
    private int refused;
    private @Nullable CompletableFuture<Void> opening;

    EvictingLockServer(int termMs) {
        this.termMs = termMs;
    }

    synchronized void evict() {
        evicted = true;
        table.onSessionEnd(new SessionId(session), this);
    }

    /** The next session is opened when this is completed. */
    synchronized CompletableFuture<Void> holdNextSession() {
        opening = new CompletableFuture<>();
        return opening;
    }

    /** Requests that came in the name of a session that is gone. */
    synchronized int refused() {
        return refused;
    }

    synchronized int waitCount() {
        return table.waitCount();
    }

    synchronized List<LockNoticeRequest> takeNotices() {
        var taken = List.copyOf(notices);
        notices.clear();
        return taken;
    }

    /** What the other session is answered. */
    @CanIgnoreReturnValue
    synchronized LockAnswer.Status other(InodeId inode, LockOp op) {
        return table.onRequest(OTHER, ++otherSequence, inode, op, false, System.nanoTime(), this)
                .status();
    }

    static SessionId otherSession() {
        return OTHER;
    }

    @Override
    public synchronized CompletableFuture<RpcReply> call(
            RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs) {
        return switch (method) {
            case OPEN_SESSION -> {
                var at = opening == null ? CompletableFuture.<Void>completedFuture(null) : opening;
                opening = null;
                yield at.thenApply(_ -> reply(open()));
            }
            case LOCK -> lock((LockRequest) body);
            case RENEW -> CompletableFuture.completedFuture(reply(RenewReply.getDefaultInstance()));
            default -> CompletableFuture.failedFuture(new RpcException(RpcStatus.REFUSED, ""));
        };
    }

    private static RpcReply reply(MessageLite message) {
        return new RpcReply(ByteBuffer.wrap(message.toByteArray()), PayloadBuffer.EMPTY);
    }

    private synchronized OpenSessionReply open() {
        session++;
        evicted = false;
        return OpenSessionReply.newBuilder()
                .setSession(session)
                .setLeaseTermMs(termMs)
                .setRenewMs(600_000)
                .setServerIncarnation(INCARNATION)
                .setVolume(VolumeInfo.newBuilder().setName("v"))
                .build();
    }

    private CompletableFuture<RpcReply> lock(LockRequest request) {
        if (evicted || request.getSession() != session) {
            refused++;
            return CompletableFuture.failedFuture(
                    new RpcException(RpcStatus.SESSION_GONE, "evicted"));
        }
        LockAnswer answer =
                table.onRequest(
                        new SessionId(session),
                        request.getSequence(),
                        new InodeId(request.getInode()),
                        LockCodec.decode(request),
                        false,
                        System.nanoTime(),
                        this);
        return CompletableFuture.completedFuture(reply(LockCodec.encode(answer, INCARNATION)));
    }

    @Override
    public void recall(SessionId holder, InodeId inode) {}

    @Override
    public void askAgain(SessionId session, InodeId inode) {}

    @Override
    public void waitEnded(SessionId to, InodeId inode, long waiter, boolean granted) {
        notices.add(
                LockNoticeRequest.newBuilder()
                        .setSession(to.value())
                        .setInode(inode.value())
                        .setWaiter(waiter)
                        .setGranted(granted)
                        .build());
    }

    @Override
    public void wanted(SessionId holder) {}

    @Override
    public void evict(SessionId id, String why) {}
}

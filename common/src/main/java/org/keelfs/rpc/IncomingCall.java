package org.keelfs.rpc;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.wire.FrameCodec;
import org.keelfs.wire.proto.RpcProto.RpcHeader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A call that came in. Immutable but for the two flags; answered from any thread. */
final class IncomingCall implements RpcRequest {
    private static final Logger LOG = LoggerFactory.getLogger(IncomingCall.class);

    private final Link link;
    private final long id;
    private final RpcMethod method;
    private final byte[] body;
    private final PayloadBuffer payload;
    private final long deadlineNs;
    private final int frameLength;
    private final AtomicBoolean answered = new AtomicBoolean();
    private volatile boolean cancelled;

    IncomingCall(
            Link link,
            long id,
            RpcMethod method,
            byte[] body,
            PayloadBuffer payload,
            long deadlineNs,
            int frameLength) {
        this.link = link;
        this.id = id;
        this.method = method;
        this.body = body;
        this.payload = payload;
        this.deadlineNs = deadlineNs;
        this.frameLength = frameLength;
    }

    long id() {
        return id;
    }

    int frameLength() {
        return frameLength;
    }

    void onCancel() {
        cancelled = true;
    }

    @Override
    public RpcMethod method() {
        return method;
    }

    @Override
    public <M extends MessageLite> M decode(Parser<M> parser) {
        try {
            return parser.parseFrom(body);
        } catch (InvalidProtocolBufferException e) {
            throw new RpcException(
                    RpcStatus.REFUSED, "garbled body of " + method + ": " + e.getMessage());
        }
    }

    @Override
    public PayloadBuffer payload() {
        return payload;
    }

    @Override
    public RpcPeer peer() {
        return link;
    }

    @Override
    public long deadlineNs() {
        return deadlineNs;
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }

    @Override
    public void reply(MessageLite reply, List<PayloadBuffer> pieces) {
        if (!takeAnswer()) {
            EncodedFrame.releaseAll(pieces);
            return;
        }
        if (cancelled) {
            EncodedFrame.releaseAll(pieces);
            link.abandon(this);
            return;
        }
        var header =
                RpcHeader.newBuilder()
                        .setKind(RpcHeader.Kind.REPLY)
                        .setId(id)
                        .setBodyLength(reply.getSerializedSize())
                        .build();
        EncodedFrame frame;
        try {
            frame = EncodedFrame.of(link.allocator(), header, reply, pieces);
        } catch (RpcException e) {
            LOG.error("the answer to {} of {} cannot be sent: {}", method, link, e.getMessage());
            frame = failure(e.status(), e.getMessage());
        }
        link.answer(this, frame);
    }

    @Override
    public void fail(RpcStatus status, String message) {
        if (takeAnswer()) {
            if (cancelled) {
                link.abandon(this);
            } else {
                link.answer(this, failure(status, message));
            }
        }
    }

    private EncodedFrame failure(RpcStatus status, @org.jspecify.annotations.Nullable String text) {
        return failure(link, id, status, String.valueOf(text));
    }

    /** The frame that answers a call with a failure. */
    static EncodedFrame failure(Link link, long id, RpcStatus status, String text) {
        var header =
                RpcHeader.newBuilder()
                        .setKind(RpcHeader.Kind.REPLY)
                        .setId(id)
                        .setStatus(status.ordinal())
                        .setError(
                                text.substring(
                                        0, Math.min(text.length(), FrameCodec.ERROR_CHARS_MAX)))
                        .build();
        return EncodedFrame.of(link.allocator(), header);
    }

    private boolean takeAnswer() {
        if (!answered.compareAndSet(false, true)) {
            LOG.error("a second answer to {} of {}: dropped", method, link);
            return false;
        }
        payload.release();
        return true;
    }
}

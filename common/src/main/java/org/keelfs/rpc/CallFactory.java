package org.keelfs.rpc;

import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBufAllocator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.wire.proto.RpcProto.RpcHeader;

/** Turns what a caller hands over into a call, or into BUSY. Any thread. */
final class CallFactory {
    private final RpcLoop loop;
    private final ByteBufAllocator allocator;
    private final RpcStatistics statistics;
    private final String peer;
    private final long bytesMax;
    private final AtomicLong bytesInFlight = new AtomicLong();
    private final AtomicLong nextId = new AtomicLong();

    CallFactory(RpcTransport transport, RpcLoop loop, String peer) {
        this.loop = loop;
        this.allocator = transport.allocator();
        this.statistics = transport.statistics();
        this.peer = peer;
        this.bytesMax = transport.config().requestBytesMax();
    }

    /** Bytes of calls that have not ended. */
    long bytesInFlight() {
        return bytesInFlight.get();
    }

    CompletableFuture<RpcReply> send(
            RpcMethod method,
            MessageLite body,
            List<PayloadBuffer> payload,
            long timeoutMs,
            Consumer<RpcCall> transport) {
        long timeout = Math.clamp(timeoutMs, 1, Integer.MAX_VALUE);
        var header =
                RpcHeader.newBuilder()
                        .setKind(RpcHeader.Kind.REQUEST)
                        .setId(nextId.incrementAndGet())
                        .setMethod(method.number())
                        .setTimeoutMs((int) timeout)
                        .setBodyLength(body.getSerializedSize())
                        .build();
        EncodedFrame frame;
        try {
            frame = EncodedFrame.of(allocator, header, body, payload);
        } catch (RpcException e) {
            return CompletableFuture.failedFuture(e);
        }
        long before = bytesInFlight.getAndAdd(frame.length());
        if (before > 0 && before + frame.length() > bytesMax) {
            bytesInFlight.addAndGet(-frame.length());
            frame.release();
            statistics.onBusy();
            return CompletableFuture.failedFuture(
                    new RpcException(
                            RpcStatus.BUSY,
                            method + " to " + peer + ": " + before + " bytes are unanswered"));
        }
        long deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeout);
        var call =
                new RpcCall(header.getId(), method, deadlineNs, loop, peer, bytesInFlight, frame);
        statistics.onCall();
        transport.accept(call);
        return call.future();
    }
}

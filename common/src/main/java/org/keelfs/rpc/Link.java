package org.keelfs.rpc;

import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.collection.LongObjectHashMap;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.security.tls.PeerIdentity;
import org.keelfs.security.tls.Role;
import org.keelfs.wire.FrameCodec;
import org.keelfs.wire.GarbledFrameException;
import org.keelfs.wire.proto.RpcProto.RpcHeader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection that is up: calls in both directions. Confined to its event loop, but for what is
 * marked for any thread.
 */
final class Link extends ChannelInboundHandlerAdapter implements RpcPeer {
    /* Handing over: any thread pushes onto a stack; who finds it empty wakes the event loop, once,
     * however many follow. The loop takes the whole stack, turns it round, writes all and flushes once.
     * It writes only while the channel takes more, so what waits stays as it is, to be dropped when its
     * deadline passes, and is not encrypted into a second buffer ahead of need.
     *
     * Back-pressure: a side limits the bytes of its own unanswered calls; the other side answers BUSY
     * above limits of its own. Nobody ever stops reading, so replies, cancels and pings always get
     * through, and two sides that call each other cannot wait for each other.
     */
    private static final Logger LOG = LoggerFactory.getLogger(Link.class);

    /** Checks without a byte read after which the peer counts as dead. */
    private static final int SILENT_CHECKS_MAX = 3;

    private final Channel channel;
    private final RpcLoop loop;
    private final RpcConfig config;
    private final RpcStatistics statistics;
    private final FrameDecoder decoder;
    private final PeerIdentity identity;
    private final String address;
    private final RpcAuthority authority;
    private final RpcHandler handler;

    private final AtomicReference<@Nullable Outbound> handedOver = new AtomicReference<>();
    private final CallFactory outgoing;
    private final AtomicLong replyBytes = new AtomicLong();
    private final Runnable drain = this::drain;

    private final ArrayDeque<Outbound> ready = new ArrayDeque<>();
    private final LongObjectHashMap<RpcCall> calls = new LongObjectHashMap<>();
    private final LongObjectHashMap<IncomingCall> incoming = new LongObjectHashMap<>();
    private long incomingBytes;
    private boolean writing;
    private volatile boolean closed;
    private boolean wroteSinceCheck;
    private int silentChecks;
    private @Nullable ScheduledFuture<?> checks;
    private String closeReason = "connection closed by the peer";

    Link(
            RpcTransport transport,
            Channel channel,
            PeerIdentity identity,
            RpcAuthority authority,
            RpcHandler handler) {
        this.channel = channel;
        this.loop = transport.loopOf(channel.eventLoop());
        this.config = transport.config();
        this.statistics = transport.statistics();
        this.identity = identity;
        this.address = String.valueOf(channel.remoteAddress()).replaceFirst("^.*/", "");
        this.outgoing = new CallFactory(transport, loop, toString());
        this.authority = authority;
        this.handler = handler;
        this.decoder = channel.pipeline().get(FrameDecoder.class);
    }

    // ---- any thread ----

    ByteBufAllocator allocator() {
        return channel.alloc();
    }

    boolean isClosed() {
        return closed;
    }

    @Override
    public Role role() {
        return identity.role();
    }

    @Override
    public String commonName() {
        return identity.commonName();
    }

    @Override
    public String certificateFingerprint() {
        return identity.fingerprint();
    }

    @Override
    public String address() {
        return address;
    }

    @Override
    public void onClose(Runnable action) {
        var _ = channel.closeFuture().addListener(_ -> action.run());
    }

    @Override
    public String toString() {
        return identity.commonName() + "@" + address;
    }

    @Override
    public CompletableFuture<RpcReply> call(
            RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs) {
        return outgoing.send(method, body, payload, timeoutMs, this::submit);
    }

    /** Sends a call made for this connection's event loop. */
    void submit(RpcCall call) {
        handOver(new Outbound.Request(call));
    }

    void answer(IncomingCall call, EncodedFrame frame) {
        replyBytes.addAndGet(frame.length());
        handOver(new Outbound.Reply(call, frame));
    }

    /** The end of a call that nobody waits for. */
    void abandon(IncomingCall call) {
        handOver(new Outbound.Reply(call, null));
    }

    void close(String reason) {
        try {
            channel.eventLoop()
                    .execute(
                            () -> {
                                closeReason = reason;
                                var _ = channel.close();
                            });
        } catch (RejectedExecutionException e) {
            LOG.debug("{}: the event loop has ended", this, e);
        }
    }

    private void handOver(Outbound item) {
        Outbound head;
        do {
            head = handedOver.get();
            item.next = head;
        } while (!handedOver.compareAndSet(head, item));
        if (head == null) {
            try {
                channel.eventLoop().execute(drain);
            } catch (RejectedExecutionException e) {
                // The transport is closed: end here, on this thread, what would have ended there.
                drain();
            }
        }
    }

    // ---- event loop: out ----

    private void drain() {
        Outbound last = handedOver.getAndSet(null);
        Outbound first = null;
        while (last != null) {
            Outbound before = last.next;
            last.next = first;
            first = last;
            last = before;
        }
        for (Outbound item = first; item != null; item = item.next) {
            take(item);
        }
        writeReady();
    }

    private void take(Outbound item) {
        switch (item) {
            case Outbound.Request request -> takeRequest(request);
            case Outbound.Reply reply -> takeReply(reply);
            case Outbound.Control control -> ready.add(control);
        }
    }

    private void takeRequest(Outbound.Request request) {
        RpcCall call = request.call;
        if (closed) {
            call.fail(RpcStatus.UNREACHABLE, closeReason);
        } else if (!call.isSettled()) {
            call.onLink(this);
            calls.put(call.id(), call);
            loop.watch(call);
            ready.add(request);
        }
    }

    private void takeReply(Outbound.Reply reply) {
        if (incoming.remove(reply.call.id()) != null) {
            incomingBytes -= reply.call.frameLength();
            statistics.onRequestEnd(reply.call.frameLength());
        }
        if (reply.frame != null) {
            ready.add(reply);
        }
    }

    private void writeReady() {
        if (writing) {
            return;
        }
        writing = true;
        try {
            boolean more = true;
            while (more) {
                boolean wrote = false;
                Outbound item;
                while ((closed || channel.isWritable()) && (item = ready.poll()) != null) {
                    wrote |= write(item);
                }
                if (wrote) {
                    channel.flush();
                }
                more = wrote && !ready.isEmpty() && channel.isWritable();
            }
        } finally {
            writing = false;
        }
    }

    /** Writes it, or drops it when nobody needs it any more. */
    private boolean write(Outbound item) {
        EncodedFrame frame =
                switch (item) {
                    case Outbound.Request request -> request.call.takeFrame();
                    case Outbound.Reply reply -> reply.frame;
                    case Outbound.Control control -> control.frame;
                };
        if (frame == null) {
            return false;
        }
        if (item instanceof Outbound.Reply) {
            replyBytes.addAndGet(-frame.length());
        }
        if (closed) {
            frame.release();
            return false;
        }
        frame.writeTo(channel);
        wroteSinceCheck = true;
        statistics.onFrameOut(frame.length());
        return true;
    }

    void forget(RpcCall call) {
        calls.remove(call.id());
    }

    void sendCancel(long id) {
        sendControl(RpcHeader.newBuilder().setKind(RpcHeader.Kind.CANCEL).setId(id).build());
    }

    private void sendControl(RpcHeader header) {
        if (!closed) {
            handOver(new Outbound.Control(EncodedFrame.of(allocator(), header)));
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (channel.isWritable()) {
            writeReady();
        }
    }

    // ---- event loop: in ----

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) throws Exception {
        var frame = (ByteBuf) message;
        statistics.onFrameIn(frame.readableBytes());
        try {
            onFrame(frame);
        } finally {
            frame.release();
        }
    }

    private void onFrame(ByteBuf bytes) throws GarbledFrameException {
        var frame = FrameCodec.decode(bytes.nioBuffer());
        RpcHeader header = frame.header();
        switch (header.getKind()) {
            case REQUEST -> onRequest(bytes, frame);
            case REPLY -> onReply(bytes, frame);
            case CANCEL -> onCancel(header.getId());
            case PING -> {} // That it came is all.
            case HELLO, NONE, UNRECOGNIZED ->
                    throw new GarbledFrameException(
                            "unexpected frame of kind " + header.getKindValue());
        }
    }

    private void onRequest(ByteBuf bytes, FrameCodec.Frame frame) throws GarbledFrameException {
        long id = frame.header().getId();
        RpcMethod method = RpcMethod.of(frame.header().getMethod());
        if (incoming.containsKey(id)) {
            throw new GarbledFrameException("two requests with id " + id);
        }
        if (method == null || !authority.allows(role(), method)) {
            var name = method == null ? "number " + frame.header().getMethod() : method.name();
            statistics.onRefused();
            LOG.warn("refused {} of {}: not for role {}", name, this, role());
            refuse(id, RpcStatus.REFUSED, name + " is not for role " + role());
            return;
        }
        int length = bytes.readableBytes();
        if (isOverloadedBy(length)) {
            statistics.onBusy();
            refuse(id, RpcStatus.BUSY, "too much is unanswered on this connection");
            return;
        }
        long timeoutMs = Integer.toUnsignedLong(frame.header().getTimeoutMs());
        var call =
                new IncomingCall(
                        this,
                        id,
                        method,
                        bodyOf(bytes, frame),
                        payloadOf(bytes, frame),
                        System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs),
                        length);
        incoming.put(id, call);
        incomingBytes += length;
        statistics.onRequest(length);
        try {
            handler.onRequest(call);
        } catch (RpcException e) {
            call.fail(e.status(), String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.error("{} of {} failed", method, this, e);
            call.fail(RpcStatus.FAILED, method + " failed: " + e);
        }
    }

    private boolean isOverloadedBy(int length) {
        boolean tooManyBytes =
                incomingBytes > 0 && incomingBytes + length > config.incomingBytesMax();
        return tooManyBytes
                || (statistics.unansweredBytes() > config.incomingTotalBytesMax()
                        && incomingBytes > 0)
                || incoming.size() >= config.incomingCallsMax()
                || replyBytes.get() > config.replyBytesMax();
    }

    private void refuse(long id, RpcStatus status, String text) {
        handOver(new Outbound.Control(IncomingCall.failure(this, id, status, text)));
    }

    private void onReply(ByteBuf bytes, FrameCodec.Frame frame) throws GarbledFrameException {
        RpcHeader header = frame.header();
        RpcCall call = calls.get(header.getId());
        if (call == null) {
            return; // Its caller cancelled, or its deadline passed.
        }
        if (header.getStatus() == RpcStatus.OK.ordinal()) {
            call.complete(
                    new RpcReply(ByteBuffer.wrap(bodyOf(bytes, frame)), payloadOf(bytes, frame)));
            return;
        }
        int status = header.getStatus();
        if (status < 0 || status >= RpcStatus.values().length) {
            throw new GarbledFrameException("reply with status " + status);
        }
        call.fail(RpcStatus.values()[status], header.getError());
    }

    private void onCancel(long id) {
        IncomingCall call = incoming.get(id);
        if (call != null) {
            call.onCancel();
        }
    }

    private static byte[] bodyOf(ByteBuf bytes, FrameCodec.Frame frame) {
        var body = new byte[frame.bodyLength()];
        bytes.getBytes(bytes.readerIndex() + frame.bodyOffset(), body);
        return body;
    }

    private static PayloadBuffer payloadOf(ByteBuf bytes, FrameCodec.Frame frame) {
        return frame.payloadLength() == 0
                ? PayloadBuffer.EMPTY
                : new FramePayload(
                        bytes.retainedSlice(
                                bytes.readerIndex() + frame.payloadOffset(),
                                frame.payloadLength()));
    }

    // ---- event loop: life ----

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        statistics.onConnect();
        checks =
                channel.eventLoop()
                        .scheduleWithFixedDelay(
                                this::checkAlive,
                                config.pingMs(),
                                config.pingMs(),
                                TimeUnit.MILLISECONDS);
    }

    /**
     * Each side sends a PING when it had nothing to send for a while, whatever it receives: so
     * silence means a dead peer or a cut, never a slow line that is busy in the other direction.
     * Counts checks, not time: a process that was stopped itself must not take its peers for dead.
     */
    private void checkAlive() {
        if (!wroteSinceCheck) {
            sendControl(RpcHeader.newBuilder().setKind(RpcHeader.Kind.PING).build());
        }
        wroteSinceCheck = false;
        if (decoder.takeActivity()) {
            silentChecks = 0;
            return;
        }
        silentChecks++;
        if (silentChecks >= SILENT_CHECKS_MAX) {
            long silentMs = (long) config.pingMs() * SILENT_CHECKS_MAX;
            LOG.warn("{} has been silent for {} ms: closing the connection", this, silentMs);
            closeReason = "silent for " + silentMs + " ms";
            var _ = channel.close();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        Throwable root = ChannelFailures.rootOf(cause);
        if (root instanceof GarbledFrameException) {
            LOG.warn("{} sent nonsense ({}): closing the connection", this, root.getMessage());
        } else {
            LOG.info("connection with {} broke: {}", this, ChannelFailures.describe(cause));
        }
        closeReason = ChannelFailures.describe(cause);
        var _ = ctx.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        closed = true;
        statistics.onDisconnect();
        if (checks != null) {
            checks.cancel(false);
        }
        for (IncomingCall call : incoming.values()) {
            call.onCancel();
            statistics.onRequestEnd(call.frameLength());
        }
        incoming.clear();
        drain();
        for (RpcCall call : calls.values().toArray(RpcCall[]::new)) {
            call.fail(RpcStatus.UNREACHABLE, closeReason);
        }
    }
}

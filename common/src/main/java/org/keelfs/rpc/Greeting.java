package org.keelfs.rpc;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.keelfs.security.tls.PeerIdentity;
import org.keelfs.wire.FrameCodec;
import org.keelfs.wire.GarbledFrameException;
import org.keelfs.wire.proto.RpcProto.RpcHeader;

/**
 * The start of a connection: TLS, roles, one HELLO from each side; then it makes room for a {@link
 * Link}. Confined to the event loop.
 *
 * <p>In TLS 1.3 a client believes to be connected before the server has looked at its certificate:
 * only the server's HELLO says that it was accepted.
 */
final class Greeting extends ChannelInboundHandlerAdapter {
    /** Peers of another version are refused; raised by every change that older ones misread. */
    static final int VERSION = 2;

    /** What becomes of the connection; one of the two is called once. */
    interface Outcome {
        void onUp(Link link);

        /** Nothing came of it; the channel is being closed. */
        void onFailure(RpcStatus status, String reason);
    }

    private final long timeoutMs;
    private final Function<PeerIdentity, @Nullable String> refusal;
    private final BiFunction<Channel, PeerIdentity, Link> linkOf;
    private final Outcome outcome;
    private @Nullable PeerIdentity identity;
    private @Nullable ScheduledFuture<?> timeout;
    private boolean finished;
    private boolean up;

    /**
     * @param refusal why a peer is refused, or null when it is welcome
     * @param linkOf makes the connection's handler
     */
    Greeting(
            long timeoutMs,
            Function<PeerIdentity, @Nullable String> refusal,
            BiFunction<Channel, PeerIdentity, Link> linkOf,
            Outcome outcome) {
        this.timeoutMs = timeoutMs;
        this.refusal = refusal;
        this.linkOf = linkOf;
        this.outcome = outcome;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        timeout =
                ctx.executor()
                        .schedule(
                                () -> fail(ctx, RpcStatus.UNREACHABLE, "no greeting in time"),
                                timeoutMs,
                                TimeUnit.MILLISECONDS);
    }

    /** Also after a refused connection, which is never active: its timer must not outlive it. */
    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (timeout != null) {
            timeout.cancel(false);
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof SslHandshakeCompletionEvent handshake) {
            if (handshake.isSuccess()) {
                onHandshake(ctx);
            } else {
                onBroken(ctx, handshake.cause());
            }
        }
        ctx.fireUserEventTriggered(event);
    }

    private void onHandshake(ChannelHandlerContext ctx) {
        String reason;
        try {
            var session = ctx.pipeline().get(SslHandler.class).engine().getSession();
            var certificate = (X509Certificate) session.getPeerCertificates()[0];
            identity = PeerIdentity.of(certificate);
            reason = refusal.apply(identity);
        } catch (SSLPeerUnverifiedException | CertificateException e) {
            reason = "no usable certificate: " + e.getMessage();
        }
        var hello = RpcHeader.newBuilder().setKind(RpcHeader.Kind.HELLO).setVersion(VERSION);
        if (reason == null) {
            EncodedFrame.of(ctx.alloc(), hello.build()).writeTo(ctx.channel());
            ctx.flush();
            return;
        }
        hello.setStatus(RpcStatus.REFUSED.ordinal()).setError(reason);
        EncodedFrame.of(ctx.alloc(), hello.build()).writeTo(ctx.channel());
        ctx.flush();
        fail(ctx, RpcStatus.REFUSED, reason);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) throws Exception {
        if (up) {
            // Behind the HELLO in the same read: the pipeline has a Link by now.
            ctx.fireChannelRead(message);
            return;
        }
        var bytes = (ByteBuf) message;
        if (finished) {
            bytes.release();
            return;
        }
        try {
            onHello(ctx, FrameCodec.decode(bytes.nioBuffer()).header());
        } finally {
            bytes.release();
        }
    }

    private void onHello(ChannelHandlerContext ctx, RpcHeader hello) throws GarbledFrameException {
        if (identity == null || hello.getKind() != RpcHeader.Kind.HELLO) {
            throw new GarbledFrameException("no greeting");
        }
        if (hello.getStatus() != RpcStatus.OK.ordinal()) {
            fail(ctx, RpcStatus.REFUSED, "the peer refuses: " + hello.getError());
        } else if (hello.getVersion() != VERSION) {
            fail(
                    ctx,
                    RpcStatus.REFUSED,
                    "it speaks version " + hello.getVersion() + ", this side " + VERSION);
        } else {
            Link link = linkOf.apply(ctx.channel(), identity);
            finish();
            up = true;
            ctx.pipeline().addLast(link);
            outcome.onUp(link);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.fireChannelReadComplete();
        if (up) {
            ctx.pipeline().remove(this);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        fail(ctx, RpcStatus.UNREACHABLE, "connection closed before the greeting");
        ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (up) {
            ctx.fireExceptionCaught(cause);
        } else {
            onBroken(ctx, cause);
        }
    }

    private void onBroken(ChannelHandlerContext ctx, Throwable cause) {
        var status =
                ChannelFailures.isAboutCertificates(cause)
                        ? RpcStatus.REFUSED
                        : RpcStatus.UNREACHABLE;
        fail(ctx, status, ChannelFailures.describe(cause));
    }

    private void fail(ChannelHandlerContext ctx, RpcStatus status, String reason) {
        if (!finished) {
            finish();
            var _ = ctx.close();
            outcome.onFailure(status, reason);
        }
    }

    private void finish() {
        finished = true;
        if (timeout != null) {
            timeout.cancel(false);
        }
    }
}

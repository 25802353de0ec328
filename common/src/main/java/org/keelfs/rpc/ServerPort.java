package org.keelfs.rpc;

import io.netty.channel.Channel;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.security.tls.PeerIdentity;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Accepts connections. Thread-safe. */
final class ServerPort implements RpcServer {
    private static final Logger LOG = LoggerFactory.getLogger(ServerPort.class);

    private final RpcTransport transport;
    private final RpcAuthority authority;
    private final RpcHandler handler;
    private final Set<Channel> connections = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;
    private @Nullable Channel listening;

    ServerPort(RpcTransport transport, RpcAuthority authority, RpcHandler handler) {
        this.transport = transport;
        this.authority = authority;
        this.handler = handler;
    }

    void bind(InetSocketAddress address) throws IOException {
        var bound =
                transport.serverBootstrap(this::greetingOf).bind(address).awaitUninterruptibly();
        if (!bound.isSuccess()) {
            // Of this kind whatever the transport throws: the command line tells it apart by that.
            var failure =
                    new BindException(
                            "cannot listen on %s:%d: %s"
                                    .formatted(
                                            address.getHostString(),
                                            address.getPort(),
                                            reason(bound.cause())));
            failure.initCause(bound.cause());
            throw failure;
        }
        listening = bound.channel();
    }

    private static String reason(@Nullable Throwable cause) {
        String text = cause == null ? "cancelled" : String.valueOf(cause.getMessage());
        return text.contains("Address already in use")
                ? "the address is in use by another process"
                : text;
    }

    private Greeting greetingOf(Channel channel) {
        connections.add(channel);
        var _ = channel.closeFuture().addListener(_ -> connections.remove(channel));
        if (closed) {
            var _ = channel.close();
        }
        return new Greeting(
                transport.config().connectTimeoutMs(),
                this::refusal,
                (_, identity) -> new Link(transport, channel, identity, authority, handler),
                new Greeting.Outcome() {
                    @Override
                    public void onUp(Link link) {
                        LOG.debug("{} ({}) connected", link, link.role());
                    }

                    @Override
                    public void onFailure(RpcStatus status, String reason) {
                        LOG.warn(
                                "refused a connection from {}: {}",
                                channel.remoteAddress(),
                                reason);
                    }
                });
    }

    private @Nullable String refusal(PeerIdentity identity) {
        return authority.allowsAny(identity.role())
                ? null
                : "role %s of %s may not connect here"
                        .formatted(identity.role(), identity.commonName());
    }

    @Override
    public InetSocketAddress address() {
        if (listening == null) {
            throw new IllegalStateException("not listening");
        }
        return (InetSocketAddress) listening.localAddress();
    }

    @Override
    public void close() {
        closed = true;
        transport.forget(this);
        if (listening != null) {
            listening.close().awaitUninterruptibly();
        }
        for (Channel channel : connections.toArray(Channel[]::new)) {
            var _ = channel.close();
        }
    }

    @Override
    public String toString() {
        return "server on " + (listening == null ? "no port" : listening.localAddress());
    }
}

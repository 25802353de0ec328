package org.keelfs.rpc;

import com.google.protobuf.MessageLite;
import io.netty.channel.Channel;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.security.tls.PeerIdentity;
import org.keelfs.security.tls.Role;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a pool over its lives: none, being made, up, broken and waiting for the next
 * attempt. Confined to its event loop, but for what is marked for any thread.
 */
final class PeerSlot {
    private static final Logger LOG = LoggerFactory.getLogger(PeerSlot.class);

    private final RpcTransport transport;
    private final RpcConfig config;
    private final RpcLoop loop;
    private final String host;
    private final int port;
    private final Role expectedRole;
    private final RpcHandler incoming;
    private final CallFactory outgoing;

    private final ArrayDeque<RpcCall> waiting = new ArrayDeque<>();
    private volatile @Nullable Link link;
    private @Nullable Channel connecting;
    private boolean attemptUnderWay;
    private long attempts;
    private int failures;
    private long nextAttemptNs;
    private RpcStatus failureStatus = RpcStatus.UNREACHABLE;
    private String failureReason = "";
    private boolean closed;

    PeerSlot(
            RpcTransport transport,
            RpcLoop loop,
            String host,
            int port,
            Role expectedRole,
            RpcHandler incoming) {
        this.transport = transport;
        this.config = transport.config();
        this.loop = loop;
        this.host = host;
        this.port = port;
        this.expectedRole = expectedRole;
        this.incoming = incoming;
        this.outgoing = new CallFactory(transport, loop, host + ":" + port);
    }

    // ---- any thread ----

    long bytesInFlight() {
        return outgoing.bytesInFlight();
    }

    boolean isConnected() {
        Link current = link;
        return current != null && !current.isClosed();
    }

    CompletableFuture<RpcReply> call(
            RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs) {
        return outgoing.send(method, body, payload, timeoutMs, this::submit);
    }

    private void submit(RpcCall call) {
        Link current = link;
        if (current != null && !current.isClosed()) {
            current.submit(call);
            return;
        }
        if (!onLoop(() -> submitOnLoop(call))) {
            call.fail(RpcStatus.UNREACHABLE, "the transport is closed");
        }
    }

    void close() {
        var _ = onLoop(this::closeOnLoop);
    }

    private boolean onLoop(Runnable action) {
        try {
            loop.eventLoop().execute(action);
            return true;
        } catch (RejectedExecutionException e) {
            return false;
        }
    }

    // ---- event loop ----

    private void submitOnLoop(RpcCall call) {
        Link current = link;
        if (current != null && !current.isClosed()) {
            current.submit(call);
        } else if (closed) {
            call.fail(RpcStatus.UNREACHABLE, "this client is closed");
        } else if (attemptUnderWay) {
            await(call);
        } else if (failures > 0 && nextAttemptNs - System.nanoTime() > 0) {
            call.fail(failureStatus, failureReason);
        } else {
            await(call);
            attempt();
        }
    }

    private void await(RpcCall call) {
        if (!call.isSettled()) {
            loop.watch(call);
            waiting.add(call);
        }
    }

    private void attempt() {
        attemptUnderWay = true;
        long attempt = ++attempts;
        if (NetUtil.isValidIpV4Address(host) || NetUtil.isValidIpV6Address(host)) {
            connect(
                    attempt,
                    new InetSocketAddress(
                            NetUtil.createInetAddressFromIpAddressString(host), port));
            return;
        }
        // Resolving blocks: not on the event loop.
        Thread.ofVirtual()
                .name("keelfs-resolve-" + host)
                .start(
                        () -> {
                            try {
                                var address =
                                        new InetSocketAddress(InetAddress.getByName(host), port);
                                var _ = onLoop(() -> connect(attempt, address));
                            } catch (UnknownHostException e) {
                                var _ =
                                        onLoop(
                                                () ->
                                                        onFailure(
                                                                attempt,
                                                                RpcStatus.UNREACHABLE,
                                                                "unknown host"));
                            }
                        });
    }

    private void connect(long attempt, InetSocketAddress address) {
        if (closed) {
            onFailure(attempt, RpcStatus.UNREACHABLE, "this client is closed");
            return;
        }
        var greeting =
                new Greeting(
                        config.connectTimeoutMs(),
                        this::refusal,
                        this::linkOf,
                        new Greeting.Outcome() {
                            @Override
                            public void onUp(Link up) {
                                PeerSlot.this.onUp(attempt, up);
                            }

                            @Override
                            public void onFailure(RpcStatus status, String reason) {
                                PeerSlot.this.onFailure(attempt, status, reason);
                            }
                        });
        var connect = transport.bootstrap(loop.eventLoop(), greeting).connect(address);
        connecting = connect.channel();
        var _ =
                connect.addListener(
                        future -> {
                            if (!future.isSuccess()) {
                                onFailure(
                                        attempt,
                                        RpcStatus.UNREACHABLE,
                                        ChannelFailures.describe(future.cause()));
                            }
                        });
    }

    private @Nullable String refusal(PeerIdentity identity) {
        return identity.role() == expectedRole
                ? null
                : "%s has role %s, not %s"
                        .formatted(identity.commonName(), identity.role(), expectedRole);
    }

    private Link linkOf(Channel channel, PeerIdentity identity) {
        // What a peer of the expected role calls here is up to the handler.
        return new Link(transport, channel, identity, (_, _) -> true, incoming);
    }

    private void onUp(long attempt, Link up) {
        if (isOver(attempt)) {
            up.close("another connection was made");
            return;
        }
        if (failures > 0) {
            LOG.info("{}:{} is reachable again", host, port);
        }
        failures = 0;
        failureReason = "";
        attemptUnderWay = false;
        connecting = null;
        link = up;
        up.onClose(() -> onLost(up));
        RpcCall call;
        while ((call = waiting.poll()) != null) {
            if (!call.isSettled()) {
                loop.unwatch(call);
                up.submit(call);
            }
        }
        if (closed) {
            up.close("this client is closed");
        }
    }

    private void onLost(Link lost) {
        if (link == lost) {
            link = null;
        }
    }

    /** What is left of an earlier attempt must not be taken for the present one. */
    private boolean isOver(long attempt) {
        return !attemptUnderWay || attempt != attempts;
    }

    private void onFailure(long attempt, RpcStatus status, String reason) {
        if (isOver(attempt)) {
            return;
        }
        attemptUnderWay = false;
        connecting = null;
        failures++;
        long backoffMs = backoffMs();
        nextAttemptNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(backoffMs);
        if (!reason.equals(failureReason)) {
            LOG.warn("cannot connect to {}:{}: {}", host, port, reason);
        }
        failureStatus = status;
        failureReason = reason;
        RpcCall call;
        while ((call = waiting.poll()) != null) {
            call.fail(status, reason);
        }
    }

    /** Doubles with each failure up to the limit, with a jitter of half of it. */
    private long backoffMs() {
        int doublings = Math.min(failures - 1, 20);
        long backoff = Math.min((long) config.backoffFirstMs() << doublings, config.backoffMaxMs());
        return backoff / 2 + ThreadLocalRandom.current().nextLong(backoff / 2 + 1);
    }

    private void closeOnLoop() {
        closed = true;
        if (connecting != null) {
            var _ = connecting.close();
        }
        Link current = link;
        if (current != null) {
            current.close("this client is closed");
        }
        RpcCall call;
        while ((call = waiting.poll()) != null) {
            call.fail(RpcStatus.UNREACHABLE, "this client is closed");
        }
    }
}

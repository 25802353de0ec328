package org.keelfs.rpc;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.keelfs.buffer.BufferPool;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsContexts;
import org.keelfs.security.tls.TlsIdentity;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The network of one process: event loops, TLS, buffers; servers and clients are made of it.
 * Thread-safe. Calls go both ways on every connection.
 */
public final class RpcTransport implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RpcTransport.class);

    /** Writing pauses when this much waits for the socket: two frames of 1 MiB keep it busy. */
    private static final int WRITE_HIGH_BYTES = 2 << 20;

    private static final int WRITE_LOW_BYTES = 512 << 10;

    /**
     * Chunks of 2 MiB (8 KiB << 8): TLS records, short frames; long ones have a pool of their own.
     */
    private static final int ARENA_MAX_ORDER = 8;

    /**
     * Frames of 1 MiB that are received or worked on at full speed; more are slower, not refused.
     */
    private static final long RECEIVE_POOL_BYTES = 24 << 20;

    private static final int PAGE_BYTES = 8 << 10;

    private static final long CLOSE_TIMEOUT_MS = 5_000;

    private final RpcConfig config;
    private final RpcStatistics statistics = new RpcStatistics();
    private final TlsContexts tls;
    private final ByteBufAllocator allocator;
    private final BufferPool receivePool = new BufferPool("received frames", RECEIVE_POOL_BYTES);
    private final EventLoopGroup group;
    private final Map<EventLoop, RpcLoop> loops = new IdentityHashMap<>();
    private final Set<AutoCloseable> open = ConcurrentHashMap.newKeySet();

    /**
     * Starts the event loops.
     *
     * @param identity certificate shown to peers, and the authority that theirs must come from
     * @throws IOException when the certificate is of no use
     */
    public RpcTransport(TlsIdentity identity, RpcConfig config) throws IOException {
        this.config = config;
        this.tls = TlsContexts.of(identity);
        this.allocator =
                new PooledByteBufAllocator(
                        true,
                        0,
                        config.eventLoops(),
                        PAGE_BYTES,
                        ARENA_MAX_ORDER,
                        PooledByteBufAllocator.defaultSmallCacheSize(),
                        PooledByteBufAllocator.defaultNormalCacheSize(),
                        false);
        IoHandlerFactory io =
                Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
        if (!Epoll.isAvailable()) {
            LOG.info("epoll does not load here; using NIO", Epoll.unavailabilityCause());
        }
        this.group =
                new MultiThreadIoEventLoopGroup(
                        config.eventLoops(), new DefaultThreadFactory("keelfs-rpc", true), io);
        for (var executor : group) {
            var eventLoop = (EventLoop) executor;
            loops.put(eventLoop, new RpcLoop(eventLoop));
        }
    }

    /**
     * Listens for connections.
     *
     * @param authority which role may call what; refused calls are logged
     * @param handler of the calls that come in
     * @throws IOException in one clear line, when the address cannot be had
     */
    public RpcServer listen(InetSocketAddress address, RpcAuthority authority, RpcHandler handler)
            throws IOException {
        var server = new ServerPort(this, authority, handler);
        server.bind(address);
        open.add(server);
        return server;
    }

    /**
     * Makes a pool of connections to one peer; nothing is sent before the first call.
     *
     * @param expectedRole of the peer's certificate; another is refused
     * @param connections how many; calls go to the one with the least unanswered
     * @param incoming takes the calls that the peer makes on these connections
     */
    public RpcClient connect(
            String host, int port, Role expectedRole, int connections, RpcHandler incoming) {
        var client = new PeerPool(this, host, port, expectedRole, connections, incoming);
        open.add(client);
        return client;
    }

    /** The same for peers that make no calls of their own. */
    public RpcClient connect(String host, int port, Role expectedRole, int connections) {
        return connect(
                host,
                port,
                expectedRole,
                connections,
                request -> request.fail(RpcStatus.REFUSED, "this side takes no calls"));
    }

    /** What went over it so far; for metrics. */
    public RpcStatistics statistics() {
        return statistics;
    }

    RpcConfig config() {
        return config;
    }

    ByteBufAllocator allocator() {
        return allocator;
    }

    void forget(AutoCloseable closed) {
        open.remove(closed);
    }

    RpcLoop nextLoop() {
        return loopOf(group.next());
    }

    RpcLoop loopOf(EventLoop eventLoop) {
        var loop = loops.get(eventLoop);
        if (loop == null) {
            throw new IllegalStateException("not an event loop of this transport");
        }
        return loop;
    }

    Bootstrap bootstrap(EventLoop eventLoop, Greeting greeting) {
        return new Bootstrap()
                .group(eventLoop)
                .channel(Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, config.connectTimeoutMs())
                .option(ChannelOption.ALLOCATOR, allocator)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(WRITE_LOW_BYTES, WRITE_HIGH_BYTES))
                .handler(
                        new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel channel) {
                                prepare(channel, tls.client().newHandler(allocator), greeting);
                            }
                        });
    }

    ServerBootstrap serverBootstrap(Function<Channel, Greeting> greetingOf) {
        Class<? extends ServerChannel> type =
                Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
        return new ServerBootstrap()
                .group(group)
                .channel(type)
                .option(ChannelOption.SO_REUSEADDR, true)
                .option(ChannelOption.SO_BACKLOG, 1024)
                .childOption(ChannelOption.ALLOCATOR, allocator)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(WRITE_LOW_BYTES, WRITE_HIGH_BYTES))
                .childHandler(
                        new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel channel) {
                                prepare(
                                        channel,
                                        tls.server().newHandler(allocator),
                                        greetingOf.apply(channel));
                            }
                        });
    }

    private void prepare(Channel channel, SslHandler ssl, Greeting greeting) {
        ssl.setHandshakeTimeoutMillis(0); // The greeting has a limit, which covers TLS.
        ssl.setCloseNotifyFlushTimeoutMillis(config.connectTimeoutMs());
        channel.pipeline().addLast(ssl, new FrameDecoder(receivePool), greeting);
    }

    /**
     * Ends all servers and clients made of it; unanswered calls end UNREACHABLE. Waits for its
     * threads.
     */
    @Override
    public void close() {
        for (var each : open.toArray(AutoCloseable[]::new)) {
            try {
                each.close();
            } catch (Exception e) {
                LOG.warn("closing {} failed", each, e);
            }
        }
        group.shutdownGracefully(0, CLOSE_TIMEOUT_MS, TimeUnit.MILLISECONDS)
                .awaitUninterruptibly(2 * CLOSE_TIMEOUT_MS);
        receivePool.close();
    }
}

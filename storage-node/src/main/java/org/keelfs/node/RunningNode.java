package org.keelfs.node;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.keelfs.base.Clock;
import org.keelfs.buffer.BufferPool;
import org.keelfs.metrics.Metrics;
import org.keelfs.metrics.MetricsEndpoint;
import org.keelfs.metrics.RpcMetrics;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.repair.Scrubber;
import org.keelfs.node.service.ChunkCopier;
import org.keelfs.node.service.DropService;
import org.keelfs.node.service.SectorService;
import org.keelfs.node.service.ServerClock;
import org.keelfs.node.store.DiskFiles;
import org.keelfs.node.store.HolePuncher;
import org.keelfs.node.store.SectorStore;
import org.keelfs.node.store.StoreLock;
import org.keelfs.rpc.RpcAuthority;
import org.keelfs.rpc.RpcConfig;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcServer;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.rpc.RpcTransport;
import org.keelfs.security.capability.CapabilityVerifier;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsIdentity;
import org.keelfs.wire.proto.MetadataProto.DropChunksReply;
import org.keelfs.wire.proto.MetadataProto.DropChunksRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A storage node with all its parts, wired and running, until it is closed. */
public final class RunningNode implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RunningNode.class);

    /** Frames that wait for a reader thread; beyond it reads are answered BUSY. */
    private static final int WAITING_READS_MAX = 1_024;

    /** Copies that wait for their turn: their sealers ask again every few seconds. */
    private static final int WAITING_COPIES_MAX = 256;

    private static final long STOP_TIMEOUT_MS = 10_000;

    /** What to close, the last opened first. */
    private final Deque<AutoCloseable> open = new ArrayDeque<>();

    private final RpcServer listener;
    private final DropService drops;
    private final SectorService sectors;

    /**
     * Opens the store, listens, and begins to talk with the metadata server.
     *
     * @param onFatal told when the node cannot go on: a failed store or a bug
     * @throws IOException in one clear line, with nothing left open
     */
    public RunningNode(StorageNodeConfig config, Consumer<Throwable> onFatal) throws IOException {
        try {
            Files.createDirectories(config.dataDir());
            open.push(StoreLock.acquire(config.dataDir()));
            var identity = TlsIdentity.load(config.ca(), config.cert(), config.key());
            var pool = new BufferPool("sectors", (long) config.readBufferMib() << 20);
            open.push(pool);
            var index =
                    new ChunkIndex(
                            config.dataDir().resolve("index"),
                            (long) config.indexMemoryMib() << 20,
                            (long) config.indexCacheMib() << 20);
            var store = openStore(config, index, pool, onFatal);
            open.push(store);
            var readers = readers(config.readThreads());
            open.push(() -> stop(readers));
            var verifier = new CapabilityVerifier();
            var clock = new ServerClock(Clock.SYSTEM);
            var copier = new ChunkCopier(store, index, pool, copyThread(), onFatal);
            this.sectors =
                    new SectorService(
                            store, index, verifier, clock, pool, readers, copier, onFatal);
            this.drops = new DropService(index, store.commit());
            var transport = new RpcTransport(identity, rpcConfig(config));
            open.push(transport);
            this.listener =
                    transport.listen(
                            new InetSocketAddress(config.host(), config.port()),
                            RpcAuthority.STORAGE_NODE,
                            this::onRequest);
            var scrubber =
                    new Scrubber(
                            store,
                            index,
                            pool,
                            config.scrubBytesPerSecond(),
                            RunningNode::startThread);
            open.push(scrubber);
            var metrics = metrics(store, index, pool, scrubber);
            RpcMetrics.register(transport.statistics(), metrics);
            open.push(metrics::close);
            if (config.metricsPort() >= 0) {
                open.push(
                        new MetricsEndpoint(
                                new InetSocketAddress(
                                        InetAddress.getLoopbackAddress(), config.metricsPort()),
                                Executors.newThreadPerTaskExecutor(
                                        Thread.ofVirtual().name("keelfs-metrics-", 0).factory()),
                                metrics::scrape));
            }
            var server =
                    transport.connect(
                            config.metadataHost(), config.metadataPort(), Role.METADATA, 1);
            open.push(
                    new MetadataLink(
                            config,
                            listener.address().getPort(),
                            server,
                            store,
                            index,
                            sectors,
                            drops,
                            verifier,
                            clock));
            LOG.info("node {} listens on {}", config.name(), listener.address());
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private static SectorStore openStore(
            StorageNodeConfig config,
            ChunkIndex index,
            BufferPool pool,
            Consumer<Throwable> onFatal)
            throws IOException {
        try {
            return new SectorStore(
                    new DiskFiles(config.dataDir(), new HolePuncher()),
                    index,
                    config.storeOptions(),
                    pool,
                    RunningNode::startThread,
                    onFatal);
        } catch (IOException | RuntimeException e) {
            index.close();
            throw e;
        }
    }

    private static RpcConfig rpcConfig(StorageNodeConfig config) {
        return RpcConfig.DEFAULT.withEventLoops(config.eventLoops());
    }

    private static void startThread(String name, Runnable loop) {
        var thread = new Thread(loop, name);
        thread.setDaemon(true);
        thread.start();
    }

    private static ThreadPoolExecutor readers(int threads) {
        var number = new AtomicInteger();
        var readers =
                new ThreadPoolExecutor(
                        threads,
                        threads,
                        0,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(WAITING_READS_MAX),
                        task -> {
                            var thread =
                                    new Thread(task, "store-reader-" + number.incrementAndGet());
                            thread.setDaemon(true);
                            return thread;
                        });
        return readers;
    }

    /** One copy of a chunk at a time: the disk is what they wait for. */
    private ThreadPoolExecutor copyThread() {
        var copying =
                new ThreadPoolExecutor(
                        1,
                        1,
                        0,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(WAITING_COPIES_MAX),
                        task -> {
                            var thread = new Thread(task, "chunk-copier");
                            thread.setDaemon(true);
                            return thread;
                        });
        open.push(() -> stop(copying));
        return copying;
    }

    private static void stop(ThreadPoolExecutor readers) throws InterruptedException {
        readers.shutdown();
        if (!readers.awaitTermination(STOP_TIMEOUT_MS, TimeUnit.MILLISECONDS)) {
            LOG.warn("reads still run after {} ms; stopping without them", STOP_TIMEOUT_MS);
        }
    }

    private static PrometheusMeterRegistry metrics(
            SectorStore store, ChunkIndex index, BufferPool pool, Scrubber scrubber) {
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        var commit = store.commit();
        FunctionTimer.builder(
                        Metrics.STORE_SYNC,
                        commit,
                        c -> c.commitCount(),
                        c -> (double) c.commitNanos(),
                        TimeUnit.NANOSECONDS)
                .register(registry);
        FunctionCounter.builder(Metrics.STORE_APPENDED, commit, c -> (double) c.byteCount())
                .register(registry);
        Gauge.builder(Metrics.STORE_SPACE, store, s -> (double) s.totalBytes())
                .tag(Metrics.TAG_KIND, "total")
                .register(registry);
        Gauge.builder(Metrics.STORE_SPACE, store, s -> (double) s.freeBytes())
                .tag(Metrics.TAG_KIND, "free")
                .register(registry);
        Gauge.builder(Metrics.STORE_CHUNKS, index, i -> (double) i.chunkCount()).register(registry);
        FunctionCounter.builder(
                        Metrics.STORE_DAMAGED,
                        index,
                        i -> (double) (i.damagedSectorCount() - scrubber.damagedSectorCount()))
                .tag(Metrics.TAG_KIND, "read")
                .register(registry);
        FunctionCounter.builder(
                        Metrics.STORE_DAMAGED, scrubber, s -> (double) s.damagedSectorCount())
                .tag(Metrics.TAG_KIND, "scrub")
                .register(registry);
        Gauge.builder(Metrics.BUFFER_USED, pool, p -> (double) p.bytesInUse())
                .tag(Metrics.TAG_POOL, "sectors")
                .register(registry);
        Gauge.builder(Metrics.BUFFER_BUDGET, pool, p -> (double) p.budgetBytes())
                .tag(Metrics.TAG_POOL, "sectors")
                .register(registry);
        return registry;
    }

    private void onRequest(RpcRequest request) {
        switch (request.method()) {
            case SECTORS -> sectors.onSectors(request);
            case DROP_CHUNKS -> {
                drops.onDrops(request.decode(DropChunksRequest.parser()).getDropsList());
                request.reply(DropChunksReply.getDefaultInstance());
            }
            default -> request.fail(RpcStatus.REFUSED, "not a call for a storage node");
        }
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return listener.address();
    }

    /** Takes no more calls, makes all durable, writes a checkpoint, lets go of the store. */
    @Override
    public void close() {
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception e) {
                LOG.warn("closing a part of the node failed", e);
            }
        }
    }
}

package org.keelfs.metadata;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Clock;
import org.keelfs.base.InvariantViolation;
import org.keelfs.base.SerialExecutor;
import org.keelfs.lease.LeaseTable;
import org.keelfs.lease.LeaseTableConfig;
import org.keelfs.lock.LockTable;
import org.keelfs.lock.LockTableConfig;
import org.keelfs.metadata.gc.Fencer;
import org.keelfs.metadata.gc.Garbage;
import org.keelfs.metadata.heal.NodeTable;
import org.keelfs.metadata.layout.CapabilityIssuer;
import org.keelfs.metadata.layout.Epochs;
import org.keelfs.metadata.layout.Layouts;
import org.keelfs.metadata.lease.LeaseDriver;
import org.keelfs.metadata.lease.OperationDriver;
import org.keelfs.metadata.lock.LockDriver;
import org.keelfs.metadata.log.LocalLog;
import org.keelfs.metadata.session.Sessions;
import org.keelfs.metadata.store.StoreBudget;
import org.keelfs.metrics.Metrics;
import org.keelfs.metrics.MetricsEndpoint;
import org.keelfs.metrics.RpcMetrics;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.SessionRow;
import org.keelfs.rpc.RpcAuthority;
import org.keelfs.rpc.RpcConfig;
import org.keelfs.rpc.RpcHandler;
import org.keelfs.rpc.RpcTransport;
import org.keelfs.security.capability.CapabilityKeys;
import org.keelfs.security.capability.CapabilitySigner;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsIdentity;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A metadata server that runs: all its parts, wired. {@link #close} ends it in order. Thread-safe.
 */
public final class RunningServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RunningServer.class);

    /** How exactly deadlines of leases are met, ms: well below the shortest of them. */
    private static final long TICK_MS = 100;

    /** Generations of leases in one life of the server: 2^36 before they meet those of the next. */
    private static final int GENERATION_SHIFT = 16;

    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final MetadataConfig config;
    private final Consumer<Throwable> onFatal;
    private final InetSocketAddress address;
    private @Nullable Thread committer;

    /**
     * Starts everything.
     *
     * @param onFatal told of a failure that the server cannot survive: the process has to end
     * @throws IOException in one clear line
     */
    public RunningServer(MetadataConfig config, Consumer<Throwable> onFatal) throws IOException {
        this.config = config;
        this.onFatal = onFatal;
        try {
            this.address = start();
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return address;
    }

    private <T extends AutoCloseable> T opened(T part) {
        open.push(part);
        return part;
    }

    /** What all parts stand on. */
    private record Base(
            LocalLog log,
            SerialExecutor serial,
            Executor executor,
            RpcTransport transport,
            ByteString certificate,
            CapabilityKeys keys) {}

    private InetSocketAddress start() throws IOException {
        TlsIdentity identity = TlsIdentity.load(config.ca(), config.cert(), config.key());
        Files.createDirectories(config.dataDir());
        lock(config.dataDir());
        CapabilityKeys keys = CapabilitySecret.loadOrCreate(config.dataDir());
        ScheduledExecutorService timer =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("metadata-tick").factory());
        opened(timer::shutdownNow);
        LocalLog log = openLog();
        var serial = new SerialExecutor(this::onFailure);
        RpcTransport transport =
                opened(
                        new RpcTransport(
                                identity, RpcConfig.DEFAULT.withEventLoops(config.eventLoops())));
        var certificate =
                ByteString.copyFrom(HexFormat.of().parseHex(identity.self().fingerprint()));
        // The committer's next sync must not wait for the calls that the last one let go on.
        Executor executor =
                task -> {
                    if (Thread.currentThread().equals(committer)) {
                        timer.execute(() -> serial.execute(task));
                    } else {
                        serial.execute(task);
                    }
                };
        RpcHandler service =
                wire(new Base(log, serial, executor, transport, certificate, keys), timer);
        return opened(
                        transport.listen(
                                new InetSocketAddress(config.host(), config.port()),
                                RpcAuthority.METADATA_SERVER,
                                service))
                .address();
    }

    private RpcHandler wire(Base base, ScheduledExecutorService timer) throws IOException {
        Clock clock = Clock.SYSTEM;
        LocalLog log = base.log();
        Executor executor = base.executor();
        Epochs epochs = Epochs.start(log, executor);
        long incarnation = epochs.first();
        var nodes =
                new NodeTable(
                        log.read(tables -> tables.nodes()),
                        TimeUnit.MILLISECONDS.toNanos(config.heartbeatMs()),
                        clock.nanoTime());
        var sessions = new Sessions();
        var sessionService = new SessionService(log, executor, sessions, config, incarnation);
        var table = new LeaseTable(leaseTimes(), incarnation << GENERATION_SHIFT);
        var leases = new LeaseDriver(table, clock, sessionService);
        leases.stamp(epochs.last());
        var signer = new CapabilitySigner(base.keys());
        var issuer = new CapabilityIssuer(signer, clock, config.capabilityMs());
        var layouts = new Layouts(log, executor, clock, epochs, nodes, leases, issuer);
        var fencer =
                new Fencer(
                        row -> base.transport().connect(row.host(), row.port(), Role.NODE, 1),
                        nodes,
                        issuer,
                        base.certificate());
        var garbage = new Garbage(log, executor, nodes, epochs, fencer);
        var operations = new OperationDriver(log, leases, clock);
        var submits =
                new SubmitService(log, executor, leases, operations, epochs, fencer, incarnation);
        var locks =
                new LockDriver(
                        new LockTable(LockTableConfig.DEFAULT),
                        leases,
                        sessions,
                        clock,
                        incarnation);
        sessionService.wire(
                new SessionService.Parts(leases, locks, layouts, submits, issuer, operations));
        recoverSessions(log, sessions, leases);
        var _ =
                timer.scheduleWithFixedDelay(
                        () -> base.serial().execute(() -> tick(leases, locks, layouts, operations)),
                        TICK_MS,
                        TICK_MS,
                        TimeUnit.MILLISECONDS);
        startMetrics(base.serial(), base.transport(), leases, submits);
        return new MetadataService(
                base.serial(),
                log,
                sessions,
                leases,
                locks,
                layouts,
                sessionService,
                new ReadService(log, leases, operations),
                submits,
                operations,
                new ClusterService(
                        log,
                        executor,
                        clock,
                        nodes,
                        garbage,
                        base.keys(),
                        issuer,
                        leases,
                        config.heartbeatMs()),
                incarnation);
    }

    private LeaseTableConfig leaseTimes() {
        return new LeaseTableConfig(
                TimeUnit.MILLISECONDS.toNanos(config.leaseTermMs()),
                TimeUnit.MILLISECONDS.toNanos(config.leaseMarginMs()),
                TimeUnit.MILLISECONDS.toNanos(config.recallStallMs()),
                TimeUnit.MILLISECONDS.toNanos(config.abandonMs()),
                TimeUnit.MILLISECONDS.toNanos(config.renewMs()),
                config.leasesPerSession());
    }

    private void lock(Path directory) throws IOException {
        FileChannel channel =
                opened(
                        FileChannel.open(
                                directory.resolve("lock"),
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE));
        FileLock held;
        try {
            held = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            held = null;
        }
        if (held == null) {
            throw new IOException(
                    "store " + directory + " is in use by another process",
                    new OverlappingFileLockException());
        }
    }

    private LocalLog openLog() {
        long mib = 1L << 20;
        return opened(
                LocalLog.open(
                        config.dataDir().resolve("store"),
                        new StoreBudget(
                                config.storeCacheMib() * mib,
                                config.storeMemtableMib() * mib,
                                config.storeLogMib() * mib),
                        work -> {
                            committer = new Thread(work);
                            committer.setDaemon(true);
                            return committer;
                        },
                        onFatal));
    }

    /** Sessions outlive the process; their leases are theirs to reclaim. */
    private static void recoverSessions(LocalLog log, Sessions sessions, LeaseDriver leases) {
        List<SessionRow> rows =
                log.read(
                        tables ->
                                tables.sessions().stream()
                                        .filter(row -> row.state() == SessionRow.State.OPEN)
                                        .toList());
        rows.forEach(row -> sessions.add(row));
        List<SessionId> ids = rows.stream().map(SessionRow::id).toList();
        leases.restart(ids);
        if (!ids.isEmpty()) {
            LOG.info("Sessions {} may reclaim their leases", ids);
        }
    }

    private static void tick(
            LeaseDriver leases, LockDriver locks, Layouts layouts, OperationDriver operations) {
        leases.tick();
        locks.tick();
        operations.tick();
        layouts.tick();
    }

    private void startMetrics(
            SerialExecutor executor,
            RpcTransport transport,
            LeaseDriver leases,
            SubmitService submits)
            throws IOException {
        if (config.metricsPort() <= 0) {
            return;
        }
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        RpcMetrics.register(transport.statistics(), registry);
        Gauge.builder(Metrics.METADATA_SESSIONS, leases, LeaseDriver::sessionCount)
                .register(registry);
        Gauge.builder(Metrics.METADATA_LEASES, leases, LeaseDriver::leaseCount).register(registry);
        FunctionCounter.builder(Metrics.METADATA_RECALLS, leases, LeaseDriver::recallCount)
                .register(registry);
        FunctionCounter.builder(Metrics.METADATA_COMMANDS, submits, SubmitService::commandCount)
                .register(registry);
        opened(
                new MetricsEndpoint(
                        new InetSocketAddress(
                                InetAddress.getLoopbackAddress(), config.metricsPort()),
                        Executors.newThreadPerTaskExecutor(
                                Thread.ofVirtual().name("keelfs-metrics-", 0).factory()),
                        () -> scrape(executor, registry)));
    }

    /** The numbers belong to the executor: they are read there. */
    private static String scrape(SerialExecutor executor, PrometheusMeterRegistry registry) {
        var text = new java.util.concurrent.CompletableFuture<String>();
        executor.execute(() -> text.complete(registry.scrape()));
        return text.join();
    }

    private void onFailure(Throwable failure) {
        LOG.error("Failure in the metadata service", failure);
        if (failure instanceof InvariantViolation || failure instanceof Error) {
            onFatal.accept(failure);
        }
    }

    /** Takes no more calls, forces what is left, gives everything back. */
    @Override
    public void close() {
        while (!open.isEmpty()) {
            AutoCloseable part = open.pop();
            try {
                part.close();
            } catch (Exception e) {
                LOG.warn("Closing {} failed", part, e);
            }
        }
    }
}

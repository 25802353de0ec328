package org.keelfs.client.mount;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Clock;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.MetadataCache;
import org.keelfs.client.data.BufferedFileData;
import org.keelfs.client.data.DataConfig;
import org.keelfs.client.data.WriteBackListener;
import org.keelfs.client.lease.KernelCache;
import org.keelfs.client.lease.Leases;
import org.keelfs.client.lock.FileLocks;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.SessionConfig;
import org.keelfs.client.meta.SessionListener;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.client.quorum.ChunkClients;
import org.keelfs.client.quorum.NodeConnections;
import org.keelfs.client.quorum.QuorumConfig;
import org.keelfs.client.vfs.Vfs;
import org.keelfs.crypto.Keyring;
import org.keelfs.crypto.MasterKey;
import org.keelfs.metrics.MetricsEndpoint;
import org.keelfs.model.InodeId;
import org.keelfs.rpc.RpcConfig;
import org.keelfs.rpc.RpcTransport;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsIdentity;
import org.keelfs.wire.proto.MetadataProto.LockNoticeRequest;
import org.keelfs.wire.proto.MetadataProto.Recall;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything of a client but the kernel: session, leases, caches, data path and the VFS core over
 * them. A mount puts an adapter in front of it; the command line uses it as it is.
 */
public final class ClientStack implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ClientStack.class);

    private static final int METADATA_CONNECTIONS = 1;

    /** Two, so that one frame being encrypted does not hold up the next. */
    private static final int NODE_CONNECTIONS = 2;

    private static final int DIRECTORIES_MAX = 20_000;

    /** How often the age of unsent commands is looked at. */
    private static final int SEND_TICK_MS = 50;

    /**
     * After so long without a byte less to write, shutting down gives up (the contract of down).
     */
    private static final int STUCK_S = 30;

    private static final int PASSWORD_BYTES_MAX = 4096;

    private final MountIdentity identity;
    private final RpcTransport transport;
    private final ScheduledExecutorService timer;
    private final ExecutorService blocking = Executors.newVirtualThreadPerTaskExecutor();
    private final ExecutorService notifier;
    private final MetadataSession session;
    private final Leases leases;
    private final FileLocks locks;
    private @Nullable ChunkClients chunkIo;
    private @Nullable BufferedFileData data;
    private @Nullable Vfs vfs;
    private @Nullable MetricsEndpoint metrics;

    private ClientStack(MountConfig config, MountIdentity identity, RpcTransport transport) {
        this.identity = identity;
        this.transport = transport;
        this.timer =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("keelfs-timer").factory());
        this.notifier =
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().daemon().name("keelfs-invalidate").factory());
        var sessionConfig =
                new SessionConfig(
                        config.volume(),
                        identity.id(),
                        config.operationTimeoutMs(),
                        config.leaseMarginMs());
        this.session =
                new MetadataSession(
                        sessionConfig,
                        new Events(),
                        handler ->
                                transport.connect(
                                        config.metadataHost(),
                                        config.metadataPort(),
                                        Role.METADATA,
                                        METADATA_CONNECTIONS,
                                        handler),
                        timer,
                        blocking);
        this.leases = new Leases(session, config.operationTimeoutMs());
        this.locks = new FileLocks(session, blocking, Host.number(), config.operationTimeoutMs());
    }

    /**
     * Connects and opens the volume. Throws an FsException with one clear line; nothing is left
     * behind then.
     */
    public static ClientStack open(MountConfig config) {
        byte[] password = readPassword(config.passwordFile());
        MountIdentity identity = MountIdentity.take(config.stateDir());
        ClientStack stack = null;
        try {
            TlsIdentity tls = TlsIdentity.load(config.ca(), config.cert(), config.key());
            stack = new ClientStack(config, identity, new RpcTransport(tls, RpcConfig.DEFAULT));
            stack.session.open();
            stack.assemble(config, password);
            return stack;
        } catch (IOException e) {
            throw new FsException(Errno.EACCES, "certificates cannot be used: " + e.getMessage());
        } finally {
            if (stack == null || stack.vfs == null) {
                giveUp(stack, identity);
            }
        }
    }

    private static void giveUp(@Nullable ClientStack stack, MountIdentity identity) {
        if (stack == null) {
            identity.close();
        } else {
            stack.session.close();
            stack.closeParts();
        }
    }

    private static byte[] readPassword(Path file) {
        try {
            if (Files.size(file) > PASSWORD_BYTES_MAX) {
                throw new FsException(Errno.EINVAL, file + " is too large for a password file");
            }
            String first = Files.readString(file).lines().findFirst().orElse("");
            return first.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new FsException(Errno.ENOENT, "password file " + file + " cannot be read");
        }
    }

    private void assemble(MountConfig config, byte[] password) {
        MasterKey master = Keyring.open(session.volume().getKeyring().toByteArray(), password);
        int chunkBytes = session.volume().getChunkBytes();
        QuorumConfig usual = QuorumConfig.of(chunkBytes);
        var patience =
                new QuorumConfig(
                        usual.chunkSectors(),
                        usual.attemptMs(),
                        usual.hedgeMs(),
                        config.operationTimeoutMs());
        var nodes =
                new NodeConnections(
                        (host, port) -> transport.connect(host, port, Role.NODE, NODE_CONNECTIONS),
                        patience);
        var cache = new MetadataCache(config.inodesMax(), DIRECTORIES_MAX);
        var names =
                new NamespaceWriter(
                        session,
                        leases,
                        cache,
                        blocking,
                        !config.syncNamespace(),
                        config.operationTimeoutMs());
        var io =
                new ChunkClients(
                        patience,
                        new SessionLayouts(session, leases, names),
                        nodes,
                        timer,
                        blocking);
        chunkIo = io;
        var listener = new LateListener();
        var dataConfig =
                new DataConfig(
                        chunkBytes,
                        config.writeBufferBytes(),
                        config.cleanCacheBytes(),
                        config.dirtyAgeMs(),
                        DataConfig.of(chunkBytes).readAheadBytesMax(),
                        config.operationTimeoutMs());
        var files = new BufferedFileData(dataConfig, io, master, listener, blocking, timer);
        data = files;
        metrics =
                MountMetrics.serve(
                        config.metricsPort(),
                        transport.statistics(),
                        files.statistics(),
                        io.rounds());
        Vfs core =
                new Vfs(
                        session,
                        leases,
                        locks,
                        names,
                        cache,
                        data,
                        Clock.SYSTEM,
                        config.accessRule(),
                        notifier);
        core.attach(KernelCache.NONE);
        listener.target = core.writeBackListener();
        vfs = core;
        var _ =
                timer.scheduleWithFixedDelay(
                        names::onTick, SEND_TICK_MS, SEND_TICK_MS, TimeUnit.MILLISECONDS);
        var _ =
                timer.scheduleWithFixedDelay(
                        () -> blocking.execute(core::sendSettled), 1, 1, TimeUnit.SECONDS);
    }

    /** The file system. */
    public Vfs fileSystem() {
        Vfs core = vfs;
        if (core == null) {
            throw new IllegalStateException("not open");
        }
        return core;
    }

    /** What happens to the session. */
    private final class Events implements SessionListener {
        @Override
        public void onRecall(Recall recall) {
            leases.onRecall(recall);
        }

        @Override
        public void onLockNotice(LockNoticeRequest notice) {
            locks.events().onNotice(notice);
        }

        @Override
        public void onSessionLost() {
            locks.events().onSessionLost();
            Vfs core = vfs;
            if (core != null) {
                core.onSessionLost();
            }
        }

        @Override
        public void onSessionOpened(long leaseFloor) {
            leases.onSessionOpened(leaseFloor);
        }

        @Override
        public void onServerRestarted() {
            leases.reclaimAll();
            locks.events().reclaimAll();
        }
    }

    /** The flusher is made before the core that it reports to. */
    private static final class LateListener implements WriteBackListener {
        private volatile @Nullable WriteBackListener target;

        @Override
        public void afterFlush(List<InodeId> flushed) {
            WriteBackListener t = target;
            if (t != null) {
                t.afterFlush(flushed);
            }
        }

        @Override
        public boolean isPlaceable(InodeId inode) {
            WriteBackListener t = target;
            return t == null || t.isPlaceable(inode);
        }

        @Override
        public void onWriteBackError(InodeId inode, Errno errno) {
            WriteBackListener t = target;
            if (t != null) {
                t.onWriteBackError(inode, errno);
            }
        }
    }

    /**
     * Writes everything back. Returns the files whose bytes could not be written: empty when all is
     * durable. Gives up after {@value #STUCK_S} s in which nothing moved.
     */
    public List<String> flush() {
        var done = blocking.submit(() -> fileSystem().flushAll());
        int last = -1;
        int still = 0;
        while (!done.isDone() && still < STUCK_S) {
            if (waitedASecond(done)) {
                break;
            }
            int dirty = fileSystem().dirtyInodes().size();
            still = dirty == last ? still + 1 : 0;
            last = dirty;
            LOG.info("Unmounting: {} files are still to be written", dirty);
        }
        return fileSystem().dirtyInodes().stream().map(fileSystem()::describe).toList();
    }

    private static boolean waitedASecond(java.util.concurrent.Future<?> done) {
        try {
            var _ = done.get(1, TimeUnit.SECONDS);
            return true;
        } catch (java.util.concurrent.TimeoutException e) {
            return false;
        } catch (java.util.concurrent.ExecutionException e) {
            LOG.error("Not everything could be written: {}", e.getMessage());
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /** Returns leases, ends the session, frees everything. {@link #flush} comes before. */
    @Override
    public void close() {
        try {
            leases.giveBackAll();
        } catch (FsException e) {
            LOG.warn("Leases could not be returned: {}", e.getMessage());
        }
        session.close();
        closeParts();
    }

    private void closeParts() {
        timer.shutdownNow();
        if (metrics != null) {
            metrics.close();
        }
        if (data != null) {
            data.close();
        }
        if (chunkIo != null) {
            chunkIo.close();
        }
        transport.close();
        notifier.shutdownNow();
        blocking.shutdownNow();
        identity.close();
    }
}

package org.keelfs.node;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.service.DropService;
import org.keelfs.node.service.SectorService;
import org.keelfs.node.service.ServerClock;
import org.keelfs.node.store.SectorStore;
import org.keelfs.rpc.RpcClient;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.security.capability.CapabilityVerifier;
import org.keelfs.wire.proto.MetadataProto.ChunkReportReply;
import org.keelfs.wire.proto.MetadataProto.ChunkReportRequest;
import org.keelfs.wire.proto.MetadataProto.HeartbeatReply;
import org.keelfs.wire.proto.MetadataProto.HeartbeatRequest;
import org.keelfs.wire.proto.MetadataProto.NodeKey;
import org.keelfs.wire.proto.MetadataProto.RegisterNodeReply;
import org.keelfs.wire.proto.MetadataProto.RegisterNodeRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This node's talk with the metadata server: registration, heartbeats, chunk reports; it brings
 * keys, the server's time and orders to drop chunks. One thread of its own, blocking.
 */
final class MetadataLink implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MetadataLink.class);

    private static final long CALL_TIMEOUT_MS = 5_000;

    /** Until the first registration says how often the server wants to hear. */
    private static final long FIRST_HEARTBEAT_MS = 500;

    /** Reports find orphans; drops are ordered by heartbeat anyway. */
    private static final long REPORT_INTERVAL_NS = TimeUnit.MINUTES.toNanos(10);

    /** Chunks of one call: 9 bytes each. */
    private static final int REPORT_CHUNKS_MAX = 50_000;

    /** Damaged chunks told with one heartbeat. */
    private static final int DAMAGED_TOLD_MAX = 10_000;

    private final StorageNodeConfig config;
    private final int port;
    private final RpcClient server;
    private final SectorStore store;
    private final ChunkIndex index;
    private final SectorService sectors;
    private final DropService drops;
    private final CapabilityVerifier verifier;
    private final ServerClock clock;
    private final Thread thread;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition wake = lock.newCondition();
    private boolean stopped;

    private int node;
    private long heartbeatMs = FIRST_HEARTBEAT_MS;
    private long reportedAtNs;
    private boolean silent;

    MetadataLink(
            StorageNodeConfig config,
            int port,
            RpcClient server,
            SectorStore store,
            ChunkIndex index,
            SectorService sectors,
            DropService drops,
            CapabilityVerifier verifier,
            ServerClock clock) {
        this.config = config;
        this.port = port;
        this.server = server;
        this.store = store;
        this.index = index;
        this.sectors = sectors;
        this.drops = drops;
        this.verifier = verifier;
        this.clock = clock;
        this.thread = new Thread(this::run, "metadata-link");
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try {
            do {
                beatGuarded();
            } while (!awaitStop());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void beatGuarded() throws InterruptedException {
        try {
            if (node == 0) {
                register();
            } else {
                heartbeat();
            }
            if (node != 0 && System.nanoTime() - reportedAtNs >= REPORT_INTERVAL_NS) {
                report();
            }
            if (silent && node != 0) {
                LOG.info("metadata server {} answers again", server.address());
                silent = false;
            }
        } catch (RpcException e) {
            if (!silent) {
                LOG.warn(
                        "metadata server {} does not answer: {}; trying again",
                        server.address(),
                        e.getMessage());
                silent = true;
            }
        } catch (IOException | RuntimeException e) {
            LOG.error("talk with metadata server {} failed", server.address(), e);
        }
    }

    private void register() throws InterruptedException, IOException {
        var identity = store.identity();
        var reply =
                call(
                        RpcMethod.REGISTER_NODE,
                        RegisterNodeRequest.newBuilder()
                                .setName(config.name())
                                .setHost(config.reachableHost())
                                .setPort(port)
                                .setRack(config.rack())
                                .setStoreIdentity(ByteString.copyFrom(identity.identity()))
                                .setStartCounter(identity.startCounter())
                                .setTotalBytes(store.totalBytes())
                                .setFreeBytes(store.freeBytes())
                                .setLogDamaged(identity.logDamaged())
                                .build(),
                        RegisterNodeReply.parser());
        if (!reply.getRefused().isEmpty()) {
            if (!silent) {
                LOG.error("the cluster refuses this store: {}; trying again", reply.getRefused());
                silent = true;
            }
            return;
        }
        learn(reply.getServerTimeMs(), reply.getKeysList());
        node = reply.getNode();
        heartbeatMs = reply.getHeartbeatMs() > 0 ? reply.getHeartbeatMs() : heartbeatMs;
        sectors.onRegistered(node);
        store.registered();
        LOG.info(
                "registered as node {} with {}, a heartbeat every {} ms",
                node,
                server.address(),
                heartbeatMs);
        report();
    }

    private void heartbeat() throws InterruptedException, IOException {
        var dropped = drops.dropped();
        var reply =
                call(
                        RpcMethod.HEARTBEAT,
                        HeartbeatRequest.newBuilder()
                                .setNode(node)
                                .setStoreIdentity(ByteString.copyFrom(store.identity().identity()))
                                .setTotalBytes(store.totalBytes())
                                .setFreeBytes(store.freeBytes())
                                .setChunks(index.chunkCount())
                                .addAllDropped(dropped)
                                .addAllDamaged(index.damagedChunks(DAMAGED_TOLD_MAX))
                                .build(),
                        HeartbeatReply.parser());
        if (reply.getRegisterAgain()) {
            node = 0;
            register();
            return;
        }
        learn(reply.getServerTimeMs(), reply.getKeysList());
        drops.onTold(dropped);
        drops.onDrops(reply.getDropsList());
    }

    private void learn(long serverTimeMs, List<NodeKey> keys) {
        clock.onServerTime(serverTimeMs);
        if (!keys.isEmpty()) {
            verifier.useKeys(keys);
        }
    }

    private void report() throws InterruptedException {
        var chunks = new ArrayList<Long>();
        index.forEachChunk(chunks::add);
        int from = 0;
        do {
            int to = Math.min(chunks.size(), from + REPORT_CHUNKS_MAX);
            var reply =
                    call(
                            RpcMethod.CHUNK_REPORT,
                            ChunkReportRequest.newBuilder()
                                    .setNode(node)
                                    .addAllChunks(chunks.subList(from, to))
                                    .setLast(to == chunks.size())
                                    .build(),
                            ChunkReportReply.parser());
            drops.onDrops(reply.getDropsList());
            from = to;
        } while (from < chunks.size());
        reportedAtNs = System.nanoTime();
    }

    private <M extends MessageLite> M call(RpcMethod method, MessageLite body, Parser<M> parser)
            throws InterruptedException {
        RpcReply reply;
        try {
            reply = server.call(method, body, CALL_TIMEOUT_MS).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RpcException failed) {
                throw failed;
            }
            throw new IllegalStateException(e.getCause());
        }
        try {
            return reply.decode(parser);
        } finally {
            reply.release();
        }
    }

    private boolean awaitStop() throws InterruptedException {
        lock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(heartbeatMs);
            while (!stopped && left > 0) {
                left = wake.awaitNanos(left);
            }
            return stopped;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            stopped = true;
            wake.signal();
        } finally {
            lock.unlock();
        }
        try {
            thread.join(2 * CALL_TIMEOUT_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

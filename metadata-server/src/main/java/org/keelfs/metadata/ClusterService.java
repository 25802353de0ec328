package org.keelfs.metadata;

import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Clock;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.metadata.gc.Garbage;
import org.keelfs.metadata.heal.NodeTable;
import org.keelfs.metadata.heal.RegisterNodeCommand;
import org.keelfs.metadata.layout.CapabilityIssuer;
import org.keelfs.metadata.lease.LeaseDriver;
import org.keelfs.metadata.log.MetadataLog;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.namespace.Counter;
import org.keelfs.namespace.NodeRow;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.security.capability.CapabilityKeys;
import org.keelfs.security.tls.Role;
import org.keelfs.wire.proto.MetadataProto.ChunkReportReply;
import org.keelfs.wire.proto.MetadataProto.ChunkReportRequest;
import org.keelfs.wire.proto.MetadataProto.HeartbeatReply;
import org.keelfs.wire.proto.MetadataProto.HeartbeatRequest;
import org.keelfs.wire.proto.MetadataProto.NodeStatus;
import org.keelfs.wire.proto.MetadataProto.RegisterNodeReply;
import org.keelfs.wire.proto.MetadataProto.RegisterNodeRequest;
import org.keelfs.wire.proto.MetadataProto.StatfsReply;
import org.keelfs.wire.proto.MetadataProto.StatusReply;
import org.keelfs.wire.proto.MetadataProto.VolumeInfo;
import org.keelfs.wire.proto.MetadataProto.VolumeReply;
import org.keelfs.wire.proto.MetadataProto.VolumeRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls of storage nodes and administrators. Confined to the service's executor. */
final class ClusterService {
    private static final Logger LOG = LoggerFactory.getLogger(ClusterService.class);

    private static final int STORE_IDENTITY_BYTES = 16;

    /** Garbage counted for STATUS at most: beyond it the number says "many". */
    private static final int GARBAGE_COUNTED_MAX = 100_000;

    /** Free inode numbers as statfs shows them: there is no real limit below 2^63. */
    private static final long INODES_FREE = 1L << 40;

    private final MetadataLog log;
    private final Executor executor;
    private final Clock clock;
    private final NodeTable nodes;
    private final Garbage garbage;
    private final CapabilityKeys keys;
    private final CapabilityIssuer issuer;
    private final LeaseDriver leases;
    private final int heartbeatMs;

    ClusterService(
            MetadataLog log,
            Executor executor,
            Clock clock,
            NodeTable nodes,
            Garbage garbage,
            CapabilityKeys keys,
            CapabilityIssuer issuer,
            LeaseDriver leases,
            int heartbeatMs) {
        this.log = log;
        this.executor = executor;
        this.clock = clock;
        this.nodes = nodes;
        this.garbage = garbage;
        this.keys = keys;
        this.issuer = issuer;
        this.leases = leases;
        this.heartbeatMs = heartbeatMs;
    }

    void register(RpcRequest rpc, RegisterNodeRequest request) {
        String refused = refusal(request);
        if (refused != null) {
            LOG.warn("Storage node '{}' is refused: {}", request.getName(), refused);
            rpc.reply(RegisterNodeReply.newBuilder().setRefused(refused).build());
            return;
        }
        var command =
                new RegisterNodeCommand(
                        request.getStoreIdentity().toByteArray(),
                        request.getStartCounter(),
                        request.getLogDamaged(),
                        request.getName(),
                        request.getHost(),
                        request.getPort(),
                        request.getRack());
        var _ =
                log.submit(command)
                        .thenCompose(
                                done -> log.force(done.position()).thenApply(_ -> done.result()))
                        .whenCompleteAsync(
                                (registered, failure) -> {
                                    if (failure != null) {
                                        Failures.answer(rpc, failure);
                                    } else {
                                        onRegistered(rpc, request, registered);
                                    }
                                },
                                executor);
    }

    private @Nullable String refusal(RegisterNodeRequest request) {
        if (request.getStoreIdentity().size() != STORE_IDENTITY_BYTES) {
            return "a store identity has " + STORE_IDENTITY_BYTES + " bytes";
        }
        if (request.getName().isEmpty() || request.getHost().isEmpty() || request.getPort() <= 0) {
            return "a node needs a name, a host and a port";
        }
        for (NodeTable.Node node : nodes.all()) {
            NodeRow row = node.row();
            boolean elsewhere =
                    !row.host().equals(request.getHost()) || row.port() != request.getPort();
            boolean same =
                    request.getStoreIdentity()
                            .equals(com.google.protobuf.ByteString.copyFrom(row.storeIdentity()));
            if (!row.replaced()
                    && same
                    && elsewhere
                    && request.getStartCounter() <= row.startCounter()
                    && nodes.isAlive(row.id(), clock.nanoTime())) {
                return "a copy of this store runs as %s at %s:%d"
                        .formatted(row.name(), row.host(), row.port());
            }
        }
        return null;
    }

    private void onRegistered(
            RpcRequest rpc,
            RegisterNodeRequest request,
            RegisterNodeCommand.Registered registered) {
        NodeRow row = registered.row();
        nodes.onRegistered(
                row,
                registered.replaced(),
                request.getTotalBytes(),
                request.getFreeBytes(),
                clock.nanoTime());
        if (registered.replaced() != null) {
            LOG.warn(
                    "The store of {} ('{}') has lost acknowledged data: it comes back as {}",
                    registered.replaced(),
                    row.name(),
                    row.id());
        } else {
            LOG.info(
                    "Storage node {} ('{}') is at {}:{}, rack {}",
                    row.id(),
                    row.name(),
                    row.host(),
                    row.port(),
                    row.rack());
        }
        long now = issuer.serverTimeMs();
        rpc.reply(
                RegisterNodeReply.newBuilder()
                        .setNode(row.id().value())
                        .addAllKeys(keys.keysFor(row.id(), now))
                        .setServerTimeMs(now)
                        .setHeartbeatMs(heartbeatMs)
                        .build());
    }

    void heartbeat(RpcRequest rpc, HeartbeatRequest request) {
        NodeId id = new NodeId(request.getNode());
        NodeTable.Node known = nodes.node(id);
        boolean same =
                known != null
                        && !known.row().replaced()
                        && request.getStoreIdentity()
                                .equals(
                                        com.google.protobuf.ByteString.copyFrom(
                                                known.row().storeIdentity()));
        NodeTable.Node node =
                same
                        ? nodes.onHeartbeat(
                                id,
                                request.getTotalBytes(),
                                request.getFreeBytes(),
                                request.getChunks(),
                                clock.nanoTime())
                        : null;
        HeartbeatReply.Builder reply =
                HeartbeatReply.newBuilder().setServerTimeMs(issuer.serverTimeMs());
        if (node == null) {
            rpc.reply(reply.setRegisterAgain(true).build());
            return;
        }
        if (request.getDamagedCount() > 0) {
            LOG.warn("{} has {} damaged chunks", id, request.getDamagedCount());
        }
        garbage.onDropped(id, request.getDroppedList().stream().map(ChunkId::new).toList());
        rpc.reply(
                reply.addAllKeys(keys.keysFor(id, issuer.serverTimeMs()))
                        .addAllDrops(garbage.dropsFor(id))
                        .build());
    }

    void chunkReport(RpcRequest rpc, ChunkReportRequest request) {
        NodeId id = new NodeId(request.getNode());
        rpc.reply(
                ChunkReportReply.newBuilder()
                        .addAllDrops(garbage.onReport(id, request.getChunksList()))
                        .build());
    }

    void volume(RpcRequest rpc, VolumeRequest request) {
        switch (request.getRequestCase()) {
            case CREATE -> createVolume(rpc, request.getCreate());
            case INFO -> {
                List<VolumeRow> found =
                        volumes().stream()
                                .filter(row -> row.name().equals(request.getInfo()))
                                .toList();
                rpc.reply(
                        found.isEmpty()
                                ? refusedVolume(
                                        new FsException(
                                                Errno.ENOENT,
                                                "there is no volume '" + request.getInfo() + "'"))
                                : volumeReply(found));
            }
            case LIST -> rpc.reply(volumeReply(volumes()));
            case REQUEST_NOT_SET ->
                    rpc.reply(refusedVolume(new FsException(Errno.EINVAL, "nothing asked")));
        }
    }

    private List<VolumeRow> volumes() {
        return log.read(tables -> tables.volumes());
    }

    private static VolumeReply volumeReply(List<VolumeRow> rows) {
        return VolumeReply.newBuilder()
                .addAllVolumes(rows.stream().map(Wire::encode).toList())
                .build();
    }

    private static VolumeReply refusedVolume(FsException e) {
        return VolumeReply.newBuilder()
                .setErrno(e.errno().number())
                .setMessage(String.valueOf(e.getMessage()))
                .build();
    }

    private void createVolume(RpcRequest rpc, VolumeInfo volume) {
        if (rpc.peer().role() != Role.ADMIN) {
            throw new RpcException(RpcStatus.REFUSED, "only an administrator makes volumes");
        }
        var command =
                new CreateVolumeCommand(
                        volume.getName(),
                        volume.getChunkBytes(),
                        volume.getReplicas(),
                        volume.getKeyring().toByteArray(),
                        volume.getRootUid(),
                        volume.getRootGid(),
                        clock.wallNs());
        var _ =
                log.submit(command)
                        .thenCompose(
                                done -> log.force(done.position()).thenApply(_ -> done.result()))
                        .whenCompleteAsync(
                                (row, failure) -> {
                                    if (failure == null) {
                                        LOG.info("Volume '{}' is made", row.name());
                                        rpc.reply(volumeReply(List.of(row)));
                                    } else if (Failures.cause(failure) instanceof FsException e) {
                                        rpc.reply(refusedVolume(e));
                                    } else {
                                        Failures.answer(rpc, failure);
                                    }
                                },
                                executor);
    }

    void status(RpcRequest rpc) {
        StatusReply.Builder reply =
                StatusReply.newBuilder()
                        .setSessions(leases.sessionCount())
                        .setLeases(leases.leaseCount())
                        .setForcedPosition(log.forcedPosition());
        log.read(
                tables ->
                        reply.setInodes(tables.counter(Counter.LIVE_INODES))
                                .setChunks(tables.counter(Counter.LIVE_CHUNKS))
                                .setGarbageChunks(
                                        tables.garbageAfter(0, GARBAGE_COUNTED_MAX).size()));
        long now = clock.nanoTime();
        for (NodeTable.Node node : nodes.all()) {
            NodeRow row = node.row();
            reply.addNodes(
                    NodeStatus.newBuilder()
                            .setNode(row.id().value())
                            .setName(row.name())
                            .setHost(row.host())
                            .setPort(row.port())
                            .setRack(row.rack())
                            .setAlive(nodes.isAlive(row.id(), now))
                            .setTotalBytes(node.totalBytes())
                            .setFreeBytes(node.freeBytes())
                            .setChunks(node.chunks())
                            .setSilentMs(nodes.silentMs(row.id(), now))
                            .setReplaced(row.replaced()));
        }
        rpc.reply(reply.build());
    }

    /** What a user of the volume can store: the space of the nodes over the number of copies. */
    void statfs(RpcRequest rpc, int volume) {
        long total = 0;
        long free = 0;
        for (NodeTable.Node node : nodes.all()) {
            if (!node.row().replaced()) {
                total += node.totalBytes();
                free += node.freeBytes();
            }
        }
        VolumeRow row = log.read(tables -> tables.volume(volume));
        int replicas = row == null ? 1 : row.replicas();
        long inodes = log.read(tables -> tables.counter(Counter.LIVE_INODES));
        rpc.reply(
                StatfsReply.newBuilder()
                        .setTotalBytes(total / replicas)
                        .setFreeBytes(free / replicas)
                        .setInodes(inodes + INODES_FREE)
                        .setInodesFree(INODES_FREE)
                        .build());
    }
}

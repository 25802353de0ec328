package org.keelfs.metadata.gc;

import com.google.protobuf.ByteString;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.metadata.heal.NodeTable;
import org.keelfs.metadata.layout.CapabilityIssuer;
import org.keelfs.model.NodeId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.NodeRow;
import org.keelfs.rpc.RpcClient;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.security.capability.CapabilityRights;
import org.keelfs.wire.proto.NodeProto.PromiseOp;
import org.keelfs.wire.proto.NodeProto.SectorBatchReply;
import org.keelfs.wire.proto.NodeProto.SectorBatchRequest;
import org.keelfs.wire.proto.NodeProto.SectorOp;
import org.keelfs.wire.proto.NodeProto.SectorResult;

/**
 * Has a fresh epoch promised by a majority of a chunk's replicas, so that nothing of an older one
 * counts any more (rule R11). Confined to the service's executor; its futures complete on event
 * loops.
 */
public final class Fencer {
    /** One attempt at one node. */
    private static final long TIMEOUT_MS = 5_000;

    /** Where a node listens: a node that moved gets another client. */
    private record Link(String host, int port, RpcClient client) {}

    private final Function<NodeRow, RpcClient> connect;
    private final NodeTable nodes;
    private final CapabilityIssuer issuer;
    private final ByteString certificate;
    private final Map<NodeId, Link> links = new HashMap<>();

    /**
     * @param certificate SHA-256 of this server's own certificate
     */
    public Fencer(
            Function<NodeRow, RpcClient> connect,
            NodeTable nodes,
            CapabilityIssuer issuer,
            ByteString certificate) {
        this.connect = connect;
        this.nodes = nodes;
        this.issuer = issuer;
        this.certificate = certificate;
    }

    /**
     * Completes when a majority has promised the chunk's current epoch; fails with EIO when it
     * cannot.
     */
    public CompletableFuture<Void> fence(ChunkRow row) {
        ByteString capability =
                issuer.describe(row, null, 0, certificate, null, CapabilityRights.SEAL);
        List<NodeId> replicas = row.replicas().nodes();
        var done = new CompletableFuture<Void>();
        AtomicInteger promised = new AtomicInteger();
        AtomicInteger failed = new AtomicInteger();
        int majority = row.replicas().majority();
        for (NodeId node : replicas) {
            var _ =
                    promise(node, row, capability)
                            .whenComplete(
                                    (ok, failure) -> {
                                        if (failure == null && ok) {
                                            if (promised.incrementAndGet() == majority) {
                                                done.complete(null);
                                            }
                                        } else if (failed.incrementAndGet()
                                                == replicas.size() - majority + 1) {
                                            done.completeExceptionally(
                                                    new FsException(
                                                            Errno.EIO,
                                                            "no majority of "
                                                                    + replicas
                                                                    + " fences "
                                                                    + row.id()));
                                        }
                                    });
        }
        return done;
    }

    private CompletableFuture<Boolean> promise(NodeId id, ChunkRow row, ByteString capability) {
        RpcClient client = clientOf(id);
        if (client == null) {
            return CompletableFuture.failedFuture(
                    new RpcException(RpcStatus.UNREACHABLE, id + " is not known"));
        }
        SectorBatchRequest request =
                SectorBatchRequest.newBuilder()
                        .addCapabilities(issuer.sign(id, capability))
                        .addOps(
                                SectorOp.newBuilder()
                                        .setChunk(row.id().value())
                                        .setEpoch(row.epoch())
                                        .setPromise(PromiseOp.getDefaultInstance()))
                        .build();
        return client.call(RpcMethod.SECTORS, request, TIMEOUT_MS).thenApply(Fencer::isPromised);
    }

    private static boolean isPromised(RpcReply reply) {
        try {
            SectorBatchReply results = reply.decode(SectorBatchReply.parser());
            return results.getResultsCount() == 1
                    && results.getResults(0).getResultCase() == SectorResult.ResultCase.PROMISED;
        } finally {
            reply.release();
        }
    }

    private @Nullable RpcClient clientOf(NodeId id) {
        NodeTable.Node node = nodes.node(id);
        if (node == null) {
            return null;
        }
        NodeRow row = node.row();
        Link link = links.get(id);
        if (link == null || !link.host().equals(row.host()) || link.port() != row.port()) {
            if (link != null) {
                link.client().close();
            }
            link = new Link(row.host(), row.port(), connect.apply(row));
            links.put(id, link);
        }
        return link.client();
    }
}

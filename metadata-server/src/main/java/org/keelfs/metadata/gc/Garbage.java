package org.keelfs.metadata.gc;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import org.keelfs.metadata.heal.NodeTable;
import org.keelfs.metadata.layout.Epochs;
import org.keelfs.metadata.log.MetadataLog;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.Counter;
import org.keelfs.namespace.GarbageRow;
import org.keelfs.namespace.Tables;
import org.keelfs.wire.proto.MetadataProto.DropChunk;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells nodes to forget chunks that nothing refers to: with heartbeat replies, again and again
 * until the node says that it has. Confined to the service's executor.
 */
public final class Garbage {
    private static final Logger LOG = LoggerFactory.getLogger(Garbage.class);

    /** Rows looked at for one heartbeat: a millisecond of reading. */
    private static final int SCAN_MAX = 4096;

    /** Fences under way at a time: they are rare, and each is a call to every replica. */
    private static final int FENCES_MAX = 64;

    private final MetadataLog log;
    private final Executor executor;
    private final NodeTable nodes;
    private final Epochs epochs;
    private final Fencer fencer;
    private final Map<NodeId, Long> cursors = new HashMap<>();
    private final Set<ChunkId> fencing = new HashSet<>();

    public Garbage(
            MetadataLog log, Executor executor, NodeTable nodes, Epochs epochs, Fencer fencer) {
        this.log = log;
        this.executor = executor;
        this.nodes = nodes;
        this.epochs = epochs;
        this.fencer = fencer;
    }

    /** The node has forgotten these. */
    public void onDropped(NodeId node, List<ChunkId> chunks) {
        if (!chunks.isEmpty()) {
            submit(new DroppedCommand(node, chunks));
        }
    }

    /** What this node is to forget, from where the last answer ended. */
    public List<DropChunk> dropsFor(NodeId node) {
        long from = cursors.getOrDefault(node, 0L);
        List<GarbageRow> rows = log.read(tables -> tables.garbageAfter(from, SCAN_MAX));
        boolean end = rows.size() < SCAN_MAX;
        cursors.put(node, end ? 0L : rows.getLast().chunk().value());
        List<DropChunk> drops = new ArrayList<>();
        for (GarbageRow row : rows) {
            dropReplaced(row);
            if (row.fence() && row.fencedEpoch() == 0) {
                maybeFence(row);
            } else if (row.replicas().contains(node)) {
                drops.add(drop(row));
            }
        }
        return drops;
    }

    /* The floor is raised with every deletion, not only with those that were fenced: the first writer of a chunk, if
     * it is evicted later, could otherwise bring the chunk back to life where it is forgotten. It costs a creator
     * whose first write comes after a younger chunk's deletion one seal. */
    private static DropChunk drop(GarbageRow row) {
        return DropChunk.newBuilder()
                .setChunk(row.chunk().value())
                .setFencedEpoch(Math.max(row.fencedEpoch(), row.epoch()))
                .build();
    }

    private void dropReplaced(GarbageRow row) {
        for (NodeId id : row.replicas().nodes()) {
            NodeTable.Node node = nodes.node(id);
            if (node == null || node.row().replaced()) {
                submit(new DroppedCommand(id, List.of(row.chunk())));
            }
        }
    }

    private void maybeFence(GarbageRow row) {
        if (fencing.size() >= FENCES_MAX || !fencing.add(row.chunk())) {
            return;
        }
        long epoch = epochs.draw();
        ChunkRow chunk = asChunk(row, epoch);
        var _ =
                fencer.fence(chunk)
                        .whenCompleteAsync(
                                (_, failure) -> {
                                    fencing.remove(row.chunk());
                                    if (failure == null) {
                                        submit(
                                                new FencedCommand(
                                                        List.of(
                                                                new FencedCommand.Fence(
                                                                        row.chunk(), epoch))));
                                    } else {
                                        LOG.info(
                                                "{} is not dropped yet: {}",
                                                row.chunk(),
                                                failure.getMessage());
                                    }
                                },
                                executor);
    }

    private static ChunkRow asChunk(GarbageRow row, long epoch) {
        return new ChunkRow(
                row.chunk(),
                org.keelfs.model.InodeId.ROOT,
                0,
                epoch,
                false,
                0,
                0,
                new byte[0],
                row.replicas(),
                0,
                0,
                null,
                0,
                true);
    }

    /** Of the chunks that a node says it holds, those that it should not. */
    public List<DropChunk> onReport(NodeId node, List<Long> held) {
        return log.read(
                tables -> {
                    List<DropChunk> drops = new ArrayList<>();
                    for (long id : held) {
                        DropChunk drop = orphan(tables, node, new ChunkId(id));
                        if (drop != null) {
                            drops.add(drop);
                        }
                    }
                    return drops;
                });
    }

    private static @org.jspecify.annotations.Nullable DropChunk orphan(
            Tables tables, NodeId node, ChunkId id) {
        ChunkRow row = tables.chunk(id);
        if (row != null) {
            return row.replicas().contains(node)
                    ? null
                    : DropChunk.newBuilder()
                            .setChunk(id.value())
                            .setFencedEpoch(row.membersSince())
                            .setTombstone(true)
                            .build();
        }
        boolean known = Long.compareUnsigned(id.value(), tables.counter(Counter.CHUNK)) <= 0;
        boolean waits = tables.garbage(id) != null;
        // A number never drawn is left alone: it would be this server that lost something.
        return known && !waits ? DropChunk.newBuilder().setChunk(id.value()).build() : null;
    }

    private void submit(org.keelfs.metadata.log.MetadataCommand<?> command) {
        var _ =
                log.submit(command)
                        .whenComplete(
                                (_, failure) -> {
                                    if (failure != null) {
                                        LOG.warn("{} failed", command.kind(), failure);
                                    }
                                });
    }
}

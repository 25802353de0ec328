package org.keelfs.metadata.heal;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.metadata.placement.Candidate;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.namespace.NodeRow;

/**
 * What is known of the storage nodes: as recorded, and as last heard of. Confined to the service's
 * executor.
 */
public final class NodeTable {
    /** Heartbeats that may be missed: one may be lost, one late. */
    private static final int MISSED_MAX = 3;

    /** A replica placed counts as load for about so many heartbeats. */
    private static final double LOAD_DECAY = 0.9;

    private final long silenceNs;
    private final long startedNs;
    private final Map<NodeId, Node> nodes = new TreeMap<>();

    /** One node. */
    public static final class Node {
        private NodeRow row;
        private boolean registered;
        private long heardNs;
        private long totalBytes;
        private long freeBytes;
        private long chunks;
        private double load;

        private Node(NodeRow row) {
            this.row = row;
        }

        public NodeRow row() {
            return row;
        }

        /** Whether it has registered since this server started. */
        public boolean isRegistered() {
            return registered;
        }

        public long totalBytes() {
            return totalBytes;
        }

        public long freeBytes() {
            return freeBytes;
        }

        public long chunks() {
            return chunks;
        }
    }

    /**
     * The nodes on record.
     *
     * @param heartbeatNs how often they report
     */
    public NodeTable(List<NodeRow> onRecord, long heartbeatNs, long nowNs) {
        this.silenceNs = MISSED_MAX * heartbeatNs;
        this.startedNs = nowNs;
        onRecord.forEach(row -> nodes.put(row.id(), new Node(row)));
    }

    /** It registered, as this row. */
    public void onRegistered(
            NodeRow row, @Nullable NodeId replaced, long totalBytes, long freeBytes, long nowNs) {
        Node old = replaced == null ? null : nodes.get(replaced);
        if (old != null) {
            NodeRow r = old.row;
            old.row =
                    new NodeRow(
                            r.id(),
                            r.storeIdentity(),
                            r.startCounter(),
                            r.name(),
                            r.host(),
                            r.port(),
                            r.rack(),
                            true);
            old.registered = false;
        }
        Node node = nodes.computeIfAbsent(row.id(), _ -> new Node(row));
        node.row = row;
        node.registered = true;
        hear(node, totalBytes, freeBytes, nowNs);
    }

    /** It reported; null when it has to register first. */
    public @Nullable Node onHeartbeat(
            NodeId id, long totalBytes, long freeBytes, long chunks, long nowNs) {
        Node node = nodes.get(id);
        if (node == null || !node.registered) {
            return null;
        }
        hear(node, totalBytes, freeBytes, nowNs);
        node.chunks = chunks;
        node.load *= LOAD_DECAY;
        return node;
    }

    private static void hear(Node node, long totalBytes, long freeBytes, long nowNs) {
        node.heardNs = nowNs;
        node.totalBytes = totalBytes;
        node.freeBytes = freeBytes;
    }

    public @Nullable Node node(NodeId id) {
        return nodes.get(id);
    }

    /** All, replaced ones too. */
    public Collection<Node> all() {
        return nodes.values();
    }

    /** Whether it was heard of lately. */
    public boolean isAlive(NodeId id, long nowNs) {
        Node node = nodes.get(id);
        return node != null && node.registered && nowNs - node.heardNs < silenceNs;
    }

    /** Milliseconds since it was heard of; since the start of this server where it was not. */
    public long silentMs(NodeId id, long nowNs) {
        Node node = nodes.get(id);
        long since = node != null && node.registered ? node.heardNs : startedNs;
        return (nowNs - since) / 1_000_000;
    }

    /** Whether nodes that are up had no time yet to say so. */
    public boolean isStarting(long nowNs) {
        return nowNs - startedNs < silenceNs;
    }

    /** For {@link org.keelfs.metadata.placement.Placement}. */
    public List<Candidate> candidates(long nowNs) {
        List<Candidate> candidates = new ArrayList<>(nodes.size());
        for (Node node : nodes.values()) {
            if (!node.row.replaced()) {
                candidates.add(
                        new Candidate(
                                node.row.id(),
                                node.row.rack(),
                                node.registered ? node.freeBytes : Long.MAX_VALUE >>> 1,
                                (long) node.load,
                                isAlive(node.row.id(), nowNs)));
            }
        }
        return candidates;
    }

    /** A chunk was placed there. */
    public void notePlaced(ReplicaSet replicas) {
        for (NodeId id : replicas.nodes()) {
            Node node = nodes.get(id);
            if (node != null) {
                node.load += 1;
            }
        }
    }
}

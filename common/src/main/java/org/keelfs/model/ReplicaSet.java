package org.keelfs.model;

import java.util.List;

/**
 * The storage nodes that hold a chunk, in ascending order, no node twice.
 *
 * @param nodes at least one
 */
public record ReplicaSet(List<NodeId> nodes) {
    public ReplicaSet {
        nodes = nodes.stream().sorted().toList();
        if (nodes.isEmpty() || nodes.stream().distinct().count() != nodes.size()) {
            throw new IllegalArgumentException("bad replica set: " + nodes);
        }
    }

    public int size() {
        return nodes.size();
    }

    /** The quorum: more than half. */
    public int majority() {
        return nodes.size() / 2 + 1;
    }

    public boolean contains(NodeId node) {
        return nodes.contains(node);
    }
}

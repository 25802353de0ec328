package org.keelfs.model;

/**
 * Number of a storage node, given by the metadata server at first registration, from 1, never
 * reused.
 */
public record NodeId(int value) implements Comparable<NodeId> {
    @Override
    public int compareTo(NodeId other) {
        return Integer.compare(value, other.value);
    }

    @Override
    public String toString() {
        return "n" + value;
    }
}

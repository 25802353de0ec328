package org.keelfs.model;

/** Number of a chunk: 64 bits, drawn by the metadata server, never reused in a cluster. */
public record ChunkId(long value) implements Comparable<ChunkId> {
    @Override
    public int compareTo(ChunkId other) {
        return Long.compareUnsigned(value, other.value);
    }

    @Override
    public String toString() {
        return "c" + Long.toUnsignedString(value);
    }
}

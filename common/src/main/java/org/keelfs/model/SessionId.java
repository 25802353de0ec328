package org.keelfs.model;

/**
 * Number of one mount process's session with the metadata server: 64 bits, never reused, from 1.
 */
public record SessionId(long value) implements Comparable<SessionId> {
    @Override
    public int compareTo(SessionId other) {
        return Long.compareUnsigned(value, other.value);
    }

    @Override
    public String toString() {
        return "s" + Long.toUnsignedString(value);
    }
}

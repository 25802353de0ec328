package org.keelfs.model;

/**
 * Number of an inode: 64 bits, never reused within a volume; 1 is the root. It is the kernel's
 * nodeid too.
 */
public record InodeId(long value) implements Comparable<InodeId> {
    /** The root directory of a volume. */
    public static final InodeId ROOT = new InodeId(1);

    @Override
    public int compareTo(InodeId other) {
        return Long.compareUnsigned(value, other.value);
    }

    @Override
    public String toString() {
        return "i" + Long.toUnsignedString(value);
    }
}

package org.keelfs.fuse.kernel;

import java.util.Locale;

/** Options of mount(8) that the kernel enforces, by the bits of mount(2). */
public enum MountFlag {
    RO(1),
    NOSUID(2),
    NODEV(4),
    NOEXEC(8),
    NOATIME(1 << 10),
    NODIRATIME(1 << 11);

    private final long bit;

    MountFlag(long bit) {
        this.bit = bit;
    }

    long bit() {
        return bit;
    }

    /** As mount(8) and fusermount3(1) spell it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}

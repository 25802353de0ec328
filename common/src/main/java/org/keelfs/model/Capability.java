package org.keelfs.model;

/** Rights of a process beside its user, as capabilities(7) numbers them; those that matter here. */
public enum Capability {
    CHOWN(0),
    DAC_OVERRIDE(1),
    DAC_READ_SEARCH(2),
    FOWNER(3),
    FSETID(4),
    LINUX_IMMUTABLE(9),
    SYS_ADMIN(21),
    MKNOD(27),
    SETFCAP(31);

    private final long bit;

    Capability(int number) {
        this.bit = 1L << number;
    }

    /** Its bit in a set of capabilities, for example in CapEff of /proc/PID/status. */
    public long bit() {
        return bit;
    }
}

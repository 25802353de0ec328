package org.keelfs.lease;

/** What a session may do with an inode under a lease. */
public enum LeaseMode {
    /** Nothing: no lease. */
    NONE,
    /** Cache attributes, entries (also absent ones), layout and data; shared with other READs. */
    READ,
    /** Also change and buffer; exclusive. */
    WRITE,
    /**
     * Read and write as others do at the same time: nothing is cached, every operation goes to the
     * registers. Shared with other SHAREDs.
     */
    SHARED;

    /**
     * Whether a holder of this may do what {@code needed} allows. SHARED lets nothing be cached, so
     * it covers neither READ nor WRITE.
     */
    public boolean covers(LeaseMode needed) {
        return this == needed
                || needed == NONE
                || (this != SHARED && needed != SHARED && compareTo(needed) > 0);
    }

    /** Whether two sessions may hold these at once. */
    public boolean isCompatible(LeaseMode other) {
        return this == NONE || other == NONE || (this == other && this != WRITE);
    }
}

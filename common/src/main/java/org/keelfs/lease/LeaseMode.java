package org.keelfs.lease;

/** What a session may do with an inode under a lease, in growing order of power. */
public enum LeaseMode {
    /** Nothing: no lease. */
    NONE,
    /** Cache attributes, entries (also absent ones), layout and data; shared. */
    READ,
    /** Also change and buffer; exclusive. */
    WRITE;

    /** Whether a holder of this may do what {@code needed} allows. */
    public boolean covers(LeaseMode needed) {
        return compareTo(needed) >= 0;
    }
}

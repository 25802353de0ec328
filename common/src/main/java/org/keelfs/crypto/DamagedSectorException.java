package org.keelfs.crypto;

/** A stored sector that is not what was written there: the reader takes it from another replica. */
public final class DamagedSectorException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int sector;

    /** Of a sector by its index in the chunk. */
    public DamagedSectorException(int sector) {
        super("sector " + sector + " fails its authentication tag", null, false, false);
        this.sector = sector;
    }

    /** Index in the chunk. */
    public int sector() {
        return sector;
    }
}

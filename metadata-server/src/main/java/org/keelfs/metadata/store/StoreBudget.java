package org.keelfs.metadata.store;

/**
 * Memory of a metadata store.
 *
 * @param blockCacheBytes index, filter and data blocks read from files
 * @param memtableBytes rows not yet written to sorted files, of all tables together
 * @param walBytes log files kept on disk before the oldest table is written out; bounds recovery
 */
public record StoreBudget(long blockCacheBytes, long memtableBytes, long walBytes) {
    /**
     * Fits a server that is to idle below 250 MiB, and holds the hot rows of about 200,000 inodes.
     */
    public static final StoreBudget SMALL = new StoreBudget(32L << 20, 24L << 20, 128L << 20);
}

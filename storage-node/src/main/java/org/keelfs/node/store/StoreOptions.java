package org.keelfs.node.store;

/**
 * Sizes and times of a store.
 *
 * @param segmentBytes most bytes of one file of the log
 * @param inFlightBytesMax most bytes appended and not durable yet
 * @param checkpointBytes log written since the last checkpoint that makes the next one due: bounds
 *     recovery
 * @param checkpointMs time after which a checkpoint is due whatever was written
 * @param reserveBytes free space of the disk below which no more sectors are taken; promises,
 *     deletions and compaction live on it
 */
public record StoreOptions(
        int segmentBytes,
        long inFlightBytesMax,
        long checkpointBytes,
        long checkpointMs,
        long reserveBytes,
        long maintenanceMs) {
    private static final int MIB = 1 << 20;

    public static final StoreOptions DEFAULT =
            new StoreOptions(64 * MIB, 32L * MIB, 256L * MIB, 60_000, 256L * MIB, 1_000);
}

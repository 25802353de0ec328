package org.keelfs.client.quorum;

/**
 * Patience of quorum operations.
 *
 * @param chunkSectors of the volume
 * @param attemptMs how long a replica may be silent before it is asked again
 * @param hedgeMs how long a replica asked for bytes may be silent before another is asked as well
 * @param operationTimeoutMs after which an operation without a majority ends
 * @param epochSectorsMax sectors encrypted in one epoch of a chunk, that is under one key; then it
 *     gets a fresh one
 */
public record QuorumConfig(
        int chunkSectors,
        long attemptMs,
        long hedgeMs,
        long operationTimeoutMs,
        long epochSectorsMax) {
    /** The bound of DESIGN section 7 for random nonces of 96 bits under one key. */
    public static final long EPOCH_SECTORS_MAX = 1L << 31;

    /** With that bound. */
    public QuorumConfig(int chunkSectors, long attemptMs, long hedgeMs, long operationTimeoutMs) {
        this(chunkSectors, attemptMs, hedgeMs, operationTimeoutMs, EPOCH_SECTORS_MAX);
    }

    /** The defaults of DESIGN section 1. */
    public static QuorumConfig of(int chunkBytes) {
        return new QuorumConfig(chunkBytes / 4096, 5_000, 1_000, 60_000);
    }
}

package org.keelfs.client.quorum;

/**
 * Patience of quorum operations.
 *
 * @param chunkSectors of the volume
 * @param attemptMs how long a replica may be silent before it is asked again
 * @param hedgeMs how long a replica asked for bytes may be silent before another is asked as well
 * @param operationTimeoutMs after which an operation without a majority ends
 */
public record QuorumConfig(
        int chunkSectors, long attemptMs, long hedgeMs, long operationTimeoutMs) {
    /** The defaults of DESIGN section 1. */
    public static QuorumConfig of(int chunkBytes) {
        return new QuorumConfig(chunkBytes / 4096, 5_000, 1_000, 60_000);
    }
}

package org.keelfs.client.quorum;

import org.keelfs.model.ChunkId;

/**
 * The epoch of a write has passed; nobody else had the lease in between, so the same plaintext may
 * be encrypted and sent under a new timestamp in the new epoch (R6).
 */
public final class StaleChunkException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public StaleChunkException(ChunkId chunk, long epoch) {
        super("epoch " + epoch + " of " + chunk + " has passed", null, false, false);
    }
}

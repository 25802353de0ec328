package org.keelfs.client.data;

import org.keelfs.model.SectorRun;

/**
 * Limits of the data path of one mount.
 *
 * @param chunkBytes of the volume; a multiple of 1 MiB
 * @param dirtyBytesMax bytes that wait for write-back; writers wait above it
 * @param cleanBytesMax bytes of decrypted sectors kept besides
 * @param dirtyAgeMs age at which dirty bytes are sent, so chosen that they are durable within 5 s
 * @param readAheadBytesMax of one sequential reader
 * @param operationTimeoutMs after which an operation ends with EIO
 */
public record DataConfig(
        int chunkBytes,
        long dirtyBytesMax,
        long cleanBytesMax,
        long dirtyAgeMs,
        long readAheadBytesMax,
        long operationTimeoutMs) {
    public DataConfig {
        if (chunkBytes < 1 << 20 || chunkBytes % (1 << 20) != 0) {
            throw new IllegalArgumentException("bad chunk size: " + chunkBytes);
        }
        if (dirtyBytesMax < 4 << 20 || cleanBytesMax < 4 << 20) {
            throw new IllegalArgumentException("buffer and cache need 4 MiB each at least");
        }
    }

    /** The defaults of DESIGN sections 1 and 7. */
    public static DataConfig of(int chunkBytes) {
        return new DataConfig(chunkBytes, 128L << 20, 128L << 20, 3_000, 8L << 20, 60_000);
    }

    int dirtyFramesMax() {
        return Math.toIntExact(dirtyBytesMax / SectorRun.SECTOR_BYTES);
    }

    int framesMax() {
        return Math.toIntExact((dirtyBytesMax + cleanBytesMax) / SectorRun.SECTOR_BYTES);
    }
}

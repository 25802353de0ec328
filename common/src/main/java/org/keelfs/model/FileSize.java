package org.keelfs.model;

/** How far a file may reach and where its chunks end, without overflow up to there. */
public final class FileSize {
    /**
     * The greatest size in bytes: 8 EiB minus one sector. Offsets have 63 bits, and what a file
     * consists of is whole sectors.
     */
    public static final long MAX_BYTES =
            Long.MAX_VALUE / SectorRun.SECTOR_BYTES * SectorRun.SECTOR_BYTES;

    private FileSize() {}

    /** Chunks, of so many bytes each, that a file of this size reaches into. */
    public static long chunks(long bytes, int chunkBytes) {
        return Math.ceilDiv(bytes, chunkBytes);
    }

    /** Where the chunk ends in bytes; the last one of all ends with the greatest file. */
    public static long chunkEnd(long index, int chunkBytes) {
        return index < MAX_BYTES / chunkBytes ? (index + 1) * chunkBytes : MAX_BYTES;
    }

    /** Whether a file may have a chunk at this index. */
    public static boolean hasChunk(long index, int chunkBytes) {
        return index >= 0 && index <= (MAX_BYTES - 1) / chunkBytes;
    }
}

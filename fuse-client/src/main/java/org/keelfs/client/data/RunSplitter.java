package org.keelfs.client.data;

import java.util.ArrayList;
import java.util.List;
import org.keelfs.model.SectorRun;

/**
 * Arithmetic of ranges: a file is a line of sectors, cut into chunks. A <i>place</i> is the number
 * of a sector in its file. Immutable.
 */
final class RunSplitter {
    static final int SECTOR = SectorRun.SECTOR_BYTES;
    static final int SECTOR_SHIFT = 12;

    /** Sectors of one WRITE or READ with bytes: 1 MiB, the most a frame carries. */
    static final int RUN_SECTORS_MAX = 256;

    private final int chunkSectors;

    /** A run and the chunk of the file that it lies in. */
    record ChunkRun(long chunkIndex, SectorRun run) {}

    RunSplitter(int chunkBytes) {
        this.chunkSectors = chunkBytes >> SECTOR_SHIFT;
    }

    int chunkSectors() {
        return chunkSectors;
    }

    /** The sector that holds this byte. */
    static long placeOf(long offset) {
        return offset >>> SECTOR_SHIFT;
    }

    /** One past the sector that holds the byte in front of {@code end}. */
    static long placeEnd(long end) {
        return (end + SECTOR - 1) >>> SECTOR_SHIFT;
    }

    long chunkIndex(long place) {
        return place / chunkSectors;
    }

    int sectorInChunk(long place) {
        return (int) (place % chunkSectors);
    }

    long placeIn(long chunkIndex, int sector) {
        return chunkIndex * chunkSectors + sector;
    }

    /**
     * The places {@code [from, end)} as runs, each within one chunk and of at most {@code
     * sectorsMax}.
     */
    List<ChunkRun> split(long from, long end, int sectorsMax) {
        var runs = new ArrayList<ChunkRun>();
        for (long at = from; at < end; ) {
            int sector = sectorInChunk(at);
            int count = (int) Math.min(end - at, Math.min(sectorsMax, chunkSectors - sector));
            runs.add(new ChunkRun(chunkIndex(at), new SectorRun(sector, count)));
            at += count;
        }
        return runs;
    }
}

package org.keelfs.client.data;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.keelfs.base.FsException;
import org.keelfs.client.quorum.ChunkIo;
import org.keelfs.client.quorum.ChunkIo.Chunk;
import org.keelfs.client.quorum.ChunkIo.Opened;
import org.keelfs.client.quorum.ChunkIo.Want;
import org.keelfs.model.SectorRun;
import org.keelfs.register.StampRun;

/**
 * SEEK_DATA and SEEK_HOLE: what the nodes hold, with what is dirty here laid over it. Thread-safe.
 */
final class DataSeeker {
    /** Chunks whose layouts one call asks for. */
    private static final int CHUNKS_MAX = 256;

    private final ChunkIo io;
    private final RunSplitter splitter;

    DataSeeker(DataParts parts) {
        this.io = parts.io();
        this.splitter = parts.splitter();
    }

    /** See {@link FileData#seek}. */
    long seek(FilePages file, long offset, long size, boolean data, long deadlineNs) {
        if (offset >= size) {
            return -1;
        }
        int last = splitter.chunkIndex(RunSplitter.placeOf(size - 1));
        int first = splitter.chunkIndex(RunSplitter.placeOf(offset));
        // A chunk index has 31 bits, and the last step may go beyond.
        for (long index = first; index <= last; index += CHUNKS_MAX) {
            int end = (int) Math.min(last + 1L, index + CHUNKS_MAX);
            long found = seekIn(file, (int) index, end, offset, data, deadlineNs);
            if (found >= 0) {
                return found < size ? found : -1;
            }
        }
        return -1;
    }

    private long seekIn(
            FilePages file, int first, int end, long offset, boolean data, long deadlineNs) {
        List<Opened> opened = open(file, first, end, ChunkIo.Use.READ, deadlineNs);
        for (int index = first; index < end; index++) {
            BitSet map = map(file, index, opened.get(index - first), deadlineNs);
            long base = splitter.placeIn(index, 0);
            int from = (int) Math.max(0, RunSplitter.placeOf(offset) - base);
            int at = data ? map.nextSetBit(from) : map.nextClearBit(from);
            if (at >= 0 && at < splitter.chunkSectors()) {
                return Math.max(offset, (base + at) << RunSplitter.SECTOR_SHIFT);
            }
        }
        return -1;
    }

    private List<Opened> open(
            FilePages file, int first, int end, ChunkIo.Use use, long deadlineNs) {
        var wants = new ArrayList<Want>();
        for (int index = first; index < end; index++) {
            wants.add(Want.of(file.inode, index, use));
        }
        return Waits.await(io.open(wants), deadlineNs, "layouts");
    }

    /** Sectors with data in these chunks, which are opened for this use. */
    long allocated(FilePages file, int first, int end, ChunkIo.Use use, long deadlineNs) {
        long count = 0;
        for (int index = first; index < end; index += CHUNKS_MAX) {
            int last = Math.min(end, index + CHUNKS_MAX);
            List<Opened> opened = open(file, index, last, use, deadlineNs);
            for (int i = 0; i < opened.size(); i++) {
                count += map(file, index + i, opened.get(i), deadlineNs).cardinality();
            }
        }
        return count;
    }

    /** A bit for each sector of the chunk with data. */
    private BitSet map(FilePages file, int index, Opened opened, long deadlineNs) {
        FsException failure = opened.failure();
        if (failure != null) {
            throw failure;
        }
        var map = new BitSet(splitter.chunkSectors());
        Chunk chunk = opened.chunk();
        if (chunk != null) {
            var range = new SectorRun(0, splitter.chunkSectors());
            for (StampRun stamp :
                    Waits.await(io.stamps(chunk, range), deadlineNs, "map of " + chunk.id())) {
                map.set(stamp.run().first(), stamp.run().end(), !stamp.hole());
            }
        }
        overlayDirty(file, splitter.placeIn(index, 0), map);
        return map;
    }

    private void overlayDirty(FilePages file, long base, BitSet map) {
        file.lock.lock();
        try {
            var inChunk =
                    file.dirtyBlocks.subMap(
                            base >> PageBlock.SHIFT,
                            (base + splitter.chunkSectors()) >> PageBlock.SHIFT);
            for (PageBlock block : inChunk.values()) {
                int at = (int) ((block.number << PageBlock.SHIFT) - base);
                for (long left = block.dirty; left != 0; left &= left - 1) {
                    map.set(at + Long.numberOfTrailingZeros(left));
                }
            }
        } finally {
            file.lock.unlock();
        }
    }
}

package org.keelfs.client.data;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
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
    /* What is dirty is looked at before anybody is asked: bytes that are stored meanwhile are dirty in this look, and
     * what was stored before it is in every answer that comes after it. */

    private final ChunkIo io;
    private final RunSplitter splitter;
    private final ChunkMap chunks;

    DataSeeker(DataParts parts, ChunkMap chunks) {
        this.io = parts.io();
        this.splitter = parts.splitter();
        this.chunks = chunks;
    }

    /** See {@link FileData#seek}. */
    long seek(FilePages file, long offset, long size, boolean data, long deadlineNs) {
        return offset >= size ? -1 : new Seek(file, offset, size, deadlineNs).run(data);
    }

    /** One call; confined to its thread. */
    private final class Seek {
        private final FilePages file;
        private final long offset;
        private final long firstPlace;
        private final long lastPlace;
        private final long deadlineNs;
        private final NavigableMap<Long, Long> dirty;

        /** Indexes of chunks that there are, ascending, from the one last asked for on. */
        private List<Long> found = List.of();

        private int foundAt;

        /** Whether there are no chunks behind these. */
        private boolean foundAll;

        private final Map<Long, Opened> opened = new HashMap<>();

        /** Layouts of one call: one, and twice as many each time that they did not suffice. */
        private int ahead = 1;

        Seek(FilePages file, long offset, long size, long deadlineNs) {
            this.file = file;
            this.offset = offset;
            this.firstPlace = RunSplitter.placeOf(offset);
            this.lastPlace = RunSplitter.placeOf(size - 1);
            this.deadlineNs = deadlineNs;
            this.dirty = file.dirtyFrom(firstPlace);
        }

        long run(boolean data) {
            long last = splitter.chunkIndex(lastPlace);
            for (long index = splitter.chunkIndex(firstPlace); index <= last; index++) {
                long next = nextChunk(index);
                if (!data && next > index) {
                    return offsetOf(splitter.placeIn(index, 0));
                }
                if (next > last) {
                    return -1;
                }
                long place = placeIn(next, data);
                if (place >= 0) {
                    return place > lastPlace ? -1 : offsetOf(place);
                }
                index = next;
            }
            return -1;
        }

        private long offsetOf(long place) {
            return Math.max(offset, place << RunSplitter.SECTOR_SHIFT);
        }

        /** The first place with data, or without, in a chunk; -1 for none. */
        private long placeIn(long index, boolean data) {
            BitSet map = map(index, open(index), dirty, deadlineNs);
            long base = splitter.placeIn(index, 0);
            int from = (int) Math.max(0, firstPlace - base);
            int at = data ? map.nextSetBit(from) : map.nextClearBit(from);
            return at >= 0 && at < splitter.chunkSectors() ? base + at : -1;
        }

        /** The first chunk from this index on that there is or will be; else a very great one. */
        private long nextChunk(long index) {
            Long block = dirty.ceilingKey(splitter.placeIn(index, 0) >> PageBlock.SHIFT);
            long written =
                    block == null ? Long.MAX_VALUE : splitter.chunkIndex(block << PageBlock.SHIFT);
            if (written == index || isKnown(index)) {
                return index;
            }
            return Math.min(written, nextStored(index));
        }

        private boolean isKnown(long index) {
            Opened known = io.known(file.inode, index, ChunkIo.Use.READ);
            return known != null && known.chunk() != null;
        }

        private long nextStored(long index) {
            skipTo(index);
            if (foundAt == found.size() && !foundAll) {
                found = chunks.find(file.inode, index, deadlineNs);
                foundAt = 0;
                foundAll = found.size() < ChunkMap.CHUNKS_MAX;
            }
            return foundAt < found.size() ? found.get(foundAt) : Long.MAX_VALUE;
        }

        private void skipTo(long index) {
            while (foundAt < found.size() && found.get(foundAt) < index) {
                foundAt++;
            }
        }

        private Opened open(long index) {
            Opened before = opened.remove(index);
            if (before != null) {
                return before;
            }
            skipTo(index + 1);
            var indexes = new ArrayList<Long>();
            indexes.add(index);
            for (int i = foundAt; i < found.size() && indexes.size() < ahead; i++) {
                indexes.add(found.get(i));
            }
            ahead = Math.min(2 * ahead, ChunkMap.CHUNKS_MAX);
            List<Opened> answers =
                    DataSeeker.this.open(file, indexes, ChunkIo.Use.READ, deadlineNs);
            for (int i = 1; i < answers.size(); i++) {
                opened.put(indexes.get(i), answers.get(i));
            }
            return answers.getFirst();
        }
    }

    private List<Opened> open(
            FilePages file, List<Long> indexes, ChunkIo.Use use, long deadlineNs) {
        List<Want> wants = indexes.stream().map(i -> Want.of(file.inode, i, use)).toList();
        return Waits.await(io.open(wants), deadlineNs, "layouts");
    }

    /** Sectors with data in these chunks, which are opened for this use. */
    long allocated(FilePages file, long first, long end, ChunkIo.Use use, long deadlineNs) {
        long count = 0;
        NavigableMap<Long, Long> dirty = file.dirtyFrom(splitter.placeIn(first, 0));
        for (long from = first; from < end; from += ChunkMap.CHUNKS_MAX) {
            List<Long> indexes = new ArrayList<>();
            for (long i = from; i < Math.min(end, from + ChunkMap.CHUNKS_MAX); i++) {
                indexes.add(i);
            }
            List<Opened> opened = open(file, indexes, use, deadlineNs);
            for (int i = 0; i < opened.size(); i++) {
                count += map(from + i, opened.get(i), dirty, deadlineNs).cardinality();
            }
        }
        return count;
    }

    /** A bit for each sector of the chunk with data. */
    private BitSet map(long index, Opened opened, NavigableMap<Long, Long> dirty, long deadlineNs) {
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
        overlay(dirty, splitter.placeIn(index, 0), map);
        return map;
    }

    private void overlay(NavigableMap<Long, Long> dirty, long base, BitSet map) {
        long end = base + splitter.chunkSectors();
        var inChunk = dirty.subMap(base >> PageBlock.SHIFT, end >> PageBlock.SHIFT);
        inChunk.forEach(
                (number, sectors) -> {
                    int at = (int) ((number << PageBlock.SHIFT) - base);
                    for (long left = sectors; left != 0; left &= left - 1) {
                        map.set(at + Long.numberOfTrailingZeros(left));
                    }
                });
    }
}

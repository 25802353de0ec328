package org.keelfs.client.data;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.data.RunSplitter.ChunkRun;
import org.keelfs.client.quorum.ChunkIo;
import org.keelfs.client.quorum.ChunkIo.Chunk;
import org.keelfs.client.quorum.ChunkIo.Opened;
import org.keelfs.client.quorum.ChunkIo.Want;
import org.keelfs.client.quorum.StaleChunkException;
import org.keelfs.model.Timestamp;

/**
 * Truncation, punches and trims: zeros in parts of sectors, holes at the nodes for whole ones.
 * Thread-safe.
 */
final class RangeEraser {
    private static final int SECTOR = RunSplitter.SECTOR;

    private final DataParts parts;
    private final ChunkIo io;
    private final RunSplitter splitter;
    private final ChunkMap chunks;
    private final Fetcher fetcher;
    private final WriteBuffer writeBuffer;
    private final Semaphore room;

    RangeEraser(
            DataParts parts,
            ChunkMap chunks,
            Fetcher fetcher,
            WriteBuffer writeBuffer,
            Semaphore room) {
        this.parts = parts;
        this.io = parts.io();
        this.splitter = parts.splitter();
        this.chunks = chunks;
        this.fetcher = fetcher;
        this.writeBuffer = writeBuffer;
        this.room = room;
    }

    /** See {@link FileData#truncate}. */
    void truncate(FilePages file, long oldSize, long newSize, long deadlineNs) {
        if (newSize >= oldSize) {
            return;
        }
        long keptEnd = RunSplitter.placeEnd(newSize);
        drop(file, keptEnd, Long.MAX_VALUE, deadlineNs);
        if (newSize % SECTOR != 0) {
            long sectorEnd = keptEnd * SECTOR;
            zeroPart(file, newSize, Math.min(sectorEnd, Math.max(oldSize, newSize)), deadlineNs);
        }
        long firstDropped = Math.ceilDiv(keptEnd, splitter.chunkSectors());
        io.forgetChunks(file.inode, firstDropped, Long.MAX_VALUE);
        resetStream(file);
    }

    /** See {@link FileData#punch}. */
    void punch(FilePages file, long from, long to, long deadlineNs) {
        if (from >= to) {
            return;
        }
        long firstWhole = RunSplitter.placeEnd(from);
        long wholeEnd = RunSplitter.placeOf(to);
        if (firstWhole > wholeEnd) {
            zeroPart(file, from, to, deadlineNs);
            return;
        }
        if (from % SECTOR != 0) {
            zeroPart(file, from, firstWhole * SECTOR, deadlineNs);
        }
        if (to % SECTOR != 0) {
            zeroPart(file, wholeEnd * SECTOR, to, deadlineNs);
        }
        if (firstWhole < wholeEnd) {
            drop(file, firstWhole, wholeEnd, deadlineNs);
            trim(file, firstWhole, wholeEnd, deadlineNs);
            drop(file, firstWhole, wholeEnd, deadlineNs);
            resetStream(file);
        }
    }

    /**
     * The chunks of these whole sectors are others now. First the layouts: a fetch that began
     * before is outdated by the second step.
     */
    void replaced(FilePages file, long firstChunk, long endChunk, long deadlineNs) {
        io.forgetChunks(file.inode, firstChunk, endChunk);
        long from = splitter.placeIn(firstChunk, 0);
        drop(file, from, splitter.placeIn(endChunk, 0), deadlineNs);
        resetStream(file);
    }

    private static void resetStream(FilePages file) {
        file.lock.lock();
        try {
            file.stream.reset();
        } finally {
            file.lock.unlock();
        }
    }

    /** Writes zeros into a part of one sector, if it holds anything. */
    private void zeroPart(FilePages file, long from, long to, long deadlineNs) {
        if (from >= to) {
            return;
        }
        long place = RunSplitter.placeOf(from);
        while (!isHoleOrFetch(file, place, deadlineNs)) {
            var zeros = ByteBuffer.allocate((int) (to - from));
            var outcome = writeBuffer.put(file, from, zeros, Long.MAX_VALUE, true, deadlineNs);
            if (outcome == WriteBuffer.Outcome.TAKEN) {
                return;
            }
            if (outcome == WriteBuffer.Outcome.GONE) {
                throw new FsException(Errno.ESTALE, "lease of " + file.inode + " went away");
            }
        }
    }

    /** Whether the sector is zeros; brings it in if that is not known. */
    private boolean isHoleOrFetch(FilePages file, long place, long deadlineNs) {
        for (; ; ) {
            file.lock.lock();
            try {
                if (file.gone) {
                    throw new FsException(Errno.ESTALE, "lease of " + file.inode + " went away");
                }
                if (file.isPresent(place)) {
                    return file.block(place).frame((int) (place & 63)) == PageBlock.HOLE;
                }
            } finally {
                file.lock.unlock();
            }
            fetcher.fetch(file, place, place + 1, deadlineNs);
        }
    }

    /** Forgets what memory holds there, when nothing of it is on its way any more. */
    private void drop(FilePages file, long from, long end, long deadlineNs) {
        for (; ; ) {
            List<FlushOp> onTheirWay = new ArrayList<>();
            var freed = new FrameList(0);
            int cleaned = 0;
            file.lock.lock();
            try {
                for (FlushOp op : file.flushes) {
                    if (op.from < end && from < op.end()) {
                        onTheirWay.add(op);
                    }
                }
                if (onTheirWay.isEmpty()) {
                    cleaned = file.drop(from, end, freed);
                }
            } finally {
                file.lock.unlock();
            }
            parts.cache().give(freed);
            room.release(cleaned);
            if (onTheirWay.isEmpty()) {
                return;
            }
            Flusher.awaitIdle(onTheirWay, deadlineNs);
        }
    }

    /** Whole sectors become holes in the chunks that exist. */
    private void trim(FilePages file, long from, long end, long deadlineNs) {
        ChunkMap.Runs runs = chunks.runs(file.inode, from, end, deadlineNs);
        for (List<ChunkRun> some = runs.next(); !some.isEmpty(); some = runs.next()) {
            trimSome(file, some, deadlineNs);
        }
    }

    private void trimSome(FilePages file, List<ChunkRun> runs, long deadlineNs) {
        List<ChunkRun> left = runs;
        while (!left.isEmpty()) {
            List<Want> wants =
                    left.stream()
                            .map(r -> Want.of(file.inode, r.chunkIndex(), ChunkIo.Use.CHANGE))
                            .toList();
            List<Opened> opened = Waits.await(io.open(wants), deadlineNs, "layouts");
            if (file.gone) {
                throw new FsException(Errno.EIO, "lease of " + file.inode + " went away");
            }
            var writes = new ArrayList<CompletableFuture<Integer>>();
            var written = new ArrayList<ChunkRun>();
            for (int i = 0; i < opened.size(); i++) {
                FsException failure = opened.get(i).failure();
                if (failure != null) {
                    throw failure;
                }
                Chunk chunk = opened.get(i).chunk();
                if (chunk != null) {
                    Timestamp timestamp = io.nextTimestamp(chunk);
                    writes.add(io.write(chunk, left.get(i).run(), timestamp, null));
                    written.add(left.get(i));
                }
            }
            left = gather(file, writes, written, deadlineNs);
        }
    }

    /** Waits for trims; returns those to send again in a new epoch. */
    private List<ChunkRun> gather(
            FilePages file,
            List<CompletableFuture<Integer>> writes,
            List<ChunkRun> runs,
            long deadlineNs) {
        var again = new ArrayList<ChunkRun>();
        for (int i = 0; i < writes.size(); i++) {
            try {
                int delta = Waits.await(writes.get(i), deadlineNs, "trim of " + file.inode);
                addDelta(file, delta);
            } catch (FsException e) {
                if (!(e.getCause() instanceof StaleChunkException)) {
                    throw e;
                }
                again.add(runs.get(i));
            }
        }
        return again;
    }

    private static void addDelta(FilePages file, int delta) {
        file.lock.lock();
        try {
            file.allocatedDelta += delta;
        } finally {
            file.lock.unlock();
        }
    }
}

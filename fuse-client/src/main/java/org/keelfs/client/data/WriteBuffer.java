package org.keelfs.client.data;

import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;

/** Takes bytes of writes into pages, within the budget of dirty bytes. Thread-safe. */
final class WriteBuffer {
    private static final int SECTOR = RunSplitter.SECTOR;

    /** Who waits for room looks this often whether the nodes have turned out to be full. */
    private static final long LOOK_AGAIN_NS = 250_000_000;

    /** What became of a write. */
    enum Outcome {
        /** All bytes are in the buffer. */
        TAKEN,
        /** Nothing was taken: there is no room now, or a partial sector is not in memory. */
        WOULD_WAIT,
        /** Nothing was taken: the pages were forgotten meanwhile. */
        GONE
    }

    private final CleanCache cache;
    private final Fetcher fetcher;
    private final Flusher flusher;

    /** One permit for each dirty frame that may yet be. */
    private final Semaphore room;

    private final int roomMax;

    WriteBuffer(DataParts parts, Fetcher fetcher, Flusher flusher, Semaphore room, int roomMax) {
        this.cache = parts.cache();
        this.fetcher = fetcher;
        this.flusher = flusher;
        this.room = room;
        this.roomMax = roomMax;
    }

    /** At most {@link RunSplitter#RUN_SECTORS_MAX} sectors and one. */
    Outcome put(
            FilePages file,
            long offset,
            ByteBuffer source,
            long sizeBefore,
            boolean mayWait,
            long deadlineNs) {
        long end = offset + source.remaining();
        long from = RunSplitter.placeOf(offset);
        int sectors = (int) (RunSplitter.placeEnd(end) - from);
        if (!enter(file, sectors, mayWait, deadlineNs)) {
            return Outcome.WOULD_WAIT;
        }
        int unused = sectors;
        FrameList spare = mayWait ? cache.take(sectors, deadlineNs) : cache.tryTake(sectors);
        try {
            if (spare == null) {
                return Outcome.WOULD_WAIT;
            }
            for (; ; ) {
                long missing;
                file.lock.lock();
                try {
                    if (file.gone) {
                        return Outcome.GONE;
                    }
                    missing = missingEdge(file, offset, end, sizeBefore);
                    if (missing < 0) {
                        unused -= take(file, offset, source, spare);
                        break;
                    }
                } finally {
                    file.lock.unlock();
                }
                if (!mayWait) {
                    return Outcome.WOULD_WAIT;
                }
                fetcher.fetch(file, missing, missing + 1, deadlineNs);
            }
        } finally {
            room.release(unused);
            if (spare != null) {
                cache.give(spare);
            }
        }
        afterPut(file);
        return Outcome.TAKEN;
    }

    private boolean enter(FilePages file, int sectors, boolean mayWait, long deadlineNs) {
        if (room.tryAcquire(sectors)) {
            return true;
        }
        flusher.onPressure();
        if (!mayWait) {
            return false;
        }
        try {
            for (; ; ) {
                failIfFull(file);
                long leftNs = deadlineNs - System.nanoTime();
                if (leftNs <= 0) {
                    break;
                }
                if (room.tryAcquire(
                        sectors, Math.min(leftNs, LOOK_AGAIN_NS), TimeUnit.NANOSECONDS)) {
                    return true;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FsException(Errno.EINTR, "interrupted waiting for room in the write buffer");
        }
        FsException failure = file.failure;
        throw failure != null
                ? whyFull(failure)
                : new FsException(Errno.EIO, "the write buffer stays full: nodes take nothing");
    }

    /**
     * Where there is no space waiting does not make any, also when another file's bytes fill the
     * buffer; nodes that are silent may come back before the deadline.
     */
    private void failIfFull(FilePages file) {
        FsException failure = file.failure;
        if (failure != null && failure.errno() != Errno.EIO) {
            throw whyFull(failure);
        }
        FsException noSpace = flusher.noSpace();
        if (noSpace != null) {
            throw whyFull(noSpace);
        }
    }

    private static FsException whyFull(FsException failure) {
        return new FsException(failure.errno(), "write-back failed: " + failure.getMessage());
    }

    /** A sector written in part whose rest has to be read first; negative when there is none. */
    private static long missingEdge(FilePages file, long offset, long end, long sizeBefore) {
        long first = RunSplitter.placeOf(offset);
        long last = RunSplitter.placeOf(end - 1);
        if (offset % SECTOR != 0 && mustRead(file, first, sizeBefore)) {
            return first;
        }
        if (end % SECTOR != 0
                && (last != first || offset % SECTOR == 0)
                && mustRead(file, last, sizeBefore)) {
            return last;
        }
        return -1;
    }

    private static boolean mustRead(FilePages file, long place, long sizeBefore) {
        return place << RunSplitter.SECTOR_SHIFT < sizeBefore && !file.isPresent(place);
    }

    /** Returns how many permits are now in use. */
    private int take(FilePages file, long offset, ByteBuffer source, FrameList spare) {
        long end = offset + source.remaining();
        file.outdateFetches(RunSplitter.placeOf(offset), RunSplitter.placeEnd(end));
        int used = 0;
        @Nullable PageBlock last = null;
        for (long at = offset; at < end; ) {
            long place = RunSplitter.placeOf(at);
            int within = (int) (at & (SECTOR - 1));
            int length = (int) Math.min(SECTOR - within, end - at);
            used += file.write(place, within, source, length, spare);
            at += length;
            if (last == null || last.number != place >> PageBlock.SHIFT) {
                last = file.block(place);
                cache.add(last);
            }
        }
        return used;
    }

    private void afterPut(FilePages file) {
        if (file.fullBlocks >= Flusher.EARLY_BLOCKS) {
            flusher.onFullBlocks(file);
        }
        if (room.availablePermits() < roomMax / 2) {
            flusher.onPressure();
        }
    }
}

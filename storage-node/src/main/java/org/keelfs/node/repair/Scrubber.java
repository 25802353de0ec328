package org.keelfs.node.repair;

import java.io.IOException;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.keelfs.buffer.BudgetExceededException;
import org.keelfs.buffer.BufferPool;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.store.LogPosition;
import org.keelfs.node.store.RunWords;
import org.keelfs.node.store.SectorStore;
import org.keelfs.node.store.SegmentUnavailableException;
import org.keelfs.node.store.StoreThreads;
import org.keelfs.node.store.StoredSectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Re-reads every stored sector, slowly and for ever, and marks those whose bytes do not match their
 * checksum: they are then answered as damaged, so that whoever reads them elsewhere writes them
 * here again. One thread of its own.
 */
public final class Scrubber implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Scrubber.class);

    /** Sectors read at a time. */
    private static final int SECTORS_MAX = 64;

    private static final int CHUNK_SECTORS_MAX = 16_384;
    private static final long MEMORY_TIMEOUT_MS = 10_000;

    /** Between two rounds: a store with little in it is not read all the time. */
    private static final long ROUND_PAUSE_NS = TimeUnit.MINUTES.toNanos(30);

    private final SectorStore store;
    private final ChunkIndex index;
    private final BufferPool pool;
    private final long bytesPerSecond;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final LongAdder damaged = new LongAdder();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition wake = lock.newCondition();
    private boolean stopped;

    /**
     * Starts it.
     *
     * @param bytesPerSecond its share of the disk; 0: it does not run
     */
    public Scrubber(
            SectorStore store,
            ChunkIndex index,
            BufferPool pool,
            long bytesPerSecond,
            StoreThreads threads) {
        this.store = store;
        this.index = index;
        this.pool = pool;
        this.bytesPerSecond = bytesPerSecond;
        if (bytesPerSecond > 0) {
            threads.start("scrubber", this::run);
        } else {
            ended.countDown();
        }
    }

    private void run() {
        try {
            while (!pause(ROUND_PAUSE_NS)) {
                long found = scrubAll();
                LOG.info("scrub round done: {} damaged sectors found", found);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended.countDown();
        }
    }

    /** One round over all chunks; returns the number of sectors found damaged. */
    public long scrubAll() throws InterruptedException {
        var chunks = new ArrayList<Long>();
        index.forEachChunk(chunks::add);
        long found = 0;
        for (long chunk : chunks) {
            found += scrub(new ChunkId(chunk));
        }
        return found;
    }

    private long scrub(ChunkId chunk) throws InterruptedException {
        long found = 0;
        int from = 0;
        while (from < CHUNK_SECTORS_MAX) {
            long[] words = places(chunk, SectorRun.between(from, CHUNK_SECTORS_MAX));
            if (words.length == 0) {
                break;
            }
            int first = RunWords.first(words, 0);
            int count = Math.min(SECTORS_MAX, RunWords.count(words, 0));
            if (!RunWords.isHole(words, 0) && !RunWords.isDamaged(words, 0)) {
                found += check(chunk, first, count, RunWords.place(words, 0));
                if (pause(pauseNs(count))) {
                    throw new InterruptedException("stopped");
                }
            }
            from = first + (RunWords.isHole(words, 0) ? RunWords.count(words, 0) : count);
        }
        return found;
    }

    private long[] places(ChunkId chunk, SectorRun run) {
        var chunkLock = index.lock(chunk);
        chunkLock.lock();
        try {
            return index.places(chunk, run);
        } finally {
            chunkLock.unlock();
        }
    }

    private long pauseNs(int sectors) {
        long bytes = (long) sectors * Payload.STORED_SECTOR_BYTES;
        return bytesPerSecond == 0 ? 0 : bytes * TimeUnit.SECONDS.toNanos(1) / bytesPerSecond;
    }

    private long check(ChunkId chunk, int first, int count, long place)
            throws InterruptedException {
        var segment = store.log().segment(LogPosition.segment(place));
        if (place >= store.commit().durablePosition() || segment == null || !segment.retain()) {
            // Not written yet, or compacted meanwhile: then the copy was checked when it was made.
            return 0;
        }
        long found = 0;
        try {
            var bytes = pool.allocate(count * Payload.STORED_SECTOR_BYTES, MEMORY_TIMEOUT_MS);
            try {
                segment.readFully(bytes.bytes(), LogPosition.offset(place));
                int bad = StoredSectors.firstBad(bytes.bytes(), 0);
                while (bad < count) {
                    found += mark(chunk, first + bad, 1, placeOf(place, bad));
                    bad = StoredSectors.firstBad(bytes.bytes(), bad + 1);
                }
            } finally {
                bytes.release();
            }
        } catch (SegmentUnavailableException e) {
            LOG.debug("nothing can be opened to scrub; skipped", e);
        } catch (IOException e) {
            LOG.warn("{} of {} cannot be read: {}", first, chunk, e.toString());
            found += mark(chunk, first, count, place);
        } catch (BudgetExceededException e) {
            LOG.debug("no memory to scrub with; skipped", e);
        } finally {
            segment.release();
        }
        return found;
    }

    private static long placeOf(long place, int index) {
        return place + (long) index * Payload.STORED_SECTOR_BYTES;
    }

    private long mark(ChunkId chunk, int first, int count, long place) {
        if (!index.markDamaged(chunk.value(), first, count, place)) {
            return 0;
        }
        LOG.warn(
                "sector {} of {} is damaged at {}; a WRITE of it repairs it",
                first,
                chunk,
                LogPosition.describe(place));
        damaged.add(count);
        return count;
    }

    /** Sectors found damaged since the start. */
    public long damagedSectorCount() {
        return damaged.sum();
    }

    private boolean pause(long ns) throws InterruptedException {
        lock.lock();
        try {
            long left = ns;
            while (!stopped && left > 0) {
                left = wake.awaitNanos(left);
            }
            return stopped;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            stopped = true;
            wake.signal();
        } finally {
            lock.unlock();
        }
        try {
            ended.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

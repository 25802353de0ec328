package org.keelfs.node.store;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.keelfs.buffer.BufferPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One store, opened: log, committer, index, and the thread that writes checkpoints and gives space
 * back. Any thread.
 */
public final class SectorStore implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SectorStore.class);

    private final StoreFiles files;
    private final SectorIndex index;
    private final StoreOptions options;
    private final SegmentLog log;
    private final GroupCommit commit;
    private final Compactor compactor;
    private final Consumer<Throwable> onFatal;
    private final CountDownLatch maintenanceEnded = new CountDownLatch(1);

    private final ReentrantLock stopLock = new ReentrantLock();
    private final Condition stopping = stopLock.newCondition();
    private boolean stopped;

    private final long recoveredPosition;
    private volatile StoreIdentity identity;
    private volatile long usableBytes;
    private volatile long totalBytes;
    private long checkpointAtNs = System.nanoTime();
    private long checkpointBytes;
    private long checkpointPosition;

    /**
     * Opens the store: counts this start, recovers the log, begins a new segment.
     *
     * @param index opened on the same store; closed with it
     * @param pool memory for moving sectors
     * @param threads of the committer and of maintenance
     * @param onFatal told when the store fails for good
     */
    public SectorStore(
            StoreFiles files,
            SectorIndex index,
            StoreOptions options,
            BufferPool pool,
            StoreThreads threads,
            Consumer<Throwable> onFatal)
            throws IOException {
        this.files = files;
        this.index = index;
        this.options = options;
        this.onFatal = onFatal;
        this.identity = StoreIdentity.start(files);
        Map<Integer, Long> live = new HashMap<>();
        LiveBytes counter =
                (place, sectors) ->
                        live.merge(LogPosition.segment(place), (long) sectors, Long::sum);
        index.load(counter);
        var recovery =
                new Recovery(
                        files,
                        identity.logSeed(),
                        index.checkpointPosition(),
                        index.checkpointPosition());
        var outcome = recovery.run(index::replay);
        this.log =
                new SegmentLog(
                        files,
                        new OpenSegments(files, OpenSegments.OPEN_MAX),
                        identity.logSeed(),
                        options.segmentBytes(),
                        outcome.end(),
                        outcome.nextSegment());
        this.recoveredPosition = outcome.end();
        boolean missing = adoptSegments(live);
        this.commit =
                new GroupCommit(log, outcome.end(), options.inFlightBytesMax(), threads, onFatal);
        index.start(commit, log::addLive);
        this.compactor = new Compactor(files, log, commit, index, identity.logSeed(), pool);
        sampleSpace();
        if (outcome.damaged() || missing) {
            // The identity first: chunks that are lost without a trace must not be taken for never
            // had.
            identity = identity.renewed(files);
            index.markAllDamaged();
        }
        try {
            checkpoint();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the store was opened", e);
        }
        LOG.info(
                "store open: {} records replayed, {} segments, start {}",
                outcome.records(),
                log.segments().size(),
                identity.startCounter());
        threads.start("store-maintenance", this::maintain);
    }

    /** Takes in the files of the log; true when one is missing in which sectors are live. */
    private boolean adoptSegments(Map<Integer, Long> live) throws IOException {
        for (var name : files.list()) {
            int number = Segment.number(name);
            if (number >= 0) {
                log.adopt(number);
            }
        }
        boolean missing = false;
        for (var counted : live.entrySet()) {
            if (log.segment(counted.getKey()) != null) {
                log.addLive(
                        LogPosition.of(counted.getKey(), 0), Math.toIntExact(counted.getValue()));
            } else if (counted.getValue() != 0) {
                LOG.error(
                        "segment {} of the log is gone: acknowledged data is lost; this store comes"
                                + " back as a new node",
                        Segment.name(counted.getKey()));
                missing = true;
            }
        }
        return missing;
    }

    public StoreIdentity identity() {
        return identity;
    }

    /** A node number is known for this identity: the damage that it was drawn for is told. */
    public void registered() throws IOException {
        if (identity.logDamaged()) {
            identity = identity.settled(files);
        }
    }

    /** Position at which the log ended when the store was opened. */
    public long recoveredPosition() {
        return recoveredPosition;
    }

    public SegmentLog log() {
        return log;
    }

    public GroupCommit commit() {
        return commit;
    }

    /** Whether so many bytes of sectors may be stored: the disk keeps its reserve. */
    public boolean hasSpace(long bytes) {
        return usableBytes - commit.inFlightBytes() - bytes > options.reserveBytes();
    }

    /** Bytes that can still be stored. */
    public long freeBytes() {
        return Math.max(0, usableBytes - commit.inFlightBytes() - options.reserveBytes());
    }

    /** Size of the disk. */
    public long totalBytes() {
        return totalBytes;
    }

    private void sampleSpace() throws IOException {
        usableBytes = files.usableBytes();
        totalBytes = files.totalBytes();
    }

    private void maintain() {
        try {
            while (!awaitStop()) {
                sampleSpace();
                if (compact() || checkpointDue()) {
                    checkpoint();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (StoreFailedException e) {
            LOG.debug("maintenance ends with the store", e);
        } catch (IOException | RuntimeException e) {
            LOG.error("maintenance of the store failed; the store stops for good: {}", e, e);
            onFatal.accept(e);
        } finally {
            maintenanceEnded.countDown();
        }
    }

    /** True when a checkpoint can now free something. */
    private boolean compact() throws IOException, InterruptedException {
        try {
            return compactor.run(freeBytes() < 4L * options.segmentBytes());
        } catch (SegmentUnavailableException e) {
            LOG.warn("no compaction now: {}", e.getMessage());
            return false;
        }
    }

    private boolean awaitStop() throws InterruptedException {
        stopLock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(options.maintenanceMs());
            while (!stopped && left > 0) {
                left = stopping.awaitNanos(left);
            }
            return stopped;
        } finally {
            stopLock.unlock();
        }
    }

    private boolean checkpointDue() {
        if (commit.appendedPosition() == checkpointPosition) {
            return false;
        }
        long idleNs = System.nanoTime() - checkpointAtNs;
        return commit.byteCount() - checkpointBytes >= options.checkpointBytes()
                || idleNs >= TimeUnit.MILLISECONDS.toNanos(options.checkpointMs());
    }

    /**
     * Writes a checkpoint, then deletes the segments that were dead before it. Maintenance thread,
     * or before it runs.
     */
    private void checkpoint() throws IOException, InterruptedException {
        var dead = compactor.deadSegments();
        long bytes = commit.byteCount();
        checkpointPosition = index.checkpoint();
        checkpointBytes = bytes;
        checkpointAtNs = System.nanoTime();
        compactor.delete(dead, checkpointPosition);
    }

    /**
     * Makes all durable, writes a checkpoint, ends the threads. After a failure it only lets go.
     */
    @Override
    public void close() throws IOException {
        stopLock.lock();
        try {
            stopped = true;
            stopping.signal();
        } finally {
            stopLock.unlock();
        }
        try {
            maintenanceEnded.await();
            if (!commit.isFailed()) {
                checkpoint();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            commit.close();
            log.close();
            index.close();
        }
    }
}

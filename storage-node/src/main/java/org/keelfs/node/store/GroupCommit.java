package org.keelfs.node.store;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.buffer.PayloadBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Appends records to the log and makes them durable: one thread takes everything that waits, writes
 * it, forces it once, and then runs what waited for it. A record has its position at once; what
 * depends on it waits with {@link #onDurable}.
 *
 * <p>Guarded by {@code lock}; files are touched by the committer thread only.
 */
public final class GroupCommit implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GroupCommit.class);

    /**
     * Appended bytes that start a commit although nobody waits yet: writing then overlaps with
     * receiving.
     */
    private static final int EAGER_BYTES = 4 << 20;

    /**
     * Quiet time after which the log proves, by a mark, what was durable. Longer than a busy gap.
     */
    private static final long MARK_DELAY_NS = 5_000_000;

    private final SegmentLog log;
    private final long inFlightBytesMax;
    private final Consumer<Throwable> onFatal;
    private final CountDownLatch ended = new CountDownLatch(1);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();

    @GuardedBy("lock")
    private List<SegmentLog.Entry> queue = new ArrayList<>();

    @GuardedBy("lock")
    private List<Waiter> waiters = new ArrayList<>();

    @GuardedBy("lock")
    private long queuedBytes;

    @GuardedBy("lock")
    private long awaited;

    @GuardedBy("lock")
    private boolean closing;

    private final AtomicLong inFlightBytes = new AtomicLong();
    private volatile long appended;
    private volatile long durable;
    private volatile @Nullable Throwable failure;

    // Counters for metrics.
    private final LongAdder commits = new LongAdder();
    private final LongAdder commitNanos = new LongAdder();
    private final LongAdder records = new LongAdder();
    private final LongAdder bytes = new LongAdder();

    private record Waiter(long position, Runnable action) {}

    /**
     * Starts the committer.
     *
     * @param durable position up to which the recovered log is durable
     * @param inFlightBytesMax bound on bytes appended but not durable, which {@link #hasRoom} tells
     * @param onFatal told once when a write or force fails; nothing is answered after that
     */
    GroupCommit(
            SegmentLog log,
            long durable,
            long inFlightBytesMax,
            StoreThreads threads,
            Consumer<Throwable> onFatal) {
        this.log = log;
        this.durable = durable;
        this.appended = durable;
        this.inFlightBytesMax = inFlightBytesMax;
        this.onFatal = onFatal;
        threads.start("store-committer", this::run);
    }

    /**
     * Appends a record; the order of calls is the order of the log. Never blocks on the disk.
     *
     * @param payload its stored sectors; one count of each is taken over
     * @return the record's position
     */
    public long append(LogRecord record, PayloadBuffer... payload) {
        var entry = SegmentLog.Entry.of(record, payload);
        lock.lock();
        try {
            checkAlive();
            log.place(entry);
            queue.add(entry);
            queuedBytes += entry.recordBytes();
            var _ = inFlightBytes.addAndGet(entry.recordBytes());
            appended = record.position();
            if (queuedBytes >= EAGER_BYTES) {
                work.signal();
            }
            return record.position();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Runs the action once the log is durable up to the position: at once on this thread if it is,
     * else on the committer's, where it must not block. Never, if the store fails before.
     */
    public void onDurable(long position, Runnable action) {
        if (position > durable) {
            lock.lock();
            try {
                checkAlive();
                Invariant.check(position <= appended, "waits for what was appended");
                if (position > durable) {
                    waiters.add(new Waiter(position, action));
                    awaited = Math.max(awaited, position);
                    work.signal();
                    return;
                }
            } finally {
                lock.unlock();
            }
        }
        action.run();
    }

    /** Waits until the log is durable up to the position. */
    public void awaitDurable(long position) throws InterruptedException {
        var done = new CountDownLatch(1);
        onDurable(position, done::countDown);
        while (!done.await(100, TimeUnit.MILLISECONDS)) {
            checkAlive();
        }
    }

    /** Whether this many bytes more stay within the bound of bytes in flight. */
    public boolean hasRoom(long moreBytes) {
        long now = inFlightBytes.get();
        // One frame is always let in, or a bound below its size would stop everything.
        return now == 0 || now + moreBytes <= inFlightBytesMax;
    }

    /** Position of the last record appended. */
    public long appendedPosition() {
        return appended;
    }

    /** Position up to which everything is durable. */
    public long durablePosition() {
        return durable;
    }

    /** Bytes appended and not durable yet. */
    public long inFlightBytes() {
        return inFlightBytes.get();
    }

    /** Commits done since the start. */
    public long commitCount() {
        return commits.sum();
    }

    /** Time spent writing and forcing them. */
    public long commitNanos() {
        return commitNanos.sum();
    }

    /** Records made durable since the start. */
    public long recordCount() {
        return records.sum();
    }

    /** Bytes made durable since the start. */
    public long byteCount() {
        return bytes.sum();
    }

    public boolean isFailed() {
        return failure != null;
    }

    private void checkAlive() {
        var cause = failure;
        if (cause != null) {
            throw new StoreFailedException("the store has failed: " + cause.getMessage(), cause);
        }
    }

    private void run() {
        try {
            boolean markDue = false;
            while (true) {
                List<SegmentLog.Entry> batch;
                boolean last;
                lock.lock();
                try {
                    boolean quiet = awaitWork(markDue);
                    last = closing && queue.isEmpty();
                    if ((quiet && markDue) || last) {
                        addMark();
                    }
                    batch = queue;
                    queue = new ArrayList<>();
                    queuedBytes = 0;
                } finally {
                    lock.unlock();
                }
                if (last || !isMark(batch)) {
                    commit(batch);
                    // Forcing a mark proves nothing new: an idle log stays as it is.
                    markDue |= !batch.isEmpty();
                } else {
                    // Nobody waits for a mark: it becomes durable with whatever comes next.
                    log.writeOnly(batch.getFirst(), durable);
                    giveBack(batch);
                    markDue = false;
                }
                if (last) {
                    return;
                }
            }
        } catch (Throwable e) {
            fail(e);
        } finally {
            ended.countDown();
        }
    }

    private static boolean isMark(List<SegmentLog.Entry> batch) {
        return batch.size() == 1 && batch.getFirst().record().kind() == LogRecord.Kind.COMMIT_MARK;
    }

    /** Waits for something to commit; true when the log fell quiet instead. */
    @GuardedBy("lock")
    private boolean awaitWork(boolean markDue) throws InterruptedException {
        long left = MARK_DELAY_NS;
        while (awaited <= durable && queuedBytes < EAGER_BYTES && !closing) {
            if (markDue && queue.isEmpty()) {
                if (left <= 0) {
                    return true;
                }
                left = work.awaitNanos(left);
            } else {
                work.await();
            }
        }
        return false;
    }

    @GuardedBy("lock")
    private void addMark() {
        var entry = SegmentLog.Entry.of(LogRecord.commitMark(), new PayloadBuffer[0]);
        log.place(entry);
        queue.add(entry);
        var _ = inFlightBytes.addAndGet(entry.recordBytes());
        appended = entry.record().position();
    }

    private void commit(List<SegmentLog.Entry> batch) throws IOException {
        long startNs = System.nanoTime();
        if (!batch.isEmpty()) {
            log.writeAndForce(batch, durable);
        } else {
            // Somebody waits for a mark that was written without being forced.
            log.forceWritten();
        }
        long syncNs = System.nanoTime() - startNs;
        List<Runnable> released = new ArrayList<>();
        long end = batch.isEmpty() ? log.writtenEnd() : batch.getLast().record().position();
        long batchBytes = giveBack(batch);
        lock.lock();
        try {
            durable = end;
            var still = new ArrayList<Waiter>();
            for (var waiter : waiters) {
                if (waiter.position() <= end) {
                    released.add(waiter.action());
                } else {
                    still.add(waiter);
                }
            }
            waiters = still;
        } finally {
            lock.unlock();
        }
        commits.increment();
        commitNanos.add(syncNs);
        records.add(batch.size());
        bytes.add(batchBytes);
        for (var action : released) {
            runGuarded(action);
        }
    }

    /** The batch is written: its buffers go back, its bytes are no longer in flight. */
    private long giveBack(List<SegmentLog.Entry> batch) {
        long batchBytes = 0;
        for (var entry : batch) {
            batchBytes += entry.recordBytes();
            for (var payload : entry.payload()) {
                payload.release();
            }
        }
        var _ = inFlightBytes.addAndGet(-batchBytes);
        return batchBytes;
    }

    private static void runGuarded(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException e) {
            LOG.error("a reply could not be sent after its commit", e);
        }
    }

    private void fail(Throwable e) {
        lock.lock();
        try {
            failure = e;
            waiters.clear();
            for (var entry : queue) {
                for (var payload : entry.payload()) {
                    payload.release();
                }
            }
            queue.clear();
        } finally {
            lock.unlock();
        }
        LOG.error(
                "the store failed while writing its log; it stops for good, nothing is retried: {}",
                e.toString(),
                e);
        onFatal.accept(e);
    }

    /** Makes everything durable that was appended, adds a mark, and ends the thread. */
    @Override
    public void close() {
        lock.lock();
        try {
            closing = true;
            work.signal();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        while (true) {
            try {
                ended.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

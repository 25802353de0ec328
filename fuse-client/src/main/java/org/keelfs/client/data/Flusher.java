package org.keelfs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.InodeId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides when dirty runs leave: on demand, by age, under pressure, and early when a file is
 * written in sequence, so that nodes and network work while the application writes. {@link
 * RunSender} sends them. Thread-safe.
 */
final class Flusher {
    private static final Logger LOG = LoggerFactory.getLogger(Flusher.class);

    /** Blocks wholly dirty, 1 MiB together, that make an early flush worth its round trip. */
    static final int EARLY_BLOCKS = 4;

    /** Early flushes at once: while one waits for the nodes the next encrypts. */
    private static final int EARLY_TASKS_MAX = 3;

    /** Sectors of one early flush. */
    private static final int EARLY_SECTORS_MAX = 4 * RunSplitter.RUN_SECTORS_MAX;

    /** Inodes of one background flush: one call for their layouts. */
    private static final int FILES_MAX = 512;

    /** Between attempts in the background after a failure; several within one operation's time. */
    private static final long RETRY_MAX_NS = 2_000_000_000L;

    private static final int RETRIES_MIN = 8;

    private final DataParts parts;
    private final RunSender sender;
    private final Collection<FilePages> files;
    private final WriteBackListener listener;
    private final long ageNs;

    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private final ArrayDeque<FilePages> early = new ArrayDeque<>();

    @GuardedBy("lock")
    private int earlyTasks;

    private final AtomicBoolean sweeping = new AtomicBoolean();
    private final Queue<Settled> settled = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean reporting = new AtomicBoolean();

    private record Settled(FilePages file, @Nullable FsException failure) {}

    Flusher(
            DataParts parts,
            RunSender sender,
            Collection<FilePages> files,
            WriteBackListener listener,
            long ageMs) {
        this.parts = parts;
        this.sender = sender;
        this.files = files;
        this.listener = listener;
        this.ageNs = ageMs * 1_000_000;
    }

    /** Whole blocks of a file wait. Never blocks. */
    void onFullBlocks(FilePages file) {
        lock.lock();
        try {
            if (file.queuedEarly) {
                return;
            }
            file.queuedEarly = true;
            early.addLast(file);
            if (earlyTasks >= EARLY_TASKS_MAX) {
                return;
            }
            earlyTasks++;
        } finally {
            lock.unlock();
        }
        parts.workers().execute(this::runEarly);
    }

    private void runEarly() {
        for (FilePages file = nextEarly(); file != null; file = nextEarly()) {
            try {
                flushEarly(file);
            } catch (RuntimeException e) {
                LOG.warn("early flush of {} failed, will be repeated", file.inode, e);
            }
        }
    }

    private @Nullable FilePages nextEarly() {
        lock.lock();
        try {
            FilePages file = early.pollFirst();
            if (file == null) {
                earlyTasks--;
            } else {
                file.queuedEarly = false;
            }
            return file;
        } finally {
            lock.unlock();
        }
    }

    private void flushEarly(FilePages file) {
        List<FlushOp> ops;
        file.lock.lock();
        try {
            if (file.gone || (file.failure != null && file.retryAtNs - System.nanoTime() > 0)) {
                return;
            }
            ops = file.collect(parts.splitter(), true, EARLY_SECTORS_MAX);
            if (file.hasFullBlock()) {
                file.fullBlocks = EARLY_BLOCKS;
            }
        } finally {
            file.lock.unlock();
        }
        if (file.fullBlocks >= EARLY_BLOCKS) {
            onFullBlocks(file);
        }
        FsException failure = sender.send(ops, deadline());
        FsException later = sender.await(ops, deadline());
        note(file, failure != null ? failure : later);
    }

    /** More than half of the budget is dirty: flush what is oldest. Never blocks. */
    void onPressure() {
        if (sweeping.compareAndSet(false, true)) {
            parts.workers().execute(() -> sweep(0));
        }
    }

    /** Called every few hundred milliseconds. Never blocks. */
    void onTick() {
        if (sweeping.compareAndSet(false, true)) {
            parts.workers().execute(() -> sweep(ageNs));
        }
    }

    private void sweep(long olderThanNs) {
        try {
            long nowNs = System.nanoTime();
            var due = new ArrayList<FilePages>();
            for (FilePages file : files) {
                if (listener.isPlaceable(file.inode) && takeIfDue(file, olderThanNs, nowNs)) {
                    due.add(file);
                    if (due.size() == FILES_MAX) {
                        startInBackground(due);
                        due = new ArrayList<>();
                    }
                }
            }
            if (!due.isEmpty()) {
                startInBackground(due);
            }
        } finally {
            sweeping.set(false);
        }
    }

    /** What failed goes again when its time has come: somebody may wait for the room it takes. */
    private static boolean takeIfDue(FilePages file, long olderThanNs, long nowNs) {
        file.lock.lock();
        try {
            boolean due =
                    !file.inBackground
                            && !file.dirtyBlocks.isEmpty()
                            && (file.failure == null
                                    ? nowNs - file.dirtySinceNs >= olderThanNs
                                    : nowNs - file.retryAtNs >= 0);
            file.inBackground |= due;
            return due;
        } finally {
            file.lock.unlock();
        }
    }

    private void startInBackground(List<FilePages> due) {
        parts.workers().execute(() -> flushInBackground(due));
    }

    /**
     * Sends all at once; each file is done when its own runs are, whatever becomes of the others.
     */
    private void flushInBackground(List<FilePages> due) {
        var ops = new ArrayList<FlushOp>();
        var waits = new LinkedHashMap<FilePages, Set<FlushOp>>();
        for (FilePages file : due) {
            var own = new LinkedHashSet<FlushOp>();
            if (collect(file, ops, own)) {
                parts.workers().execute(() -> settled(file, twoRounds(file, deadline())));
            } else {
                waits.put(file, own);
            }
        }
        var _ = sender.send(ops, deadline());
        waits.forEach(
                (file, own) -> {
                    var all = own.stream().map(op -> op.done).toArray(CompletableFuture<?>[]::new);
                    var _ =
                            CompletableFuture.allOf(all)
                                    .whenComplete((_, e) -> settled(file, failure(file, e)));
                });
    }

    private static @Nullable FsException failure(FilePages file, @Nullable Throwable thrown) {
        return thrown == null ? null : Waits.failure(thrown, "write-back of " + file.inode);
    }

    /** A file's flush in the background came to its end; who reports it takes all that did. */
    private void settled(FilePages file, @Nullable FsException failure) {
        settled.add(new Settled(file, failure));
        if (reporting.compareAndSet(false, true)) {
            parts.workers().execute(this::report);
        }
    }

    private void report() {
        do {
            var flushed = new ArrayList<InodeId>();
            for (Settled next = settled.poll(); next != null; next = settled.poll()) {
                FilePages file = next.file;
                note(file, next.failure);
                file.lock.lock();
                try {
                    file.inBackground = false;
                } finally {
                    file.lock.unlock();
                }
                if (next.failure == null) {
                    flushed.add(file.inode);
                }
            }
            tell(flushed);
            reporting.set(false);
        } while (!settled.isEmpty() && reporting.compareAndSet(false, true));
    }

    private void tell(List<InodeId> flushed) {
        try {
            if (!flushed.isEmpty()) {
                listener.afterFlush(flushed);
            }
        } catch (RuntimeException e) {
            LOG.error("telling of {} files written back failed", flushed.size(), e);
        }
    }

    /** Flushes one file for fsync and the like; the caller throws the failure. */
    @Nullable FsException flush(FilePages file, long deadlineNs) {
        FsException failure = twoRounds(file, deadlineNs);
        note(file, failure);
        return failure;
    }

    /**
     * Sends all that is dirty now, and waits for it and for what was already on its way. A sector
     * written again while its older bytes are on their way goes in the second round, when those
     * have arrived. So does what found no room before this flush began: there may be some now.
     */
    private @Nullable FsException twoRounds(FilePages file, long deadlineNs) {
        var ops = new ArrayList<FlushOp>();
        var waits = new LinkedHashSet<FlushOp>();
        boolean again = collect(file, ops, waits);
        FsException failure = sendAndAwait(ops, ops, deadlineNs);
        waits.removeAll(ops);
        FsException earlier = sender.await(List.copyOf(waits), deadlineNs);
        if (earlier != null && earlier.errno() == Errno.ENOSPC) {
            again = true;
        } else if (failure == null) {
            failure = earlier;
        }
        if (failure != null || !again) {
            return failure;
        }
        ops.clear();
        waits.clear();
        boolean _ = collect(file, ops, waits);
        return sendAndAwait(ops, waits, deadlineNs);
    }

    private @Nullable FsException sendAndAwait(
            Collection<FlushOp> ops, Collection<FlushOp> waits, long deadlineNs) {
        FsException failure = sender.send(List.copyOf(ops), deadlineNs);
        FsException later = sender.await(List.copyOf(waits), deadlineNs);
        return failure == null ? later : failure;
    }

    /** Returns whether a second round is needed. */
    private boolean collect(FilePages file, List<FlushOp> ops, Set<FlushOp> waits) {
        file.lock.lock();
        try {
            boolean again = file.hasRewrittenOnItsWay();
            ops.addAll(file.collect(parts.splitter(), false, Integer.MAX_VALUE));
            waits.addAll(file.flushes);
            return again;
        } finally {
            file.lock.unlock();
        }
    }

    /** Remembers the outcome; a failure that is new is told to the listener. */
    private void note(FilePages file, @Nullable FsException failure) {
        boolean isNew;
        file.lock.lock();
        try {
            // Told late, about bytes that another attempt has stored since.
            boolean over = file.dirtyBlocks.isEmpty() && file.flushes.isEmpty();
            isNew = failure != null && file.failure == null && isLasting(failure) && !over;
            if (failure == null || over) {
                file.failure = null;
            } else if (isLasting(failure)) {
                file.failure = failure;
                file.retryAtNs = System.nanoTime() + retryNs();
            }
        } finally {
            file.lock.unlock();
        }
        if (isNew && failure != null) {
            LOG.warn("write-back of {} failed, keeps trying: {}", file.inode, failure.getMessage());
            listener.onWriteBackError(file.inode, failure.errno());
        }
    }

    /** What full nodes answered to some file that still waits for space; null otherwise. */
    @Nullable FsException noSpace() {
        for (FilePages file : files) {
            FsException failure = file.failure;
            if (failure != null && failure.errno() == Errno.ENOSPC) {
                return failure;
            }
        }
        return null;
    }

    private static boolean isLasting(FsException failure) {
        return failure.errno() != Errno.EINTR;
    }

    private long retryNs() {
        return Math.min(RETRY_MAX_NS, parts.timeoutNs() / RETRIES_MIN);
    }

    private long deadline() {
        return System.nanoTime() + parts.timeoutNs();
    }

    /** Waits until nothing of these files is on its way; failures are told by the pages. */
    static void awaitIdle(Collection<FlushOp> ops, long deadlineNs) {
        for (FlushOp op : ops) {
            CompletableFuture<@Nullable Void> settled = op.done.exceptionally(_ -> null);
            Waits.await(settled, deadlineNs, "write-back of " + op.file.inode);
        }
    }
}

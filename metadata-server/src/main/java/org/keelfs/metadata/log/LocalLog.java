package org.keelfs.metadata.log;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.FsException;
import org.keelfs.metadata.store.RocksStore;
import org.keelfs.metadata.store.StoreBudget;
import org.keelfs.metadata.store.StoreException;
import org.keelfs.namespace.Tables;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log of a single metadata server: RocksDB's write-ahead log holds the effects. Commands are
 * applied on the submitting thread under a lock; one committer thread syncs for all who wait. A
 * store that fails ends the log: it is told to {@code onFatal} once and nothing is retried.
 */
public final class LocalLog implements MetadataLog {
    private static final Logger LOG = LoggerFactory.getLogger(LocalLog.class);

    /**
     * Clients keep what is not forced until they hear that it is, so it is forced soon even if
     * nobody asks.
     */
    static final long FORCE_INTERVAL_MS = 500;

    private final RocksStore store;
    private final Consumer<Throwable> onFatal;
    private final Thread committer;

    /** Held for reading by whoever is inside the store, for writing by the one who closes it. */
    private final ReentrantReadWriteLock life = new ReentrantReadWriteLock();

    private volatile boolean closed;

    /** Serialises commands. */
    private final ReentrantLock applying = new ReentrantLock();

    private volatile long appliedPosition;
    private volatile long forcedPosition;

    private final ReentrantLock waiting = new ReentrantLock();
    private final Condition wanted = waiting.newCondition();

    @GuardedBy("waiting")
    private List<Waiter> waiters = new ArrayList<>();

    @GuardedBy("waiting")
    private boolean stopping;

    @GuardedBy("waiting")
    private @Nullable Throwable failure;

    private record Waiter(long position, CompletableFuture<Long> done) {}

    private LocalLog(RocksStore store, ThreadFactory threads, Consumer<Throwable> onFatal) {
        this.store = store;
        this.onFatal = onFatal;
        // Opening wrote what the log held to synced files.
        appliedPosition = store.position();
        forcedPosition = appliedPosition;
        committer = threads.newThread(this::commit);
        committer.setName("metadata-log-committer");
    }

    /**
     * Opens or creates the log and the tables in a directory of their own.
     *
     * @param threads makes the one thread of the log
     * @param onFatal called once, from any thread, when the store failed or a command broke an
     *     invariant: the process has to end
     */
    public static LocalLog open(
            Path directory,
            StoreBudget budget,
            ThreadFactory threads,
            Consumer<Throwable> onFatal) {
        LocalLog log = new LocalLog(RocksStore.open(directory, budget), threads, onFatal);
        log.committer.start();
        return log;
    }

    @Override
    public <T> CompletableFuture<Submitted<T>> submit(MetadataCommand<T> command) {
        applying.lock();
        try {
            return CompletableFuture.completedFuture(apply(command));
        } catch (FsException refused) {
            return CompletableFuture.failedFuture(refused);
        } catch (RuntimeException | Error bug) {
            fail(bug, "applying " + command.kind());
            return CompletableFuture.failedFuture(bug);
        } finally {
            applying.unlock();
        }
    }

    private <T> Submitted<T> apply(MetadataCommand<T> command) {
        enter();
        try {
            T result = store.change(command::apply);
            long position = store.position();
            appliedPosition = position;
            return new Submitted<>(result, position);
        } finally {
            life.readLock().unlock();
        }
    }

    @Override
    public CompletableFuture<Long> force(long position) {
        if (position <= forcedPosition) {
            return CompletableFuture.completedFuture(forcedPosition);
        }
        Waiter waiter = new Waiter(position, new CompletableFuture<>());
        waiting.lock();
        try {
            if (failure != null) {
                return CompletableFuture.failedFuture(failure);
            }
            if (stopping) {
                return CompletableFuture.failedFuture(isClosed());
            }
            waiters.add(waiter);
            wanted.signal();
        } finally {
            waiting.unlock();
        }
        return waiter.done;
    }

    @Override
    public long forcedPosition() {
        return forcedPosition;
    }

    /** Everything up to here is applied. */
    public long appliedPosition() {
        return appliedPosition;
    }

    @Override
    public <T extends @Nullable Object> T read(Function<Tables, T> reader) {
        enter();
        try {
            return store.read(reader);
        } catch (StoreException e) {
            fail(e, "reading");
            throw e;
        } finally {
            life.readLock().unlock();
        }
    }

    /** Whoever returns from here holds the life lock for reading. */
    private void enter() {
        life.readLock().lock();
        if (closed) {
            life.readLock().unlock();
            throw isClosed();
        }
    }

    private static StoreIsClosed isClosed() {
        return new StoreIsClosed();
    }

    /** The server is going down; not a failure of the store. */
    private static final class StoreIsClosed extends IllegalStateException {
        private static final long serialVersionUID = 1L;

        StoreIsClosed() {
            super("the metadata log is closed");
        }
    }

    /** The committer: one sync for all who wait, and one now and then for those who only listen. */
    private void commit() {
        try {
            while (awaitWork()) {
                forceApplied();
            }
            forceApplied();
        } catch (RuntimeException | Error e) {
            fail(e, "forcing the log");
        }
    }

    /** False when the log closes. */
    private boolean awaitWork() {
        waiting.lock();
        try {
            long leftNs = TimeUnit.MILLISECONDS.toNanos(FORCE_INTERVAL_MS);
            while (waiters.isEmpty() && !stopping && leftNs > 0) {
                leftNs = wanted.awaitNanos(leftNs);
            }
            return !stopping;
        } catch (InterruptedException e) {
            // Nobody but close() ends this thread.
            return true;
        } finally {
            waiting.unlock();
        }
    }

    private void forceApplied() {
        long applied = appliedPosition;
        if (applied > forcedPosition) {
            store.sync();
            forcedPosition = applied;
        }
        List<Waiter> reached = new ArrayList<>();
        waiting.lock();
        try {
            List<Waiter> left = new ArrayList<>();
            for (Waiter w : waiters) {
                // A position from before a power cut may lie ahead of everything: what it named is
                // lost or forced.
                boolean unknown = w.position > appliedPosition;
                (w.position <= applied || unknown ? reached : left).add(w);
            }
            waiters = left;
        } finally {
            waiting.unlock();
        }
        reached.forEach(w -> w.done.complete(applied));
    }

    private void fail(Throwable cause, String doing) {
        if (cause instanceof StoreIsClosed) {
            return;
        }
        List<Waiter> lost;
        waiting.lock();
        try {
            if (failure != null) {
                return;
            }
            failure = cause;
            lost = waiters;
            waiters = new ArrayList<>();
        } finally {
            waiting.unlock();
        }
        LOG.error("metadata log failed while {}; this server has to end", doing, cause);
        lost.forEach(w -> w.done.completeExceptionally(cause));
        onFatal.accept(cause);
    }

    @Override
    public void close() {
        waiting.lock();
        try {
            if (stopping) {
                return;
            }
            stopping = true;
            wanted.signal();
        } finally {
            waiting.unlock();
        }
        joinCommitter();
        life.writeLock().lock();
        try {
            closed = true;
            forceRest();
            store.close();
        } finally {
            life.writeLock().unlock();
        }
    }

    /** What was applied while the committer ended. */
    private void forceRest() {
        try {
            if (appliedPosition > forcedPosition) {
                store.sync();
                forcedPosition = appliedPosition;
            }
        } catch (StoreException e) {
            fail(e, "closing");
        }
    }

    private void joinCommitter() {
        boolean interrupted = false;
        while (committer.isAlive()) {
            try {
                committer.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

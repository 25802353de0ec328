package org.keelfs.fuse.kernel;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;

/**
 * Says why programs are answered EIO, which tells them nothing: one line a second at most, as a
 * program may ask again as fast as it is refused. Other errors are answers, and not logged.
 */
public final class FailureLog {
    private static final long PAUSE_NS = 1_000_000_000L;

    private final LongSupplier nanoTime;
    private final Consumer<String> log;
    private final AtomicLong nextNs;
    private final AtomicLong unsaid = new AtomicLong();

    /**
     * @param nanoTime as {@link System#nanoTime}
     * @param log takes a line
     */
    public FailureLog(LongSupplier nanoTime, Consumer<String> log) {
        this.nanoTime = nanoTime;
        this.log = log;
        this.nextNs = new AtomicLong(nanoTime.getAsLong());
    }

    /** What is said of the operation that failed. */
    public void failed(Object operation, FsException failure) {
        if (failure.errno() != Errno.EIO) {
            return;
        }
        long now = nanoTime.getAsLong();
        long next = nextNs.get();
        if (now - next < 0 || !nextNs.compareAndSet(next, now + PAUSE_NS)) {
            unsaid.incrementAndGet();
            return;
        }
        long more = unsaid.getAndSet(0);
        String others = more == 0 ? "" : " (and %d more before)".formatted(more);
        log.accept("%s answered EIO: %s%s".formatted(operation, failure.getMessage(), others));
    }
}

package org.keelfs.metadata.layout;

import java.util.concurrent.Executor;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.metadata.log.MetadataLog;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Draws epochs from ranges that are reserved durably ahead. Confined to the service's executor. */
public final class Epochs {
    private static final Logger LOG = LoggerFactory.getLogger(Epochs.class);

    /**
     * Epochs of a range: a forced record for a million draws, and 2^44 restarts before the numbers
     * end.
     */
    public static final long RANGE = 1 << 20;

    private final MetadataLog log;
    private final Executor executor;
    private final long first;
    private long next;
    private long end;
    private long nextRange;
    private boolean reserving;

    private Epochs(MetadataLog log, Executor executor, long first) {
        this.log = log;
        this.executor = executor;
        this.first = first;
        this.next = first;
        this.end = first + RANGE;
    }

    /** Reserves the first range and waits until it is forced. */
    public static Epochs start(MetadataLog log, Executor executor) {
        var reserved = log.submit(new ReserveEpochsCommand(RANGE)).join();
        var _ = log.force(reserved.position()).join();
        return new Epochs(log, executor, reserved.result());
    }

    /** The next epoch: greater than all before, also those before a restart. */
    public long draw() {
        if (end - next < RANGE / 2 && !reserving && nextRange == 0) {
            reserve();
        }
        if (next == end) {
            if (nextRange == 0) {
                throw new FsException(Errno.EAGAIN, "epochs are being reserved");
            }
            next = nextRange;
            end = nextRange + RANGE;
            nextRange = 0;
        }
        return next++;
    }

    /** The first one of this life of the server: greater than all of those before. */
    public long first() {
        return first;
    }

    /** The last one drawn. */
    public long last() {
        return next - 1;
    }

    private void reserve() {
        reserving = true;
        var _ =
                log.submit(new ReserveEpochsCommand(RANGE))
                        .thenCompose(
                                reserved ->
                                        log.force(reserved.position())
                                                .thenApply(_ -> reserved.result()))
                        .whenCompleteAsync(
                                (first, failure) -> {
                                    reserving = false;
                                    if (failure != null) {
                                        LOG.error("Cannot reserve epochs", failure);
                                    } else {
                                        nextRange = first;
                                    }
                                },
                                executor);
    }
}

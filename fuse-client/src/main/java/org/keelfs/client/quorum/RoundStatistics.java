package org.keelfs.client.quorum;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;

/** How many rounds there were, and how long they took. Thread-safe. */
public final class RoundStatistics {
    /** What is told apart. */
    public enum Kind {
        SEAL,
        WRITE,
        READ
    }

    private final LongAdder[] counts = new LongAdder[Kind.values().length];
    private final LongAdder[] nanos = new LongAdder[Kind.values().length];

    RoundStatistics() {
        for (int i = 0; i < counts.length; i++) {
            counts[i] = new LongAdder();
            nanos[i] = new LongAdder();
        }
    }

    /** Counts a round that begins now, when it has ended. */
    <T> CompletableFuture<T> timed(Kind kind, CompletableFuture<T> round) {
        long startNs = System.nanoTime();
        return round.whenComplete(
                (_, _) -> {
                    counts[kind.ordinal()].increment();
                    nanos[kind.ordinal()].add(System.nanoTime() - startNs);
                });
    }

    /** Rounds that ended, well or not. */
    public long count(Kind kind) {
        return counts[kind.ordinal()].sum();
    }

    /** Time that they took together, nanoseconds. */
    public long nanos(Kind kind) {
        return nanos[kind.ordinal()].sum();
    }
}

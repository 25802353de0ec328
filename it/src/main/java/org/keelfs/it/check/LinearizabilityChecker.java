package org.keelfs.it.check;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.ToLongFunction;

/** Whether the operations on one register can be put in one order that respects real time. */
public final class LinearizabilityChecker {
    /* Wing and Gong's search [1] with Lowe's memory [2] of (set of operations done, value) pairs that led nowhere. A
     * write of unknown outcome may be left out; taken, it must come before its latest effect.
     * [1] Testing and verifying concurrent objects. [2] Testing for linearizability. */

    /** Operations of one register in one history: one bit each. */
    public static final int OPERATIONS_MAX = 64;

    private final List<Operation> operations;
    private final long[] invoked;
    private final long[] latest;
    private final Set<State> seen = new HashSet<>();

    private record State(long done, long value) {}

    private LinearizabilityChecker(
            List<Operation> operations, ToLongFunction<Operation> latestEffect) {
        this.operations = operations;
        this.invoked = operations.stream().mapToLong(o -> o.invokedAt).toArray();
        this.latest = operations.stream().mapToLong(latestEffect).toArray();
    }

    /**
     * Whether a register that starts with 0 can have behaved so.
     *
     * @param latestEffect time before which an operation must have taken effect, if it has one
     */
    public static boolean linearizable(
            List<Operation> operations, ToLongFunction<Operation> latestEffect) {
        if (operations.size() > OPERATIONS_MAX) {
            throw new IllegalArgumentException("too many operations: " + operations.size());
        }
        var sorted = new ArrayList<>(operations);
        sorted.sort(Comparator.comparingLong(o -> o.invokedAt));
        return new LinearizabilityChecker(sorted, latestEffect).search(0, 0);
    }

    private boolean search(long done, long value) {
        if (!seen.add(new State(done, value))) {
            return false;
        }
        long firstEnd = firstEndOfRequired(done);
        if (firstEnd == Long.MIN_VALUE) {
            return true;
        }
        int read = harmlessRead(done, value, firstEnd);
        if (read >= 0) {
            return search(done | 1L << read, value);
        }
        for (int i = 0; i < operations.size() && invoked[i] < firstEnd; i++) {
            var operation = operations.get(i);
            boolean free = (done & 1L << i) == 0;
            if (free && (operation.write || operation.value == value)) {
                long after = operation.write ? operation.value : value;
                if (search(done | 1L << i | missedBy(done, invoked[i]), after)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** A read that fits now and closes no door: to take it at once loses nothing. */
    private int harmlessRead(long done, long value, long firstEnd) {
        for (int i = 0; i < operations.size() && invoked[i] < firstEnd; i++) {
            var operation = operations.get(i);
            if ((done & 1L << i) == 0
                    && !operation.write
                    && operation.value == value
                    && missedBy(done, invoked[i]) == 0) {
                return i;
            }
        }
        return -1;
    }

    /**
     * Writes of unknown outcome whose time is over when an operation that began then takes effect.
     */
    private long missedBy(long done, long time) {
        long missed = 0;
        for (int i = 0; i < operations.size(); i++) {
            if (operations.get(i).status == Operation.Status.UNKNOWN && latest[i] < time) {
                missed |= 1L << i;
            }
        }
        return missed & ~done;
    }

    /**
     * When the first answered operation not yet done ended: nothing that began later can come
     * before it.
     */
    private long firstEndOfRequired(long done) {
        long first = Long.MIN_VALUE;
        for (int i = 0; i < operations.size(); i++) {
            boolean required = operations.get(i).status == Operation.Status.DONE;
            if (required && (done & 1L << i) == 0) {
                first = first == Long.MIN_VALUE ? latest[i] : Math.min(first, latest[i]);
            }
        }
        return first;
    }
}

package org.keelfs.it.check;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What clients did and saw, with logical times that never tie. Confined to one thread. */
public final class History {
    private final TreeMap<Integer, List<Operation>> bySector = new TreeMap<>();
    private final TreeMap<Long, Long> openedAt = new TreeMap<>();
    private long clock;

    /** A client begins a write of this value (0: trim or truncation). */
    public Operation invokeWrite(int client, int sector, long value) {
        return add(new Operation(client, sector, true, value, ++clock));
    }

    /** A client begins a read. */
    public Operation invokeRead(int client, int sector) {
        return add(new Operation(client, sector, false, 0, ++clock));
    }

    private Operation add(Operation operation) {
        bySector.computeIfAbsent(operation.sector, _ -> new ArrayList<>()).add(operation);
        return operation;
    }

    /** The write's bytes go out in this epoch. */
    public void sent(Operation operation, long epoch) {
        operation.epoch = epoch;
    }

    /** The write is answered. */
    public void done(Operation write) {
        end(write, Operation.Status.DONE);
    }

    /** The read is answered with this value. */
    public void done(Operation read, long value) {
        read.value = value;
        end(read, Operation.Status.DONE);
    }

    /**
     * Answered with an error that leaves the outcome open; without effect when it was never sent.
     */
    public void unknown(Operation operation) {
        boolean open = operation.write && operation.epoch > 0;
        end(operation, open ? Operation.Status.UNKNOWN : Operation.Status.VOID);
    }

    private void end(Operation operation, Operation.Status status) {
        if (operation.endedAt == Long.MAX_VALUE) {
            operation.status = status;
            operation.endedAt = ++clock;
        }
    }

    /** The chunk is OPEN in this epoch for the first time. */
    public void opened(long epoch) {
        openedAt.putIfAbsent(epoch, ++clock);
    }

    /**
     * Checks every sector for linearizability, in the strict form: a write of unknown outcome that
     * is not part of the next epoch that was opened never happened. Returns a picture of a failure,
     * null when all is well.
     */
    public @Nullable String check() {
        for (var entry : bySector.entrySet()) {
            var operations = relevant(entry.getValue());
            if (!LinearizabilityChecker.linearizable(operations, this::latestEffect)) {
                return picture(entry.getKey());
            }
        }
        return null;
    }

    /**
     * Without what has no effect, and without writes of unknown outcome whose value nobody read.
     */
    private static List<Operation> relevant(List<Operation> all) {
        var read = new HashSet<Long>();
        for (Operation operation : all) {
            if (!operation.write && operation.status == Operation.Status.DONE) {
                read.add(operation.value);
            }
        }
        return all.stream()
                .filter(
                        o ->
                                o.status == Operation.Status.DONE
                                        || (o.status == Operation.Status.UNKNOWN
                                                && o.write
                                                && o.epoch > 0
                                                && read.contains(o.value)))
                .toList();
    }

    private long latestEffect(Operation operation) {
        if (operation.status == Operation.Status.DONE) {
            return operation.endedAt;
        }
        var next = openedAt.higherEntry(operation.epoch);
        return next == null ? Long.MAX_VALUE : next.getValue();
    }

    private String picture(int sector) {
        var text = new StringBuilder("sector " + sector + " is not linearizable:\n");
        bySector.getOrDefault(sector, List.of())
                .forEach(o -> text.append("  ").append(o).append('\n'));
        return text.append("  opened (epoch=time): ").append(openedAt).toString();
    }

    /** Number of operations that were answered. */
    public int answered() {
        int count = 0;
        for (var operations : bySector.values()) {
            for (Operation operation : operations) {
                count += operation.status == Operation.Status.DONE ? 1 : 0;
            }
        }
        return count;
    }
}

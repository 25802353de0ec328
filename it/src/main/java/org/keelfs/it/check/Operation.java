package org.keelfs.it.check;

/**
 * One operation on one sector, as a client saw it. Values are numbers; 0 is "zeros": never written,
 * trimmed or truncated.
 */
public final class Operation {
    /** How it ended. */
    public enum Status {
        /** Answered. */
        DONE,
        /**
         * Never answered, or answered with an error that leaves it open: it may have happened or
         * not.
         */
        UNKNOWN,
        /** Certainly without effect, or a read without an answer. */
        VOID
    }

    final int client;
    final int sector;
    final boolean write;
    final long invokedAt;
    long value;
    long endedAt = Long.MAX_VALUE;
    Status status = Status.UNKNOWN;

    /** Operation epoch of a write's last attempt; 0 before it was first sent. */
    long epoch;

    Operation(int client, int sector, boolean write, long value, long invokedAt) {
        this.client = client;
        this.sector = sector;
        this.write = write;
        this.value = value;
        this.invokedAt = invokedAt;
    }

    @Override
    public String toString() {
        String what = (write ? "write " : "read  ") + value;
        String end = status == Status.DONE ? Long.toString(endedAt) : status.toString();
        return "sector %d client %d %s [%d, %s] epoch %d"
                .formatted(sector, client, what, invokedAt, end, epoch);
    }
}

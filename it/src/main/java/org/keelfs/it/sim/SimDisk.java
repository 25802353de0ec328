package org.keelfs.it.sim;

import java.util.ArrayList;
import java.util.List;
import org.keelfs.register.ReplicaRecord;

/**
 * A node's log: what is appended is durable only after a sync, and a crash may take all that is
 * not. A record is there or not, never in part. Positions count records from 1.
 */
final class SimDisk {
    private final List<ReplicaRecord> log = new ArrayList<>();
    private int durable;

    long append(ReplicaRecord record) {
        log.add(record);
        return log.size();
    }

    long appended() {
        return log.size();
    }

    long durable() {
        return durable;
    }

    /** A sync that began at this position has succeeded. */
    void synced(long position) {
        durable = Math.max(durable, (int) Math.min(position, log.size()));
    }

    /** Power cut: of what was not synced some first part may survive. */
    void crash(SimScheduler scheduler) {
        int survive = durable + scheduler.below(log.size() - durable + 1);
        log.subList(survive, log.size()).clear();
        durable = log.size();
    }

    /**
     * The kernel dropped the pages of a failed sync: what was not synced is gone though later
     * writes are not.
     */
    void loseUnsynced(long upTo) {
        for (int i = durable; i < Math.min(upTo, log.size()); i++) {
            log.set(i, null);
        }
    }

    /** Cuts the last record off, as if it were torn. */
    void cutLast() {
        if (!log.isEmpty()) {
            log.removeLast();
            durable = log.size();
        }
    }

    /** What recovery reads. */
    List<ReplicaRecord> records() {
        var found = new ArrayList<ReplicaRecord>();
        for (ReplicaRecord record : log) {
            if (record != null) {
                found.add(record);
            }
        }
        return found;
    }
}

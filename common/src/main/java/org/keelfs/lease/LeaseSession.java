package org.keelfs.lease;

import java.util.LinkedHashMap;
import java.util.Map;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/** A session in the lease table, which owns it: what it holds, and until when it may be silent. */
final class LeaseSession {
    final SessionId id;
    final Map<InodeId, HeldLease> leases = new LinkedHashMap<>();

    /** Those that it was asked to give back, the longest asked first. */
    final Map<InodeId, HeldLease> recalled = new LinkedHashMap<>();

    long heardNs;
    long progress;
    long progressNs;
    long recallsSentNs;
    boolean reclaiming;

    /** Others need what it holds beside its leases; since when. */
    boolean wanted;

    long wantedNs;

    /** Refused from now on, and evicted when what it was told last has run out. */
    boolean condemned;

    /** Its end is being recorded. */
    boolean evicting;

    LeaseSession(SessionId id, long nowNs) {
        this.id = id;
        heardNs = nowNs;
        progressNs = nowNs;
    }

    boolean isOver() {
        return condemned || evicting;
    }

    /**
     * Whether the need is a command on an inode whose WRITE or SHARED lease the session is asked
     * for.
     */
    boolean isAskedFor(LeaseNeed need) {
        HeldLease own = leases.get(need.inode());
        return need.kind().isCommand()
                && own != null
                && own.mode != LeaseMode.READ
                && own.recallKeep != null;
    }

    long silenceDeadlineNs(LeaseTableConfig config) {
        if (condemned) {
            return heardNs + config.silenceNs();
        }
        if (recalled.isEmpty() && !wanted) {
            return heardNs + config.abandonNs();
        }
        // Who was silent for long already gets the time of one recall: it may just have woken up.
        long sinceNs = recalled.isEmpty() ? wantedNs : oldestRecallNs();
        return Math.max(heardNs + config.silenceNs(), sinceNs + config.recallRepeatNs());
    }

    long stallDeadlineNs(LeaseTableConfig config) {
        // Who was not heard of since is silent, not stuck.
        return recalled.isEmpty() || condemned || heardNs < oldestRecallNs()
                ? Long.MAX_VALUE
                : Math.max(oldestRecallNs(), progressNs) + config.stallNs();
    }

    long repeatDeadlineNs(LeaseTableConfig config) {
        return recalled.isEmpty() || condemned
                ? Long.MAX_VALUE
                : recallsSentNs + config.recallRepeatNs();
    }

    private long oldestRecallNs() {
        return recalled.values().iterator().next().recalledNs;
    }
}

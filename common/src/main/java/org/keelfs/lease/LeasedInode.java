package org.keelfs.lease;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.InodeId;

/**
 * An inode in the lease table, which owns it: who holds it, who changes it now, who waits for it.
 */
final class LeasedInode {
    final InodeId id;
    final List<HeldLease> holders = new ArrayList<>(1);

    /** Sessions with commands on their way into the log, once for each command. */
    final List<LeaseSession> applying = new ArrayList<>(0);

    /** By the order of requests. */
    final TreeMap<Long, LeaseRequest> queue = new TreeMap<>();

    LeasedInode(InodeId id) {
        this.id = id;
    }

    boolean isIdle() {
        return holders.isEmpty() && queue.isEmpty() && applying.isEmpty();
    }

    /** Whether what the session holds itself is enough, whoever else waits. */
    boolean passesByOwn(LeaseSession session, LeaseNeed.Kind kind) {
        HeldLease own = of(session);
        if (own == null) {
            return false;
        }
        return switch (kind) {
            // While it is recalled the generation is worthless to the client, which uses the answer
            // once.
            case READ -> true;
            case WRITE -> own.mode == LeaseMode.WRITE && own.recallKeep == null;
            case CLEAR -> own.mode == LeaseMode.WRITE;
        };
    }

    @Nullable HeldLease of(LeaseSession session) {
        for (HeldLease lease : holders) {
            if (lease.session.id.equals(session.id)) {
                return lease;
            }
        }
        return null;
    }

    boolean hasConflict(LeaseSession session, LeaseNeed.Kind kind) {
        for (HeldLease lease : holders) {
            if (lease.conflicts(session, kind)) {
                return true;
            }
        }
        return kind != LeaseNeed.Kind.CLEAR && isChanging(session);
    }

    /**
     * Whether a command of another session is on its way into the log: what is read now may be old.
     */
    private boolean isChanging(LeaseSession session) {
        for (LeaseSession other : applying) {
            if (!other.id.equals(session.id)) {
                return true;
            }
        }
        return false;
    }

    void invariants() {
        boolean written = holders.stream().anyMatch(lease -> lease.mode == LeaseMode.WRITE);
        Invariant.check(!written || holders.size() == 1, "WRITE on %s beside another lease", id);
        for (HeldLease lease : holders) {
            Invariant.check(lease.session.leases.containsKey(id), "a lease of nobody");
            Invariant.check(
                    (lease.recallKeep != null) == lease.session.recalled.containsKey(id),
                    "recalls and leases differ on %s",
                    id);
        }
    }
}

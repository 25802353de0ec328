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

    /**
     * A session went that may have left something half done in SHARED mode: the others leave it too
     * before anybody enters again, under a fresh epoch (rule R2).
     */
    boolean tainted;

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
            case READ -> own.mode != LeaseMode.SHARED;
            case LOOK -> own.mode != LeaseMode.SHARED || !tainted;
            case WRITE -> own.mode == LeaseMode.WRITE && own.recallKeep == null;
            case READ_OR_SHARED -> own.mode != LeaseMode.SHARED || isJoinable(own);
            case WRITE_OR_SHARED ->
                    (own.mode == LeaseMode.WRITE && own.recallKeep == null) || isJoinable(own);
            case CLEAR -> own.mode == LeaseMode.WRITE;
            case STORE -> own.mode == LeaseMode.WRITE || own.mode == LeaseMode.SHARED;
        };
    }

    private boolean isJoinable(HeldLease own) {
        return own.mode == LeaseMode.SHARED && own.recallKeep == null && !tainted;
    }

    /** Whether some session holds SHARED; then all holders do. */
    boolean isShared() {
        return !holders.isEmpty() && holders.getFirst().mode == LeaseMode.SHARED;
    }

    /** What a request of this kind would be granted; NONE: nothing, only others matter. */
    LeaseMode wanted(LeaseNeed.Kind kind, boolean mayShare) {
        if (kind == LeaseNeed.Kind.LOOK && isShared() && !tainted) {
            return LeaseMode.NONE;
        }
        return kind.isShareable() && (isShared() || mayShare) ? LeaseMode.SHARED : kind.alone();
    }

    @Nullable HeldLease of(LeaseSession session) {
        for (HeldLease lease : holders) {
            if (lease.session.id.equals(session.id)) {
                return lease;
            }
        }
        return null;
    }

    boolean hasConflict(LeaseSession session, LeaseNeed.Kind kind, boolean mayShare) {
        for (HeldLease lease : holders) {
            if (conflicts(lease, session, kind, mayShare)) {
                return true;
            }
        }
        return !kind.isCommand() && isChanging(session);
    }

    /** Whether this lease of the inode has to go or to shrink first. */
    boolean conflicts(
            HeldLease lease, LeaseSession session, LeaseNeed.Kind kind, boolean mayShare) {
        LeaseMode wanted = wanted(kind, mayShare);
        return lease.conflicts(session, wanted, kind.isCommand())
                || (tainted && wanted == LeaseMode.SHARED);
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
        Invariant.check(!tainted || isShared(), "%s is tainted and nobody shares it", id);
        for (HeldLease lease : holders) {
            Invariant.check(lease.session.leases.containsKey(id), "a lease of nobody");
            Invariant.check(
                    !isShared()
                            || (lease.mode == LeaseMode.SHARED
                                    && lease.since == holders.getFirst().since),
                    "SHARED on %s beside another mode or period",
                    id);
            Invariant.check(
                    !tainted || lease.recallKeep != null || lease.session.evicting,
                    "a lease of tainted %s is not recalled",
                    id);
            Invariant.check(
                    (lease.recallKeep != null) == lease.session.recalled.containsKey(id),
                    "recalls and leases differ on %s",
                    id);
        }
    }
}

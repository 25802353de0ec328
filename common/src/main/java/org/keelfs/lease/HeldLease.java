package org.keelfs.lease;

import org.jspecify.annotations.Nullable;
import org.keelfs.model.InodeId;

/** One lease in the lease table, which owns it. */
final class HeldLease {
    final LeaseSession session;
    final InodeId inode;
    final long since;
    LeaseMode mode;
    long generation;

    /**
     * What the holder may keep of it once it has given back what it was asked for; null: not asked.
     */
    @Nullable LeaseMode recallKeep;

    long recalledNs;

    /** Since when it is the only SHARED lease of its inode; meaningful only while it is. */
    long soleSinceNs;

    HeldLease(LeaseSession session, InodeId inode, LeaseMode mode, long since) {
        this.session = session;
        this.inode = inode;
        this.since = since;
        this.mode = mode;
    }

    LeaseState state() {
        return new LeaseState(inode, mode, generation, since);
    }

    /**
     * Whether it keeps this session from being granted this mode (of a command: from having nobody
     * beside it).
     */
    boolean conflicts(LeaseSession other, LeaseMode wanted, boolean command) {
        if (!session.id.equals(other.id)) {
            return command ? mode != LeaseMode.NONE : !mode.isCompatible(wanted);
        }
        if (command || wanted == LeaseMode.NONE) {
            return false;
        }
        // To and from SHARED the caches are emptied, and what is on its way back cannot be made
        // more of.
        boolean becomesOther = (mode == LeaseMode.SHARED) != (wanted == LeaseMode.SHARED);
        boolean leaves = recallKeep != null && wanted != LeaseMode.READ;
        return becomesOther || leaves;
    }
}

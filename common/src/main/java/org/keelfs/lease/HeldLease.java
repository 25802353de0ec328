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

    HeldLease(LeaseSession session, InodeId inode, LeaseMode mode, long since) {
        this.session = session;
        this.inode = inode;
        this.since = since;
        this.mode = mode;
    }

    LeaseState state() {
        return new LeaseState(inode, mode, generation, since);
    }

    /** Whether it keeps this session from what it needs. */
    boolean conflicts(LeaseSession other, LeaseNeed.Kind kind) {
        if (session.id.equals(other.id)) {
            // What is on its way back cannot be made more of.
            return kind == LeaseNeed.Kind.WRITE && recallKeep != null;
        }
        return kind != LeaseNeed.Kind.READ || mode == LeaseMode.WRITE;
    }
}

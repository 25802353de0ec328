package org.keelfs.client.lease;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.keelfs.lease.LeaseHolder;
import org.keelfs.lease.LeaseMode;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;

/** One inode's lease with its lock, which guards everything in it. */
final class LeaseEntry {
    /**
     * A lease that went to and fro when it was granted is taken for contended for so long: handles
     * opened meanwhile are not cached.
     */
    private static final long CONTENDED_NS = 5_000_000_000L;

    final ReentrantLock lock = new ReentrantLock();
    final Condition changed = lock.newCondition();
    final LeaseHolder holder;
    boolean acquiring;

    /** No longer in the table: whoever still has it looks again. */
    boolean forgotten;

    /**
     * What is held in SHARED mode; null in any other. Volatile, to be looked for without the lock.
     */
    volatile @Nullable SharedLease shared;

    private long contendedNs;

    /**
     * The kernel may keep something of a file that no open handle tells of: attributes, or pages of
     * handles that were closed. Volatile: set without the lock by who may hold one that comes
     * after.
     */
    volatile boolean inKernel;

    LeaseEntry(long worthlessUpTo) {
        holder = new LeaseHolder(worthlessUpTo);
    }

    /** Takes part in what is held, if it is enough. */
    @Nullable LeaseUse tryUse(LeaseMode needed, boolean kernelIo, boolean shareable) {
        SharedLease lease = shared;
        if (shareable && lease != null && holder.tryUse(LeaseMode.SHARED, false)) {
            return new SharedUse(this, lease);
        }
        return holder.tryUse(needed, kernelIo) ? this::endUse : null;
    }

    /** Takes part for a look, if what is held is enough. */
    @Nullable LeaseUse tryLook(LeaseMode needed) {
        return holder.tryLook(needed) ? this::endUse : null;
    }

    private record SharedUse(LeaseEntry entry, SharedLease lease) implements LeaseUse {
        @Override
        public SharedLease shared() {
            return lease;
        }

        @Override
        public void close() {
            entry.endUse();
        }
    }

    private void endUse() {
        lock.lock();
        try {
            holder.endUse();
            if (holder.isIdle()) {
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** A grant is taken. */
    void onTaken(LeaseGrant grant, LeaseMode mode) {
        shared =
                mode == LeaseMode.SHARED
                        ? new SharedLease(grant.getGeneration(), grant.getSharedSince())
                        : null;
        noteContended(grant);
    }

    void noteContended(LeaseGrant grant) {
        contendedNs = grant.getContended() ? System.nanoTime() | 1 : 0;
    }

    boolean isContended() {
        return contendedNs != 0 && System.nanoTime() - contendedNs < CONTENDED_NS;
    }

    /** Whether it is SHARED, held, and was not used since this moment. */
    boolean isIdleShared(long sinceNs) {
        SharedLease lease = shared;
        return lease != null && holder.isIdle() && lease.usedNs() - sinceNs < 0;
    }
}

package org.keelfs.client.lease;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.base.RankedLock;
import org.keelfs.lease.LeaseHolder;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;

/** One inode's lease with its lock, which guards everything in it. */
final class LeaseEntry {
    /**
     * A lease that went to and fro when it was granted is taken for contended for so long: handles
     * opened meanwhile are not cached.
     */
    private static final long CONTENDED_NS = 5_000_000_000L;

    /**
     * How long a recall waits for the grant it names. Longer would not help, and the grant may have
     * been for another call than the one under way, which may itself wait for this recall.
     */
    private static final long GRANT_ON_ITS_WAY_NS = 20_000_000;

    /** Waited for before the lock of a file's state: a grant has it while it tells the file. */
    private final RankedLock lock = new RankedLock("lease", 1);

    final Condition changed = lock.newCondition();
    final LeaseHolder holder;
    boolean acquiring;

    /** No longer in the table: whoever still has it looks again. */
    boolean forgotten;

    /**
     * What is held in SHARED mode; null in any other. Volatile, to be looked for without the lock.
     */
    volatile @Nullable SharedLease shared;

    private volatile long contendedNs;

    /**
     * The kernel may keep something of a file that no open handle tells of: attributes, or pages of
     * handles that were closed. Volatile: set without the lock by who may hold one that comes
     * after.
     */
    volatile boolean inKernel;

    /** What the holder said when the lock was last let go. */
    private volatile LeaseMode usable = LeaseMode.NONE;

    LeaseEntry(long worthlessUpTo) {
        holder = new LeaseHolder(worthlessUpTo);
    }

    void lock() {
        lock.lock();
    }

    /** Whoever looks without the lock sees from here on what was done under it. */
    void unlock() {
        publish();
        lock.unlock();
    }

    private void publish() {
        usable = holder.usable();
    }

    /**
     * Whether cached state may be shown under this; without the lock, which a grant holds while it
     * waits for a file's state.
     */
    boolean covers(LeaseMode needed) {
        return usable.covers(needed);
    }

    /** Whether the kernel may keep what cached state tells; then a recall tells the kernel. */
    boolean letKernelKeep() {
        if (isContended() || !covers(LeaseMode.READ)) {
            return false;
        }
        inKernel = true;
        // A recall looks for the mark when nothing is covered any more.
        return covers(LeaseMode.READ);
    }

    /** Whether somebody waits for a change; with the lock. */
    boolean isAwaited() {
        return lock.hasWaiters(changed);
    }

    /** Takes part in what is held, if it is enough. */
    @Nullable LeaseUse tryUse(LeaseMode needed, boolean kernelIo, boolean shareable) {
        SharedLease lease = shared;
        if (shareable && lease != null && holder.tryUse(LeaseMode.SHARED, false)) {
            return new SharedUse(this, lease);
        }
        if (!holder.tryUse(needed, kernelIo)) {
            return null;
        }
        return kernelIo ? this::endIo : this::endCall;
    }

    /** Takes part for a look, if what is held is enough. */
    @Nullable LeaseUse tryLook(LeaseMode needed) {
        return holder.tryLook(needed) ? this::endIo : null;
    }

    private record SharedUse(LeaseEntry entry, SharedLease lease) implements LeaseUse {
        @Override
        public SharedLease shared() {
            return lease;
        }

        @Override
        public void close() {
            entry.endCall();
        }
    }

    private void endCall() {
        endUse(false);
    }

    private void endIo() {
        endUse(true);
    }

    private void endUse(boolean kernelIo) {
        lock();
        try {
            holder.endUse(kernelIo);
            if (holder.isIdle() || (!kernelIo && holder.isWithoutCalls())) {
                changed.signalAll();
            }
        } finally {
            unlock();
        }
    }

    /**
     * Waits, with the lock, which others have meanwhile.
     *
     * @param mostNs to look again after, though nothing has changed here
     */
    @SuppressWarnings("WaitNotInLoop") // the loop is the caller's
    void awaitChange(long deadlineNs, long mostNs, InodeId inode) {
        publish();
        try {
            long leftNs = deadlineNs - System.nanoTime();
            if (leftNs <= 0) {
                throw new FsException(Errno.EIO, inode + ": no lease within the deadline");
            }
            boolean _ = changed.await(Math.min(leftNs, mostNs), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw new FsException(Errno.EINTR, "interrupted while waiting for a lease");
        }
    }

    /**
     * The grant that a recall names came before it on the wire; its thread may just not have run
     * yet. With the lock.
     */
    void letGrantComeFirst(long generation) {
        publish();
        long leftNs = GRANT_ON_ITS_WAY_NS;
        try {
            while (acquiring && holder.generation() < generation && leftNs > 0) {
                leftNs = changed.awaitNanos(leftNs);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    long ioWhileRecalled() {
        lock();
        try {
            return holder.ioWhileRecalled();
        } finally {
            unlock();
        }
    }

    /**
     * Waits for the calls that use a recalled lease; I/O of the kernel goes on. False when the
     * lease was lost meanwhile.
     */
    boolean closedToCalls() {
        lock();
        try {
            while (!holder.isWithoutCalls()) {
                changed.awaitUninterruptibly();
            }
            return holder.isLeaving();
        } finally {
            unlock();
        }
    }

    /**
     * Waits for the last user. False when the lease was lost meanwhile: there is nothing to return
     * then.
     */
    boolean closedToUsers() {
        lock();
        try {
            if (!holder.isLeaving()) {
                return false;
            }
            holder.beginClosing();
            publish();
            while (!holder.isIdle()) {
                changed.awaitUninterruptibly();
            }
            return holder.isLeaving();
        } finally {
            unlock();
        }
    }

    /** The generation that goes to the server with what was held. */
    long beginReturn() {
        lock();
        try {
            return holder.beginReturn();
        } finally {
            unlock();
        }
    }

    /** Whether the grant is still to come ({@link LeaseHolder#isMade}). */
    boolean isMade() {
        lock();
        try {
            return holder.isMade();
        } finally {
            unlock();
        }
    }

    /** Whether the server is to hear that this grant is not held. */
    boolean isToBeReturned(LeaseGrant grant) {
        lock();
        try {
            return holder.isToBeReturned(grant.getGeneration());
        } finally {
            unlock();
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

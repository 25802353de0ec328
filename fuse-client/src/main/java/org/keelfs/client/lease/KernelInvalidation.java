package org.keelfs.client.lease;

import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Step (2) and (3) of a recall (DESIGN section 4): the kernel forgets what the lease covered. */
final class KernelInvalidation {
    private static final Logger LOG = LoggerFactory.getLogger(KernelInvalidation.class);

    /**
     * For rounds of invalidation for kernel reads that came during the one before. A round takes
     * some 0.1 ms, so that even a reader that never pauses is caught between two reads long before;
     * and it is far from the time after which a mount that gives nothing back is evicted.
     */
    private static final long ROUNDS_NS = 2_000_000_000L;

    private KernelInvalidation() {}

    /**
     * Where the kernel keeps nothing an invalidation would do harm: it makes the kernel drop the
     * size that a GETATTR on its way brings, and lseek(2), appends and reads then go by an old one,
     * or by what its own direct appends have guessed. So files that go to and fro, and those that
     * are SHARED, are not kept ({@link Leases#kernelMayKeepNs}) and not invalidated.
     */
    static void run(
            KernelCache kernel,
            RecallTarget target,
            InodeId inode,
            LeaseEntry entry,
            LeaseMode keep) {
        if (!entry.holder.mayHavePages()) {
            return;
        }
        // In this order: a handle that is closed sets the mark first.
        boolean kept = target.mayFillPages(inode) || entry.inKernel;
        if (keep != LeaseMode.NONE) {
            if (kept) {
                kernel.invalidateAttributes(inode);
            }
            return;
        }
        entry.inKernel = false;
        if (target.mayBeDirectory(inode)) {
            kept = true;
            kernel.invalidateDirectory(inode);
        }
        long served = kept ? -1 : 0;
        long beganNs = System.nanoTime();
        for (long now = entry.ioWhileRecalled(); now != served; now = entry.ioWhileRecalled()) {
            if (System.nanoTime() - beganNs > ROUNDS_NS) {
                // Pages of the last round are dropped by read(2) when it sees the new time of the
                // file (AUTO_INVAL_DATA); who has them mapped may see them for longer.
                LOG.warn("{}: read without a pause while its lease went away", inode);
                return;
            }
            served = now;
            kernel.invalidateData(inode, 0, 0);
        }
    }
}

package org.keelfs.client.lease;

import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;

/** Step (2) and (3) of a recall (DESIGN section 4): the kernel forgets what the lease covered. */
final class KernelInvalidation {
    /**
     * Rounds of invalidation for kernel reads that came during the one before; more mean a busy
     * reader.
     */
    private static final int ROUNDS_MAX = 8;

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
        for (int round = 0; round < ROUNDS_MAX; round++) {
            long before = entry.ioWhileRecalled();
            if (before == served) {
                return;
            }
            served = before;
            kernel.invalidateData(inode, 0, 0);
        }
    }
}

package org.keelfs.client.lease;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;

/** The leases of a mount, by inode. Thread-safe. */
final class LeaseEntries {
    /* Entries of inodes without a lease are forgotten, or the table would grow with every file ever touched. A grant
     * that was on its way while its lease was recalled and forgotten must stay worthless: generations are one sequence
     * for all inodes, so one number says so for all that is forgotten. It may hit a good grant too; then that one goes
     * back and is asked for again. */
    private final AtomicLong forgottenUpTo = new AtomicLong();

    private final ConcurrentHashMap<InodeId, LeaseEntry> entries = new ConcurrentHashMap<>();

    /** The entry of an inode, if there is one. */
    @Nullable LeaseEntry get(InodeId inode) {
        return entries.get(inode);
    }

    /** The entry of an inode; it may be forgotten before it is locked. */
    LeaseEntry of(InodeId inode) {
        return entries.computeIfAbsent(inode, i -> new LeaseEntry(forgottenUpTo.get()));
    }

    /** Takes the entry of an inode out, if there is one. */
    @Nullable LeaseEntry remove(InodeId inode) {
        return entries.remove(inode);
    }

    /** All of them, to be walked while they come and go. */
    Map<InodeId, LeaseEntry> all() {
        return entries;
    }

    /** Without a lease, users and anybody who waits, it goes. With its lock. */
    void maybeForget(InodeId inode, LeaseEntry entry) {
        if (entry.holder.mode() == LeaseMode.NONE
                && entry.holder.isIdle()
                && !entry.acquiring
                && !entry.isAwaited()) {
            forgottenUpTo.accumulateAndGet(entry.holder.lastGeneration(), Math::max);
            entry.forgotten = true;
            boolean _ = entries.remove(inode, entry);
        }
    }
}

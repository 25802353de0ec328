package org.keelfs.lock;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.InodeId;

/**
 * Held and awaited locks of all inodes on the server, with the graph of who waits for whom. Of the
 * lock table, which owns it.
 *
 * <p>EDEADLK is for fcntl(2) locks: flock(2) knows none. A process with several threads counts as
 * waiting when one of them does, as in Linux. OFD locks come as fcntl locks of another owner, so a
 * cycle of them ends with EDEADLK too, where Linux would let it wait for ever.
 */
final class LockWaits {
    /** What the waits lead to. */
    interface Sink {
        void ended(InodeId inode, Wait wait, boolean granted);
    }

    /**
     * One wait.
     *
     * @param number the session's name for it
     */
    record Wait(InodeId inode, long token, long number, LockOwner owner) {}

    private final Map<InodeId, InodeLocks> inodes = new LinkedHashMap<>();
    private final Map<Long, Wait> waits = new LinkedHashMap<>();

    /** Waits of owners of fcntl locks: edges of the graph start here. */
    private final Map<LockOwner, Set<Wait>> byOwner = new LinkedHashMap<>();

    private long lastToken;

    @Nullable InodeLocks find(InodeId inode) {
        return inodes.get(inode);
    }

    InodeLocks locks(InodeId inode) {
        return inodes.computeIfAbsent(inode, _ -> new InodeLocks());
    }

    int waitCount() {
        return waits.size();
    }

    /** Forgets what it knows of the inode: another grants its locks, or there are none. */
    void drop(InodeId inode) {
        InodeLocks locks = inodes.remove(inode);
        Invariant.check(locks == null || !locks.hasWaits(), "dropped an inode that is waited for");
    }

    /** The wait of this number, or null. */
    @Nullable Wait waitOf(InodeId inode, LockOwner owner, long number) {
        InodeLocks locks = inodes.get(inode);
        if (locks != null) {
            for (Map.Entry<Long, RangeLock> entry : locks.waits().entrySet()) {
                Wait wait = byToken(entry.getKey());
                if (wait.number == number && wait.owner.equals(owner)) {
                    return wait;
                }
            }
        }
        return null;
    }

    private Wait byToken(long token) {
        Wait wait = waits.get(token);
        Invariant.check(wait != null, "a wait of nobody");
        return java.util.Objects.requireNonNull(wait);
    }

    /** What is wanted is free: it is held from now on. */
    void grant(InodeId inode, RangeLock lock, Sink out) {
        locks(inode).put(lock);
        refuseNewCycles(inode, lock, out);
        settle(inode, out);
    }

    void unlock(InodeId inode, LockOwner owner, long start, long end, Sink out) {
        locks(inode).remove(owner, start, end);
        settle(inode, out);
    }

    void await(InodeId inode, RangeLock wanted, long number) {
        Wait wait = new Wait(inode, ++lastToken, number, wanted.owner());
        locks(inode).await(wait.token, wanted);
        waits.put(wait.token, wait);
        if (wait.owner.kind() == LockKind.POSIX) {
            byOwner.computeIfAbsent(wait.owner, _ -> new LinkedHashSet<>()).add(wait);
        }
    }

    void leave(Wait wait) {
        boolean _ = locks(wait.inode).leave(wait.token);
        forget(wait);
    }

    private void forget(Wait wait) {
        waits.remove(wait.token);
        Set<Wait> own = byOwner.get(wait.owner);
        if (own != null && own.remove(wait) && own.isEmpty()) {
            byOwner.remove(wait.owner);
        }
    }

    void removeSession(InodeId inode, org.keelfs.model.SessionId session, Sink out) {
        InodeLocks locks = inodes.get(inode);
        if (locks != null) {
            locks.remove(session, token -> forget(byToken(token)));
            settle(inode, out);
        }
    }

    /** What was given up goes to who waits. */
    void settle(InodeId inode, Sink out) {
        InodeLocks locks = locks(inode);
        InodeLocks.Granted granted;
        while ((granted = locks.grantNext()) != null) {
            Wait wait = byToken(granted.token());
            forget(wait);
            out.ended(inode, wait, true);
            refuseNewCycles(inode, granted.lock(), out);
        }
    }

    /** Whether a wait for this lock would close a cycle. */
    boolean wouldDeadlock(InodeId inode, RangeLock wanted) {
        if (wanted.owner().kind() != LockKind.POSIX || byOwner.isEmpty()) {
            return false;
        }
        Set<LockOwner> seen = new LinkedHashSet<>();
        ArrayDeque<LockOwner> open = new ArrayDeque<>();
        locks(inode).forEachBlocker(wanted, open::add);
        while (!open.isEmpty()) {
            LockOwner owner = open.removeFirst();
            if (owner.equals(wanted.owner())) {
                return true;
            }
            if (seen.add(owner)) {
                for (Wait wait : byOwner.getOrDefault(owner, new LinkedHashSet<>())) {
                    InodeLocks locks = locks(wait.inode);
                    RangeLock awaited = locks.waitFor(wait.token);
                    if (awaited != null) {
                        locks.forEachBlocker(awaited, open::add);
                    }
                }
            }
        }
        return false;
    }

    /**
     * Who waits for this lock now may close a cycle that was none before: its owner has another
     * thread, which waits.
     */
    private void refuseNewCycles(InodeId inode, RangeLock got, Sink out) {
        if (!byOwner.containsKey(got.owner())) {
            return;
        }
        InodeLocks locks = locks(inode);
        List<Wait> refused = new ArrayList<>();
        for (Map.Entry<Long, RangeLock> entry : List.copyOf(locks.waits().entrySet())) {
            if (entry.getValue().conflicts(got) && wouldDeadlock(inode, entry.getValue())) {
                Wait wait = byToken(entry.getKey());
                leave(wait);
                refused.add(wait);
            }
        }
        refused.forEach(wait -> out.ended(inode, wait, false));
    }

    void invariants() {
        int count = 0;
        for (Map.Entry<InodeId, InodeLocks> entry : inodes.entrySet()) {
            InodeLocks locks = entry.getValue();
            locks.invariants();
            count += locks.waits().size();
            for (RangeLock wanted : locks.waits().values()) {
                Invariant.check(!wouldDeadlock(entry.getKey(), wanted), "a cycle of waits");
            }
        }
        Invariant.check(count == waits.size(), "%d waits counted as %d", count, waits.size());
    }
}

package org.keelfs.client.lock;

import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.keelfs.lock.InodeLocks;
import org.keelfs.lock.LockOp;
import org.keelfs.lock.LockOwner;
import org.keelfs.lock.RangeLock;
import org.keelfs.model.InodeId;

/**
 * The mount's locks on one inode. {@link #slot} is held over a request to the server, so that there
 * is one at a time; everything else is guarded by {@link #lock}, which is never held while waiting
 * and is taken after it.
 */
final class LockedInode {
    /** A request that is on its way, or was given up by who made it without an answer. */
    static final class Sent {
        final LockOp op;

        final long session;

        /** What the owner held of the range before. */
        final List<RangeLock> before;

        long sequence;

        Sent(LockOp op, long session, List<RangeLock> before) {
            this.op = op;
            this.session = session;
            this.before = before;
        }
    }

    /** Somebody who waits for a lock, or for another session's hand-over. */
    static final class Waiter {
        final long number;
        final LockWant want;
        final Condition changed;

        /** Number of the request that was answered WAITING. */
        long sequence;

        /** Has its lock. */
        boolean granted;

        /** To ask again. */
        boolean again;

        /** Waits for another mount's hand-over. */
        boolean recalling;

        Waiter(long number, LockWant want, Condition changed) {
            this.number = number;
            this.want = want;
            this.changed = changed;
        }

        void wakeToAskAgain() {
            again = true;
            changed.signal();
        }
    }

    final InodeId inode;
    final ReentrantLock slot = new ReentrantLock();
    final ReentrantLock lock = new ReentrantLock();

    /** What this mount holds, here or at the server, and who waits for a delegated lock. */
    InodeLocks own = new InodeLocks();

    /** Whether locks are granted here. */
    boolean delegated;

    /** No longer in the table: whoever still has it looks again. */
    volatile boolean forgotten;

    /** Number of the request that was sent last. */
    long lastSequence;

    long usedNs;

    @Nullable Sent sent;

    /** What has to be asked of the server before anything else: the rest of what was given up. */
    final ArrayDeque<LockOp> debts = new ArrayDeque<>();

    final Map<Long, Waiter> waiters = new LinkedHashMap<>();

    /** Who has locked through which handle: open file descriptions end with theirs. */
    private final Map<Long, Set<LockOwner>> byHandle = new LinkedHashMap<>();

    LockedInode(InodeId inode) {
        this.inode = inode;
    }

    /** Nothing that has to be remembered; the slot and the lock are held. */
    boolean isIdle() {
        return !delegated
                && own.isIdle()
                && waiters.isEmpty()
                && sent == null
                && debts.isEmpty()
                && !slot.hasQueuedThreads();
    }

    /** The lock of a program is granted. */
    void got(LockWant want, RangeLock lock) {
        own.put(lock);
        byHandle.computeIfAbsent(want.handle(), _ -> new LinkedHashSet<>()).add(lock.owner());
    }

    /** Something of the mount's own was given up: those who wait here go on. */
    void settle() {
        InodeLocks.Granted granted;
        while ((granted = own.grantNext()) != null) {
            Waiter waiter = waiters.get(granted.token());
            if (waiter != null) {
                got(waiter.want, granted.lock());
                waiter.granted = true;
                waiter.changed.signal();
            }
        }
    }

    /** Whoever waits here has to wait at the server instead. */
    void stopLocalWaits() {
        for (long token : List.copyOf(own.waits().keySet())) {
            boolean _ = own.leave(token);
            Waiter waiter = waiters.get(token);
            if (waiter != null) {
                waiter.wakeToAskAgain();
            }
        }
    }

    private void forgetOwner(LockOwner owner) {
        byHandle.values().forEach(owners -> owners.remove(owner));
        byHandle.values().removeIf(Set::isEmpty);
    }

    /**
     * The handle is gone: owners that locked through no other handle. An owner that did is an open
     * file description with the same name as this one had, which the kernel gave it before it told
     * of the end of this one; what this one may have left goes with that one.
     */
    List<LockOwner> release(long handle) {
        Set<LockOwner> owners = byHandle.remove(handle);
        return owners == null
                ? List.of()
                : owners.stream()
                        .filter(o -> byHandle.values().stream().noneMatch(set -> set.contains(o)))
                        .toList();
    }

    /** Gives up everything of the owner; the server is still to be told, unless delegated. */
    void giveUp(LockOwner owner) {
        forgetOwner(owner);
        if (own.holdsAny(owner)) {
            own.remove(owner);
            if (!delegated) {
                debts.add(new LockOp.Unlock(owner, 0, RangeLock.END_MAX));
            }
        }
    }

    /** Whether the server is still to be told what the owner has given up. */
    boolean isGivingUp(LockOwner owner) {
        boolean now = sent != null && isUnlock(sent.op, owner);
        return now || debts.stream().anyMatch(op -> isUnlock(op, owner));
    }

    private static boolean isUnlock(LockOp op, LockOwner owner) {
        return op instanceof LockOp.Unlock unlock && unlock.owner().equals(owner);
    }

    /** All locks are lost; the handles through which they were got. */
    List<Long> lose() {
        List<Long> handles =
                byHandle.entrySet().stream()
                        .filter(entry -> entry.getValue().stream().anyMatch(own::holdsAny))
                        .map(Map.Entry::getKey)
                        .toList();
        stopLocalWaits();
        own = new InodeLocks();
        byHandle.clear();
        delegated = false;
        sent = null;
        debts.clear();
        waiters.values().forEach(Waiter::wakeToAskAgain);
        return handles;
    }
}

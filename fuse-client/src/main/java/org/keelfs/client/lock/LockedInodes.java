package org.keelfs.client.lock;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.FsException;
import org.keelfs.client.lock.LockedInode.Waiter;
import org.keelfs.lock.LockAnswer;
import org.keelfs.lock.LockAnswer.Status;
import org.keelfs.lock.LockOp;
import org.keelfs.lock.RangeLock;
import org.keelfs.model.InodeId;
import org.keelfs.wire.proto.MetadataProto.LockNoticeRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The inodes with locks of this mount, and what comes from outside: recalls of delegations, ends of
 * waits, a lost session, a restarted server. Thread-safe.
 */
public final class LockedInodes {
    private static final Logger LOG = LoggerFactory.getLogger(LockedInodes.class);

    /** Inodes whose locks stay delegated though nobody holds one; 1 KiB each. */
    private static final int IDLE_MAX = 8_192;

    /** Reclaims on their way at a time: enough to hide round trips, few beside other calls. */
    private static final int RECLAIMS_MAX = 256;

    private final LockCalls calls;
    private final Executor blocking;
    private final int host;
    private final ConcurrentHashMap<InodeId, LockedInode> inodes = new ConcurrentHashMap<>();
    private final AtomicBoolean trimming = new AtomicBoolean();

    /** Handles whose locks were lost with a session: their programs believe to hold them. */
    private final Set<Long> lostHandles = ConcurrentHashMap.newKeySet();

    LockedInodes(LockCalls calls, Executor blocking, int host) {
        this.calls = calls;
        this.blocking = blocking;
        this.host = host;
    }

    boolean isLost(long handle) {
        return !lostHandles.isEmpty() && lostHandles.contains(handle);
    }

    void onReleased(long handle) {
        if (!lostHandles.isEmpty()) {
            lostHandles.remove(handle);
        }
    }

    // ---- what the server says ----

    /** Called on a thread that may wait. */
    public void onNotice(LockNoticeRequest notice) {
        var id = new InodeId(notice.getInode());
        if (notice.getHandOver()) {
            onRecall(id);
            return;
        }
        LockedInode s = find(id);
        if (s == null) {
            return;
        }
        s.lock.lock();
        try {
            Waiter waiter = s.waiters.get(notice.getWaiter());
            if (waiter != null) {
                // What was asked since may have changed what the lock was granted beside: then its
                // own question tells. So it does after the session was lost, and the lock with it.
                boolean now =
                        notice.getGranted()
                                && waiter.sequence == s.lastSequence
                                && s.sent == null
                                && calls.isCurrent(notice.getSession());
                if (now) {
                    s.got(waiter.want, waiter.want.lock(notice.getSession(), host));
                    waiter.granted = true;
                }
                waiter.wakeToAskAgain();
            } else if (notice.getWaiter() == 0) {
                s.waiters.values().stream()
                        .filter(w -> w.recalling)
                        .forEach(Waiter::wakeToAskAgain);
            }
        } finally {
            s.lock.unlock();
        }
    }

    private void onRecall(InodeId id) {
        while (true) {
            LockedInode s = findOrMake(id);
            s.slot.lock();
            try {
                if (!s.forgotten) {
                    handOver(s, true);
                    return;
                }
            } catch (FsException e) {
                LOG.info("{}: locks wait to be handed over: {}", id, e.getMessage());
                return;
            } finally {
                maybeForget(s);
                s.slot.unlock();
            }
        }
    }

    /**
     * Ends a delegation. The slot is held.
     *
     * @param always tells the server also where there is none
     */
    void handOver(LockedInode s, boolean always) {
        List<RangeLock> locks;
        s.lock.lock();
        try {
            if (!s.delegated && !always) {
                return;
            }
            s.delegated = false;
            s.stopLocalWaits();
            locks = s.own.held();
        } finally {
            s.lock.unlock();
        }
        var _ = calls.request(s, new LockOp.HandOver(locks));
    }

    /** The session is gone, and all locks with it; before there is a new one. */
    public void onSessionLost() {
        calls.onSessionLost();
        for (LockedInode s : inodes.values()) {
            lose(s);
        }
    }

    private void lose(LockedInode s) {
        s.lock.lock();
        try {
            List<Long> handles = s.lose();
            if (!handles.isEmpty()) {
                LOG.error("{}: file locks are lost; their handles get EIO from now on", s.inode);
                lostHandles.addAll(handles);
            }
        } finally {
            s.lock.unlock();
        }
    }

    /** The server has restarted: tells it what is held, within its grace period. Waits. */
    public void reclaimAll() {
        List<CompletableFuture<Void>> asked = new ArrayList<>();
        for (LockedInode s : List.copyOf(inodes.values())) {
            LockOp.Reclaim op = reclaim(s);
            if (op != null) {
                asked.add(CompletableFuture.runAsync(() -> reclaim(s, op), blocking));
            }
            if (asked.size() == RECLAIMS_MAX) {
                asked.forEach(CompletableFuture::join);
                asked.clear();
            }
        }
        asked.forEach(CompletableFuture::join);
        for (LockedInode s : inodes.values()) {
            s.lock.lock();
            try {
                s.waiters.values().forEach(Waiter::wakeToAskAgain);
            } finally {
                s.lock.unlock();
            }
        }
    }

    private void reclaim(LockedInode s, LockOp.Reclaim op) {
        LockAnswer answer = null;
        try {
            answer = calls.reclaim(s, op);
        } catch (FsException e) {
            LOG.warn("{}: {}", s.inode, e.getMessage());
        }
        if (answer == null || answer.status() != Status.DONE) {
            lose(s);
        }
    }

    private static LockOp.@Nullable Reclaim reclaim(LockedInode s) {
        s.lock.lock();
        try {
            if (s.own.isIdle()) {
                s.delegated = false; // Nothing that would be worth the others' waiting.
                return null;
            }
            return s.delegated
                    ? new LockOp.Reclaim(List.of(), true)
                    : new LockOp.Reclaim(s.own.held(), false);
        } finally {
            s.lock.unlock();
        }
    }

    // ---- the table ----

    @Nullable LockedInode find(InodeId id) {
        return inodes.get(id);
    }

    LockedInode findOrMake(InodeId id) {
        LockedInode s = inodes.get(id);
        if (s != null) {
            return s;
        }
        if (inodes.size() > IDLE_MAX && trimming.compareAndSet(false, true)) {
            blocking.execute(this::trim);
        }
        return inodes.computeIfAbsent(id, LockedInode::new);
    }

    /** The slot is held. */
    void maybeForget(LockedInode s) {
        s.lock.lock();
        try {
            if (s.isIdle()) {
                s.forgotten = true;
                inodes.remove(s.inode, s);
            }
        } finally {
            s.lock.unlock();
        }
    }

    /** Hands back a quarter of the delegations, those that were not used for the longest time. */
    private void trim() {
        try {
            List<LockedInode> idle = new ArrayList<>();
            for (LockedInode s : inodes.values()) {
                if (s.delegated && s.own.isIdle()) {
                    idle.add(s);
                }
            }
            idle.sort(Comparator.comparingLong(s -> s.usedNs));
            for (LockedInode s : idle.subList(0, idle.size() / 4)) {
                if (s.slot.tryLock()) {
                    try {
                        if (!s.forgotten) {
                            handOver(s, false);
                        }
                    } finally {
                        maybeForget(s);
                        s.slot.unlock();
                    }
                }
            }
        } catch (FsException e) {
            LOG.debug("Delegated locks could not be handed back: {}", e.getMessage());
        } finally {
            trimming.set(false);
        }
    }
}

package org.keelfs.client.lease;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.lease.LeaseHolder;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.wire.proto.MetadataProto;
import org.keelfs.wire.proto.MetadataProto.AcquireLeaseReply;
import org.keelfs.wire.proto.MetadataProto.AcquireLeaseRequest;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseReply;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mount's leases: gets them, lets operations use them, gives them back when the server recalls
 * them. Thread-safe; one lock an inode, never held while waiting for anything but itself.
 *
 * <p>Recalls run on threads of their own and wait only for users of the lease, which never wait for
 * another lease: so no cycle can form. What a recall has to flush is the {@link RecallTarget}'s.
 */
public final class Leases {
    private static final Logger LOG = LoggerFactory.getLogger(Leases.class);

    /**
     * Rounds of invalidation for kernel reads that came during the one before; more mean a busy
     * reader.
     */
    private static final int INVALIDATIONS_MAX = 8;

    /** Reclaims on their way at a time: enough to hide round trips, few beside other calls. */
    private static final int RECLAIMS_MAX = 256;

    /**
     * How long a recall waits for the grant it names. Longer would not help, and the grant may have
     * been for another call than the one under way, which may itself wait for this recall.
     */
    private static final long GRANT_ON_ITS_WAY_NS = 20_000_000;

    /** One inode's lease with its lock. */
    private static final class Entry {
        final ReentrantLock lock = new ReentrantLock();
        final Condition changed = lock.newCondition();
        final LeaseHolder holder;
        boolean acquiring;

        /** No longer in the table: whoever still has it looks again. */
        boolean forgotten;

        Entry(long worthlessUpTo) {
            holder = new LeaseHolder(worthlessUpTo);
        }
    }

    private final ConcurrentHashMap<InodeId, Entry> entries = new ConcurrentHashMap<>();
    private final MetadataSession session;
    private final long operationTimeoutMs;

    /* Entries of inodes without a lease are forgotten, or the table would grow with every file ever touched. A grant
     * that was on its way while its lease was recalled and forgotten must stay worthless: generations are one sequence
     * for all inodes, so one number says so for all that is forgotten. It may hit a good grant too; then that one goes
     * back and is asked for again. */
    private final AtomicLong forgottenUpTo = new AtomicLong();

    /* Grants of a session that is gone may still be on their way through the threads of this process. Generations are
     * one sequence for all sessions, so one number tells them from those of the session after it. */
    private volatile long sessionFloor;

    private volatile KernelCache kernel = KernelCache.NONE;
    private @Nullable RecallTarget target;
    private @Nullable BiConsumer<InodeId, AcquireLeaseReply> onAcquired;

    public Leases(MetadataSession session, long operationTimeoutMs) {
        this.session = session;
        this.operationTimeoutMs = operationTimeoutMs;
    }

    /**
     * Tells who is served; before the first use.
     *
     * @param acquired gets every grant with what came with it, under the lock of the lease, before
     *     any user
     */
    public void attach(
            KernelCache kernelCache,
            RecallTarget recallTarget,
            BiConsumer<InodeId, AcquireLeaseReply> acquired) {
        kernel = kernelCache;
        target = recallTarget;
        onAcquired = acquired;
    }

    private RecallTarget target() {
        RecallTarget t = target;
        if (t == null) {
            throw new IllegalStateException("leases are used before they are attached");
        }
        return t;
    }

    private boolean isInTime() {
        return session.leasesValidUntilNs() - System.nanoTime() > 0;
    }

    /** Nanoseconds for which the kernel may rely on leases held now. */
    public long remainingNs() {
        return Math.max(0, session.leasesValidUntilNs() - System.nanoTime());
    }

    /** Whether cached state of this inode may be shown now. */
    public boolean covers(InodeId inode, LeaseMode needed) {
        Entry entry = entries.get(inode);
        if (entry == null || !isInTime()) {
            return false;
        }
        entry.lock.lock();
        try {
            return entry.holder.covers(needed);
        } finally {
            entry.lock.unlock();
        }
    }

    /**
     * Whether the lease is still this mount's, also while it is being flushed and returned. Never
     * waits: who asks may hold a lock that a grant, with the lock of the lease held, waits for.
     */
    public boolean holds(InodeId inode, LeaseMode needed) {
        Entry entry = entries.get(inode);
        return entry != null && entry.holder.mode().covers(needed);
    }

    /** Takes part in a lease that is held; null when it has to be got first. Never waits. */
    public @Nullable LeaseUse tryUse(InodeId inode, LeaseMode needed, boolean kernelRead) {
        Entry entry = entries.get(inode);
        if (entry == null || !isInTime()) {
            return null;
        }
        entry.lock.lock();
        try {
            return entry.holder.tryUse(needed, kernelRead) ? () -> endUse(entry) : null;
        } finally {
            entry.lock.unlock();
        }
    }

    private static void endUse(Entry entry) {
        entry.lock.lock();
        try {
            entry.holder.endUse();
            if (entry.holder.isIdle()) {
                entry.changed.signalAll();
            }
        } finally {
            entry.lock.unlock();
        }
    }

    /**
     * Takes part in a lease, getting it from the server where needed; waits. ESTALE: the inode is
     * gone.
     */
    public LeaseUse use(InodeId inode, LeaseMode needed, boolean kernelRead) {
        long deadlineNs = System.nanoTime() + operationTimeoutMs * 1_000_000;
        while (true) {
            Entry entry = entry(inode);
            entry.lock.lock();
            try {
                if (entry.forgotten) {
                    continue;
                }
                if (isInTime() && entry.holder.tryUse(needed, kernelRead)) {
                    return () -> endUse(entry);
                }
                if (entry.acquiring || entry.holder.isLeaving()) {
                    awaitChange(entry, deadlineNs, inode);
                    continue;
                }
                entry.acquiring = true;
            } finally {
                entry.lock.unlock();
            }
            LeaseUse use = acquire(inode, entry, needed, deadlineNs);
            if (use != null) {
                return use;
            }
        }
    }

    private Entry entry(InodeId inode) {
        return entries.computeIfAbsent(inode, i -> new Entry(forgottenUpTo.get()));
    }

    /** The lock is held. */
    private void maybeForget(InodeId inode, Entry entry) {
        if (entry.holder.mode() == LeaseMode.NONE
                && entry.holder.isIdle()
                && !entry.acquiring
                && !entry.lock.hasWaiters(entry.changed)) {
            forgottenUpTo.accumulateAndGet(entry.holder.lastGeneration(), Math::max);
            entry.forgotten = true;
            boolean _ = entries.remove(inode, entry);
        }
    }

    @SuppressWarnings("WaitNotInLoop") // the loop is the caller's
    private static void awaitChange(Entry entry, long deadlineNs, InodeId inode) {
        try {
            long leftNs = deadlineNs - System.nanoTime();
            if (leftNs <= 0) {
                throw new FsException(Errno.EIO, inode + ": no lease within the deadline");
            }
            boolean _ = entry.changed.await(leftNs, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw new FsException(Errno.EINTR, "interrupted while waiting for a lease");
        }
    }

    /**
     * Asks the server. Who asked uses the grant once, also when it is recalled in the same moment:
     * without that two mounts could pass a lease to and fro for ever (docs/decisions/0003). Null:
     * try again.
     */
    private @Nullable LeaseUse acquire(
            InodeId inode, Entry entry, LeaseMode needed, long deadlineNs) {
        try {
            if (System.nanoTime() > deadlineNs) {
                throw new FsException(Errno.EIO, inode + ": no lease within the deadline");
            }
            AcquireLeaseReply reply =
                    session.call(
                            RpcMethod.ACQUIRE_LEASE,
                            id ->
                                    AcquireLeaseRequest.newBuilder()
                                            .setSession(id)
                                            .setInode(inode.value())
                                            .setMode(WireModes.toWire(needed))
                                            .build(),
                            AcquireLeaseReply.parser());
            if (reply.getErrno() != 0) {
                throw new FsException(Errno.of(reply.getErrno()), inode + ": no lease");
            }
            if (granted(inode, entry, reply, needed)) {
                return () -> endUse(entry);
            }
            if (isToBeReturned(entry, reply.getLease())) {
                sendReturn(inode, reply.getLease().getGeneration(), LeaseMode.NONE);
            }
            return null;
        } finally {
            entry.lock.lock();
            try {
                entry.acquiring = false;
                entry.changed.signalAll();
            } finally {
                entry.lock.unlock();
            }
        }
    }

    private static boolean isToBeReturned(Entry entry, LeaseGrant grant) {
        entry.lock.lock();
        try {
            return entry.holder.isToBeReturned(grant.getGeneration());
        } finally {
            entry.lock.unlock();
        }
    }

    /** Takes a grant, and part in it. */
    private boolean granted(InodeId inode, Entry entry, AcquireLeaseReply reply, LeaseMode needed) {
        LeaseGrant grant = reply.getLease();
        entry.lock.lock();
        try {
            if (grant.getGeneration() <= sessionFloor
                    || !entry.holder.onGrant(
                            WireModes.fromWire(grant.getMode()), grant.getGeneration())) {
                return false;
            }
            BiConsumer<InodeId, AcquireLeaseReply> acquired = onAcquired;
            if (acquired != null) {
                acquired.accept(inode, reply);
            }
            return entry.holder.tryUse(needed, false);
        } finally {
            entry.lock.unlock();
        }
    }

    /**
     * A grant that came with another answer. {@code learn} runs, under the lease's lock, only when
     * what came with it may be cached.
     */
    public void onGrant(LeaseGrant grant, Runnable learn) {
        LeaseMode mode = WireModes.fromWire(grant.getMode());
        if (mode == LeaseMode.NONE) {
            return;
        }
        InodeId inode = new InodeId(grant.getInode());
        while (true) {
            Entry entry = entry(inode);
            entry.lock.lock();
            try {
                if (entry.forgotten) {
                    continue;
                }
                if (grant.getGeneration() > sessionFloor
                        && entry.holder.onGrant(mode, grant.getGeneration())) {
                    learn.run();
                    entry.changed.signalAll();
                }
                return;
            } finally {
                entry.lock.unlock();
            }
        }
    }

    /** The server wants a lease back. */
    public void onRecall(MetadataProto.Recall recall) {
        InodeId inode = new InodeId(recall.getInode());
        LeaseMode keep = WireModes.fromWire(recall.getKeep());
        Entry entry = entry(inode);
        LeaseHolder.RecallStep step;
        entry.lock.lock();
        try {
            letGrantComeFirst(entry, recall.getGeneration());
            step = entry.holder.onRecall(recall.getGeneration(), keep);
        } finally {
            entry.lock.unlock();
        }
        switch (step) {
            case GIVE_BACK -> giveBack(inode, entry);
            case NOT_HELD -> sendReturn(inode, recall.getGeneration(), LeaseMode.NONE);
            case NOTHING -> {}
        }
    }

    /**
     * The grant that a recall names came before it on the wire; its thread may just not have run
     * yet.
     */
    private static void letGrantComeFirst(Entry entry, long generation) {
        long leftNs = GRANT_ON_ITS_WAY_NS;
        try {
            while (entry.acquiring && entry.holder.generation() < generation && leftNs > 0) {
                leftNs = entry.changed.awaitNanos(leftNs);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void sendReturn(InodeId inode, long generation, LeaseMode keep) {
        var _ =
                session.call(
                        RpcMethod.RETURN_LEASE,
                        id ->
                                ReturnLeaseRequest.newBuilder()
                                        .setSession(id)
                                        .setInode(inode.value())
                                        .setGeneration(generation)
                                        .setKeep(WireModes.toWire(keep))
                                        .build(),
                        ReturnLeaseReply.parser());
    }

    /** Steps (2) to (4) of a recall (DESIGN section 4). */
    private void giveBack(InodeId inode, Entry entry) {
        LeaseMode held = entry.holder.mode();
        LeaseMode keep = target().keepable(inode, entry.holder.keep());
        long sessionId = session.id();
        try {
            invalidateKernel(inode, entry, held, keep);
            if (!closedToUsers(entry)) {
                return;
            }
            var request =
                    ReturnLeaseRequest.newBuilder()
                            .setInode(inode.value())
                            .setGeneration(entry.holder.generation())
                            .setKeep(WireModes.toWire(keep));
            target().beforeReturn(inode, held, keep, request);
            ReturnLeaseReply reply =
                    session.call(
                            RpcMethod.RETURN_LEASE,
                            id -> request.setSession(id).build(),
                            ReturnLeaseReply.parser());
            finish(inode, entry, sessionId, reply.getLease());
        } catch (FsException e) {
            LOG.warn("{}: the lease could not be returned: {}", inode, e.getMessage());
            finish(inode, entry, sessionId, LeaseGrant.getDefaultInstance());
        }
    }

    private void finish(InodeId inode, Entry entry, long sessionId, LeaseGrant left) {
        entry.lock.lock();
        try {
            // After the session was lost another grant may be in use already: nothing of it is to
            // be touched.
            if (session.id() == sessionId && entry.holder.isLeaving()) {
                entry.holder.onReturned(WireModes.fromWire(left.getMode()), left.getGeneration());
                target().afterReturn(inode, entry.holder.mode());
            }
            entry.changed.signalAll();
            maybeForget(inode, entry);
        } finally {
            entry.lock.unlock();
        }
    }

    private void invalidateKernel(InodeId inode, Entry entry, LeaseMode held, LeaseMode keep) {
        if (!target().needsKernelInvalidation(inode, held, keep)) {
            kernel.invalidateAttributes(inode);
            return;
        }
        if (target().mayBeDirectory(inode)) {
            kernel.invalidateDirectory(inode);
        }
        long served = -1;
        for (int round = 0; round < INVALIDATIONS_MAX; round++) {
            long before = ioWhileRecalled(entry);
            if (before == served) {
                return;
            }
            served = before;
            kernel.invalidateData(inode, 0, 0);
        }
    }

    private static long ioWhileRecalled(Entry entry) {
        entry.lock.lock();
        try {
            return entry.holder.ioWhileRecalled();
        } finally {
            entry.lock.unlock();
        }
    }

    /**
     * Waits for the last user. False when the lease was lost meanwhile: there is nothing to return
     * then.
     */
    private static boolean closedToUsers(Entry entry) {
        entry.lock.lock();
        try {
            if (!entry.holder.isLeaving()) {
                return false;
            }
            entry.holder.beginClosing();
            while (!entry.holder.isIdle()) {
                entry.changed.awaitUninterruptibly();
            }
            return entry.holder.isLeaving();
        } finally {
            entry.lock.unlock();
        }
    }

    /** Gives back everything of these inodes, at unmount; waits. */
    public void giveBackAll() {
        for (var e : entries.entrySet()) {
            boolean leaves;
            e.getValue().lock.lock();
            try {
                leaves =
                        e.getValue().holder.mode() == LeaseMode.WRITE
                                && e.getValue().holder.giveBack();
            } finally {
                e.getValue().lock.unlock();
            }
            if (leaves) {
                giveBack(e.getKey(), e.getValue());
            }
        }
    }

    /** The session is gone: every lease is. Returns the inodes that were held. */
    public List<InodeId> onSessionLost() {
        sessionFloor = Long.MAX_VALUE;
        List<InodeId> lost = new ArrayList<>();
        for (var e : entries.entrySet()) {
            Entry entry = e.getValue();
            entry.lock.lock();
            try {
                if (entry.holder.mode() != LeaseMode.NONE) {
                    lost.add(e.getKey());
                }
                entry.holder.onLost();
                entry.changed.signalAll();
            } finally {
                entry.lock.unlock();
            }
        }
        return lost;
    }

    /** A new session begins: grants up to this generation are not its own. */
    public void onSessionOpened(long leaseFloor) {
        sessionFloor = leaseFloor;
    }

    /** The inode does not exist any more, and its number is never used again. */
    public void drop(InodeId inode) {
        Entry entry = entries.remove(inode);
        if (entry == null) {
            return;
        }
        entry.lock.lock();
        try {
            entry.holder.onLost();
            entry.changed.signalAll();
        } finally {
            entry.lock.unlock();
        }
    }

    /**
     * After a restart of the server: gets back what is held, within its grace period. All others of
     * the cluster wait for it, so many calls are on their way at a time.
     */
    public void reclaimAll() {
        List<CompletableFuture<Void>> asked = new ArrayList<>();
        for (var e : entries.entrySet()) {
            LeaseMode held = e.getValue().holder.mode();
            if (held != LeaseMode.NONE) {
                asked.add(reclaim(e.getKey(), e.getValue(), held));
            }
            if (asked.size() == RECLAIMS_MAX) {
                asked.forEach(CompletableFuture::join);
                asked.clear();
            }
        }
        asked.forEach(CompletableFuture::join);
    }

    private CompletableFuture<Void> reclaim(InodeId inode, Entry entry, LeaseMode held) {
        return session.callAsync(
                        RpcMethod.ACQUIRE_LEASE,
                        id ->
                                AcquireLeaseRequest.newBuilder()
                                        .setSession(id)
                                        .setInode(inode.value())
                                        .setMode(WireModes.toWire(held))
                                        .setReclaim(true)
                                        .build(),
                        AcquireLeaseReply.parser())
                .handle(
                        (reply, failure) -> {
                            onReclaimed(inode, entry, held, failure == null ? reply : null);
                            return null;
                        });
    }

    private void onReclaimed(
            InodeId inode, Entry entry, LeaseMode held, @Nullable AcquireLeaseReply reply) {
        entry.lock.lock();
        try {
            entry.holder.onLost();
            boolean granted =
                    reply != null
                            && reply.getErrno() == 0
                            && WireModes.fromWire(reply.getLease().getMode()).covers(held);
            if (granted && reply != null) {
                boolean _ = entry.holder.onGrant(held, reply.getLease().getGeneration());
            } else {
                LOG.warn("{}: {} could not be reclaimed from the restarted server", inode, held);
                target().afterReturn(inode, LeaseMode.NONE);
            }
            entry.changed.signalAll();
        } finally {
            entry.lock.unlock();
        }
    }
}

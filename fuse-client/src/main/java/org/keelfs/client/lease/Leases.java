package org.keelfs.client.lease;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.wire.proto.MetadataProto;
import org.keelfs.wire.proto.MetadataProto.AcquireLeaseReply;
import org.keelfs.wire.proto.MetadataProto.AcquireLeaseRequest;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;
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
     * A lease that ran out of time is good again when the session is renewed, of which its entry
     * does not hear; and the recall of a lease may wait for a page of who waits here.
     */
    private static final long LOOK_AGAIN_NS = 20_000_000;

    private final LeaseEntries entries = new LeaseEntries();
    private final MetadataSession session;
    private final long operationTimeoutMs;

    /* Grants of a session that is gone may still be on their way through the threads of this process. Generations are
     * one sequence for all sessions, so one number tells them from those of the session after it. */
    private volatile long sessionFloor;

    private @Nullable LeaseReturns returns;
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
        returns = new LeaseReturns(session, entries, kernelCache, recallTarget);
        onAcquired = acquired;
    }

    private RecallTarget target() {
        return returns().target();
    }

    private LeaseReturns returns() {
        LeaseReturns r = returns;
        if (r == null) {
            throw new IllegalStateException("leases are used before they are attached");
        }
        return r;
    }

    private boolean isInTime() {
        return session.leasesValidUntilNs() - System.nanoTime() > 0;
    }

    /** Nanoseconds for which the kernel may rely on leases held now. */
    public long remainingNs() {
        return Math.max(0, session.leasesValidUntilNs() - System.nanoTime());
    }

    /** Whether cached state of this inode may be shown now. Takes no lock. */
    public boolean covers(InodeId inode, LeaseMode needed) {
        LeaseEntry entry = entries.get(inode);
        return entry != null && isInTime() && entry.covers(needed);
    }

    /**
     * Nanoseconds for which the kernel may keep a file's attributes: 0 when no lease covers them,
     * or when other mounts use the file too.
     */
    public long kernelMayKeepNs(InodeId inode) {
        LeaseEntry entry = entries.get(inode);
        boolean may = entry != null && isInTime() && entry.letKernelKeep();
        return may ? remainingNs() : 0;
    }

    /** The kernel may keep pages of the file when a handle is closed. Never waits. */
    public void onCachedHandleClosing(InodeId inode) {
        LeaseEntry entry = entries.get(inode);
        if (entry != null) {
            entry.inKernel = true;
        }
    }

    /**
     * Whether the lease is still this mount's, also while it is being flushed and returned. Never
     * waits: who asks may hold a lock that a grant, with the lock of the lease held, waits for.
     */
    public boolean holds(InodeId inode, LeaseMode needed) {
        LeaseEntry entry = entries.get(inode);
        return entry != null && entry.holder.mode().covers(needed);
    }

    /** Takes part in a lease that is held; null when it has to be got first. Never waits. */
    public @Nullable LeaseUse tryUse(InodeId inode, LeaseMode needed, boolean kernelRead) {
        return tryUse(inode, needed, kernelRead, false);
    }

    /** The same; with {@code shareable} SHARED will do as well. */
    public @Nullable LeaseUse tryUse(
            InodeId inode, LeaseMode needed, boolean kernelRead, boolean shareable) {
        LeaseEntry entry = entries.get(inode);
        if (entry == null || !isInTime()) {
            return null;
        }
        entry.lock();
        try {
            return entry.tryUse(needed, kernelRead, shareable);
        } finally {
            entry.unlock();
        }
    }

    /**
     * Takes part in a lease for a look at what it covers, of which nothing is kept: also while it
     * is recalled, until the kernel has been told. Null when it has to be got first. Never waits.
     */
    public @Nullable LeaseUse tryLook(InodeId inode, LeaseMode needed) {
        LeaseEntry entry = entries.get(inode);
        if (entry == null || !isInTime()) {
            return null;
        }
        entry.lock();
        try {
            return entry.tryLook(needed);
        } finally {
            entry.unlock();
        }
    }

    /**
     * Whether handles of the inode that are opened now should not be cached. Never waits, as {@link
     * #holds}.
     */
    public boolean isContended(InodeId inode) {
        LeaseEntry entry = entries.get(inode);
        return entry != null && entry.isContended();
    }

    /**
     * Takes part in a lease, getting it from the server where needed; waits. ESTALE: the inode is
     * gone.
     */
    public LeaseUse use(InodeId inode, LeaseMode needed, boolean kernelRead) {
        return use(inode, needed, kernelRead, false);
    }

    /**
     * The same.
     *
     * @param shareable the kernel caches no handle of the inode, and the caller can do with SHARED
     */
    public LeaseUse use(InodeId inode, LeaseMode needed, boolean kernelRead, boolean shareable) {
        long deadlineNs = System.nanoTime() + operationTimeoutMs * 1_000_000;
        while (true) {
            LeaseEntry entry = entries.of(inode);
            entry.lock();
            try {
                if (entry.forgotten) {
                    continue;
                }
                boolean inTime = isInTime();
                LeaseUse held = inTime ? entry.tryUse(needed, kernelRead, shareable) : null;
                if (held != null) {
                    return held;
                }
                if (entry.acquiring || entry.holder.isLeaving()) {
                    entry.awaitChange(deadlineNs, inTime ? Long.MAX_VALUE : LOOK_AGAIN_NS, inode);
                    continue;
                }
                entry.acquiring = true;
            } finally {
                entry.unlock();
            }
            LeaseUse use = acquire(inode, entry, needed, shareable, deadlineNs);
            if (use != null) {
                return use;
            }
        }
    }

    /**
     * Asks the server. Who asked uses the grant once, also when it is recalled in the same moment:
     * without that two mounts could pass a lease to and fro for ever (docs/decisions/0003). Null:
     * try again.
     */
    private @Nullable LeaseUse acquire(
            InodeId inode, LeaseEntry entry, LeaseMode needed, boolean shareable, long deadlineNs) {
        try {
            if (System.nanoTime() > deadlineNs) {
                throw new FsException(Errno.EIO, inode + ": no lease within the deadline");
            }
            if (entry.isMade()) {
                // It ran out of time here, and the server does not know the inode.
                target().awaitMade(inode);
            }
            AcquireLeaseReply reply =
                    session.call(
                            RpcMethod.ACQUIRE_LEASE,
                            id ->
                                    AcquireLeaseRequest.newBuilder()
                                            .setSession(id)
                                            .setInode(inode.value())
                                            .setMode(WireModes.toWire(needed))
                                            .setShareable(shareable)
                                            .build(),
                            AcquireLeaseReply.parser());
            if (reply.getErrno() != 0) {
                throw new FsException(Errno.of(reply.getErrno()), inode + ": no lease");
            }
            LeaseUse use = granted(inode, entry, reply, needed, shareable);
            if (use != null) {
                return use;
            }
            if (entry.isToBeReturned(reply.getLease())) {
                returns().send(inode, reply.getLease().getGeneration());
            }
            return null;
        } finally {
            entry.lock();
            try {
                entry.acquiring = false;
                entry.changed.signalAll();
            } finally {
                entry.unlock();
            }
        }
    }

    /** Takes a grant, and part in it. */
    private @Nullable LeaseUse granted(
            InodeId inode,
            LeaseEntry entry,
            AcquireLeaseReply reply,
            LeaseMode needed,
            boolean shareable) {
        LeaseGrant grant = reply.getLease();
        LeaseMode mode = WireModes.fromWire(grant.getMode());
        entry.lock();
        try {
            if (grant.getGeneration() <= sessionFloor
                    || !entry.holder.onGrant(mode, grant.getGeneration())) {
                return null;
            }
            entry.onTaken(grant, mode);
            BiConsumer<InodeId, AcquireLeaseReply> acquired = onAcquired;
            if (acquired != null) {
                acquired.accept(inode, reply);
            }
            return entry.tryUse(needed, false, shareable);
        } finally {
            entry.unlock();
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
            LeaseEntry entry = entries.of(inode);
            entry.lock();
            try {
                if (entry.forgotten) {
                    continue;
                }
                if (grant.getGeneration() > sessionFloor
                        && entry.holder.onGrant(mode, grant.getGeneration())) {
                    entry.noteContended(grant);
                    learn.run();
                    entry.changed.signalAll();
                }
                return;
            } finally {
                entry.unlock();
            }
        }
    }

    /** This mount makes an inode ahead of the server: WRITE is held from now on. Never waits. */
    public void onMade(InodeId inode) {
        LeaseEntry entry = entries.of(inode);
        entry.lock();
        try {
            entry.holder.onMade();
        } finally {
            entry.unlock();
        }
    }

    /**
     * The server has made it too; nothing if it is removed here already, or the session is lost.
     * False when it gave no lease: then {@link #onGrantMissing} is to follow, on a thread that may
     * wait.
     */
    public boolean onMadeGranted(InodeId inode, LeaseGrant grant) {
        LeaseEntry entry = entries.get(inode);
        if (entry == null) {
            return true;
        }
        entry.lock();
        try {
            if (!entry.holder.isMade()) {
                return true;
            }
            entry.holder.onMadeGranted(WireModes.fromWire(grant.getMode()), grant.getGeneration());
            entry.changed.signalAll();
            return entry.holder.mode() != LeaseMode.NONE;
        } finally {
            entry.unlock();
        }
    }

    /** What this mount has of a new inode is void. */
    public void onGrantMissing(InodeId inode) {
        LOG.error("{}: the server gave no lease on a new inode", inode);
        target().afterReturn(inode, LeaseMode.NONE);
    }

    /** The server wants a lease back; waits. */
    public void onRecall(MetadataProto.Recall recall) {
        returns().onRecall(recall);
    }

    /** Gives back what is written under, at unmount; waits. */
    public void giveBackAll() {
        returns().giveBackAll();
    }

    /**
     * Gives back SHARED leases that were not used for a while, so that who is left gets an ordinary
     * one; waits.
     */
    public void giveBackIdleShared() {
        returns().giveBackIdleShared();
    }

    /** Gives back SHARED on this inode: something written may or may not be there; waits. */
    public void giveBackShared(InodeId inode) {
        returns().giveBackShared(inode);
    }

    /** The session is gone: every lease is. Returns the inodes that were held. */
    public List<InodeId> onSessionLost() {
        sessionFloor = Long.MAX_VALUE;
        List<InodeId> lost = new ArrayList<>();
        for (var e : entries.all().entrySet()) {
            LeaseEntry entry = e.getValue();
            entry.lock();
            try {
                if (entry.holder.mode() != LeaseMode.NONE) {
                    lost.add(e.getKey());
                }
                entry.holder.onLost();
                entry.shared = null;
                entry.changed.signalAll();
            } finally {
                entry.unlock();
            }
        }
        return lost;
    }

    /** A new session begins: grants up to this generation are not its own. */
    public void onSessionOpened(long leaseFloor) {
        sessionFloor = leaseFloor;
    }

    /** The inode does not exist any more, and its number is never used again. Never waits. */
    public void drop(InodeId inode) {
        LeaseEntry entry = entries.remove(inode);
        if (entry == null) {
            return;
        }
        long denied;
        entry.lock();
        try {
            denied = entry.holder.onGone();
            entry.changed.signalAll();
        } finally {
            entry.unlock();
        }
        if (denied != 0) {
            session.execute(() -> returns().deny(inode, denied));
        }
    }

    /**
     * After a restart of the server: gets back what is held, within its grace period. Then {@link
     * LeaseUse}s that began before go on.
     */
    public void reclaimAll() {
        new LeaseReclaim(session, target()).run(entries.all());
    }
}

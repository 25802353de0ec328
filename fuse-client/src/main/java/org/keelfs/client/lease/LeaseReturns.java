package org.keelfs.client.lease;

import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.FsException;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.lease.LeaseHolder;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.wire.proto.MetadataProto;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseReply;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives leases back, asked or unasked (DESIGN section 4, recalls). On threads that may wait; no
 * lock is held while it waits.
 */
final class LeaseReturns {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseReturns.class);

    /**
     * A SHARED lease that nobody uses keeps others from an ordinary one; to be had again for a
     * call.
     */
    private static final long SHARED_IDLE_MS = 2_000;

    private final MetadataSession session;
    private final LeaseEntries entries;
    private final KernelCache kernel;
    private final RecallTarget target;

    LeaseReturns(
            MetadataSession session,
            LeaseEntries entries,
            KernelCache kernel,
            RecallTarget target) {
        this.session = session;
        this.entries = entries;
        this.kernel = kernel;
        this.target = target;
    }

    RecallTarget target() {
        return target;
    }

    /** The server wants a lease back. */
    void onRecall(MetadataProto.Recall recall) {
        InodeId inode = new InodeId(recall.getInode());
        LeaseMode keep = WireModes.fromWire(recall.getKeep());
        LeaseEntry made = entries.get(inode);
        if (made != null && made.isMade()) {
            // The recall overtook the answer that brings the grant.
            target.awaitMade(inode);
        }
        LeaseEntry entry;
        LeaseHolder.@Nullable RecallStep step;
        do {
            entry = entries.of(inode);
            step = recallStep(entry, recall.getGeneration(), keep);
        } while (step == null);
        switch (step) {
            case GIVE_BACK -> giveBack(inode, entry);
            case NOT_HELD -> deny(inode, recall.getGeneration());
            case NOTHING -> {}
        }
    }

    /** Null: the entry was forgotten, and the grant may have been taken into another. */
    private static LeaseHolder.@Nullable RecallStep recallStep(
            LeaseEntry entry, long generation, LeaseMode keep) {
        entry.lock();
        try {
            if (entry.forgotten) {
                return null;
            }
            if (entry.holder.isMade()) {
                return LeaseHolder.RecallStep.NOTHING; // The server repeats what is not answered.
            }
            entry.letGrantComeFirst(generation);
            return entry.holder.onRecall(generation, keep);
        } finally {
            entry.unlock();
        }
    }

    /** The server waits for what is not held here; waits until it knows. */
    void deny(InodeId inode, long generation) {
        target.beforeDenial(inode);
        try {
            send(inode, generation);
        } catch (FsException e) {
            LOG.warn("{}: the server will ask again: {}", inode, e.getMessage());
        }
    }

    /** Nothing of this generation is held, and nothing is owed. */
    void send(InodeId inode, long generation) {
        var _ =
                session.call(
                        RpcMethod.RETURN_LEASE,
                        id ->
                                ReturnLeaseRequest.newBuilder()
                                        .setSession(id)
                                        .setInode(inode.value())
                                        .setGeneration(generation)
                                        .setKeep(WireModes.toWire(LeaseMode.NONE))
                                        .build(),
                        ReturnLeaseReply.parser());
    }

    /** Steps (2) to (4) of a recall (DESIGN section 4). */
    private void giveBack(InodeId inode, LeaseEntry entry) {
        LeaseMode held = entry.holder.mode();
        long sessionId = session.id();
        try {
            // Who is opening the file may be about to write through pages that READ would keep.
            if (!entry.closedToCalls()) {
                return;
            }
            LeaseMode keep = target.keepable(inode, entry.holder.keep());
            KernelInvalidation.run(kernel, target, inode, entry, keep);
            if (!entry.closedToUsers()) {
                return;
            }
            var request =
                    ReturnLeaseRequest.newBuilder()
                            .setInode(inode.value())
                            .setGeneration(entry.beginReturn())
                            .setKeep(WireModes.toWire(keep));
            target.beforeReturn(inode, held, keep, request);
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

    private void finish(InodeId inode, LeaseEntry entry, long sessionId, LeaseGrant left) {
        long denied = 0;
        entry.lock();
        try {
            // After the session was lost another grant may be in use already: nothing of it is to
            // be touched.
            if (session.id() == sessionId && entry.holder.isLeaving()) {
                denied =
                        entry.holder.onReturned(
                                WireModes.fromWire(left.getMode()), left.getGeneration());
                entry.shared = null;
                target.afterReturn(inode, entry.holder.mode());
            }
            entry.changed.signalAll();
            entries.maybeForget(inode, entry);
        } finally {
            entry.unlock();
        }
        if (denied != 0) {
            deny(inode, denied);
        }
    }

    /** Gives back what is written under, at unmount; waits. */
    void giveBackAll() {
        entries.all()
                .forEach(
                        (inode, entry) ->
                                giveBackIf(
                                        inode,
                                        entry,
                                        e ->
                                                e.holder.mode() == LeaseMode.WRITE
                                                        || e.holder.mode() == LeaseMode.SHARED));
    }

    /**
     * Gives back SHARED leases that were not used for {@value #SHARED_IDLE_MS} ms, so that who is
     * left gets an ordinary one; waits.
     */
    void giveBackIdleShared() {
        long sinceNs = System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(SHARED_IDLE_MS);
        entries.all()
                .forEach(
                        (inode, entry) -> {
                            if (entry.shared != null) {
                                giveBackIf(inode, entry, e -> e.isIdleShared(sinceNs));
                            }
                        });
    }

    /** Gives back SHARED on this inode: something written may or may not be there; waits. */
    void giveBackShared(InodeId inode) {
        LeaseEntry entry = entries.get(inode);
        if (entry != null) {
            giveBackIf(inode, entry, e -> e.shared != null);
        }
    }

    private void giveBackIf(InodeId inode, LeaseEntry entry, Predicate<LeaseEntry> which) {
        boolean leaves;
        entry.lock();
        try {
            leaves = which.test(entry) && entry.holder.giveBack();
        } finally {
            entry.unlock();
        }
        if (leaves) {
            giveBack(inode, entry);
        }
    }
}

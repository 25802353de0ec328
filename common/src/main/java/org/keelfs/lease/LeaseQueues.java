package org.keelfs.lease;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.InodeId;

/**
 * Of the lease table, which owns it: who holds what, who waits in which order, who is asked to give
 * back.
 */
final class LeaseQueues {
    /* Requests wait in one queue per inode that they need, entered in all of them at once and ordered by one
     * number for the whole table. So the oldest request heads all its queues, and no two can wait for each other.
     * Only the head of a queue recalls: those behind it would take back what it is about to get.
     *
     * Two ways past the queue keep holders from waiting for those who wait for them. Who holds WRITE on an inode
     * needs nobody's leave for a command on it: it has to write back before it returns. And a command of a session
     * that is asked for a WRITE lease which the command needs goes before all others (urgent): it may be what the
     * session has to send before it returns. Commands hold nothing, so letting them pass starves nobody.
     */
    private final LeaseTableConfig config;
    private final Map<InodeId, LeasedInode> inodes = new LinkedHashMap<>();
    private final Map<Long, LeaseRequest> requests = new LinkedHashMap<>();
    private final Map<Long, LeaseRequest> applying = new LinkedHashMap<>();
    private final ArrayDeque<InodeId> touched = new ArrayDeque<>();
    private final Contention contention = new Contention();

    /** Leases that are the only SHARED one of their inode. */
    private final Map<InodeId, HeldLease> sole = new LinkedHashMap<>();

    /** Alone in SHARED mode for this long: the others are done with the file. */
    static final long SOLE_NS = 1_000_000_000L;

    private long lastGeneration;
    private long leaseCount;
    private long lastStamp;

    /** Nothing is granted but what passes by the session's own lease: others may still reclaim. */
    private boolean grace;

    LeaseQueues(LeaseTableConfig config, long generationFloor) {
        this.config = config;
        this.lastGeneration = generationFloor;
    }

    void stamp(long lastEpoch) {
        lastStamp = lastEpoch;
    }

    void beginGrace() {
        grace = true;
    }

    void endGrace() {
        grace = false;
        touched.addAll(inodes.keySet());
    }

    boolean isGrace() {
        return grace;
    }

    long leaseCount() {
        return leaseCount;
    }

    long lastGeneration() {
        return lastGeneration;
    }

    int waitingCount() {
        return requests.size();
    }

    /** Grants at once, or lets it wait. */
    void enter(LeaseRequest request, boolean atOnce, long nowNs, LeaseEffects out) {
        for (LeaseNeed need : request.needs) {
            if (need.kind() != LeaseNeed.Kind.LOOK && !need.kind().isCommand()) {
                contention.onUse(need.inode(), need.kind().isShareable(), nowNs);
            }
        }
        if (atOnce || passesAtOnce(request)) {
            grant(request, nowNs, out);
        } else {
            Invariant.check(
                    requests.put(request.token, request) == null, "a request token is in use");
            if (request.needs.stream().anyMatch(request.session::isAskedFor)) {
                request.makeUrgent();
            }
            for (LeaseNeed need : request.needs) {
                inode(need.inode()).queue.put(request.order, request);
            }
        }
        touchAll(request);
    }

    void leave(long token) {
        LeaseRequest request = requests.remove(token);
        if (request != null) {
            dequeue(request);
            touchAll(request);
        }
    }

    void applied(long token) {
        LeaseRequest request = applying.remove(token);
        Invariant.check(request != null, "a command ended that was not let go on");
        if (request != null) {
            for (LeaseNeed need : request.needs) {
                inode(need.inode()).applying.remove(request.session);
            }
            touchAll(request);
        }
    }

    /** A lease of before the restart, or null when another session holds what contradicts it. */
    @Nullable HeldLease reclaim(LeaseSession session, InodeId id, LeaseMode mode, long since) {
        for (HeldLease lease : inode(id).holders) {
            boolean fits =
                    lease.mode.isCompatible(mode)
                            && (mode != LeaseMode.SHARED || lease.since == since);
            if (!lease.session.id.equals(session.id) && !fits) {
                return null;
            }
        }
        return hold(session, id, mode, mode == LeaseMode.SHARED ? since : lastStamp);
    }

    @Nullable HeldLease tryGrant(LeaseSession session, InodeId id, LeaseMode mode) {
        LeasedInode inode = inodes.get(id);
        HeldLease own = inode == null ? null : inode.of(session);
        if (own != null && own.recallKeep == null && own.mode.covers(mode)) {
            return own;
        }
        boolean room = session.leases.size() < config.leasesPerSessionMax();
        return room && isFree(inode, session, kindOf(mode))
                ? hold(session, id, mode, lastStamp)
                : null;
    }

    /** WRITE on an inode that the session has just made; null when another one holds it. */
    @Nullable HeldLease grantMade(LeaseSession session, InodeId id, long nowNs, LeaseEffects out) {
        for (HeldLease lease : inode(id).holders) {
            if (!lease.session.id.equals(session.id)) {
                return null;
            }
        }
        HeldLease made = hold(session, id, LeaseMode.WRITE, lastStamp);
        touch(id);
        recallOverflow(session, nowNs, out);
        return made;
    }

    /** What is left of a lease that came back: null, or READ under a new generation. */
    @Nullable HeldLease giveBack(HeldLease lease, LeaseReturn how, long nowNs, LeaseEffects out) {
        lease.session.recalled.remove(lease.inode);
        touch(lease.inode);
        contention.onUse(lease.inode, how.shareable(), nowNs);
        boolean shared = lease.mode == LeaseMode.SHARED;
        if (how.keep() != LeaseMode.READ || shared) {
            drop(lease, nowNs);
            if (shared && how.inDoubt()) {
                taint(lease.inode, nowNs, out);
            }
            return null;
        }
        lease.mode = LeaseMode.READ;
        lease.generation = ++lastGeneration;
        lease.recallKeep = null;
        return lease;
    }

    void dropAll(LeaseSession session, long nowNs, LeaseEffects out) {
        for (HeldLease lease : List.copyOf(session.leases.values())) {
            drop(lease, nowNs);
            touch(lease.inode);
            if (lease.mode == LeaseMode.SHARED) {
                taint(lease.inode, nowNs, out);
            }
        }
    }

    // ---- SHARED ----

    /** Something may be half done: all that share it leave, before any enters again (R2). */
    private void taint(InodeId id, long nowNs, LeaseEffects out) {
        LeasedInode inode = inodes.get(id);
        if (inode != null && inode.isShared()) {
            inode.tainted = true;
            endSharing(id, nowNs, out);
        }
    }

    boolean isShared(InodeId id) {
        LeasedInode inode = inodes.get(id);
        return inode != null && inode.isShared();
    }

    boolean isTainted(InodeId id) {
        LeasedInode inode = inodes.get(id);
        return inode != null && inode.tainted;
    }

    /**
     * Has all that share the inode leave: somebody may be stuck, or nobody is left to share with.
     */
    void endSharing(InodeId id, long nowNs, LeaseEffects out) {
        LeasedInode inode = inodes.get(id);
        if (inode != null && inode.isShared()) {
            for (HeldLease lease : List.copyOf(inode.holders)) {
                recall(lease, LeaseMode.NONE, nowNs, out);
            }
        }
    }

    /** Who has been alone in SHARED mode for a while goes on with an ordinary lease. */
    void endLonelySharing(long nowNs, LeaseEffects out) {
        for (HeldLease lease : List.copyOf(sole.values())) {
            if (lease.recallKeep == null && nowNs >= lease.soleSinceNs + SOLE_NS) {
                contention.forget(lease.inode);
                recall(lease, LeaseMode.NONE, nowNs, out);
            }
        }
    }

    long nextLonelyNs() {
        long next = Long.MAX_VALUE;
        for (HeldLease lease : sole.values()) {
            if (lease.recallKeep == null && !lease.session.evicting) {
                next = Math.min(next, lease.soleSinceNs + SOLE_NS);
            }
        }
        return next;
    }

    boolean isContended(InodeId id, long nowNs) {
        LeasedInode inode = inodes.get(id);
        return (inode != null && inode.isShared()) || contention.isContended(id, nowNs);
    }

    /** The number of sharers changed. */
    private void noteSole(InodeId id, long nowNs) {
        LeasedInode inode = inodes.get(id);
        if (inode == null || !inode.isShared() || inode.holders.size() != 1) {
            sole.remove(id);
        } else if (inode.holders.getFirst() != sole.get(id)) {
            HeldLease lease = inode.holders.getFirst();
            lease.soleSinceNs = nowNs;
            sole.put(id, lease);
        }
    }

    void refuseAll(LeaseSession session, LeaseEffects out) {
        List<LeaseRequest> own =
                requests.values().stream().filter(r -> r.session.id.equals(session.id)).toList();
        for (LeaseRequest request : own) {
            requests.remove(request.token);
            dequeue(request);
            touchAll(request);
            out.refused(request.token);
        }
    }

    void invariants() {
        long count = 0;
        for (LeasedInode inode : inodes.values()) {
            count += inode.holders.size();
            inode.invariants();
            if (!inode.queue.isEmpty() && !grace) {
                checkHeadIsServed(inode);
            }
        }
        Invariant.check(count == leaseCount, "%d leases counted as %d", count, leaseCount);
    }

    /**
     * No lost wake-up: the head of a queue waits for a recall, or in another queue for its turn.
     */
    private void checkHeadIsServed(LeasedInode inode) {
        LeaseRequest head = inode.queue.firstEntry().getValue();
        boolean waits = false;
        for (LeaseNeed need : head.needs) {
            LeasedInode other = inode(need.inode());
            waits |= !isReady(head, need);
            if (other.queue.firstEntry().getValue().token == head.token) {
                for (HeldLease lease : other.holders) {
                    boolean asked = lease.recallKeep != null || lease.session.evicting;
                    Invariant.check(
                            !conflicts(other, lease, head.session, need.kind()) || asked,
                            "a conflicting lease on %s is not recalled",
                            lease.inode);
                }
            }
        }
        Invariant.check(waits, "a request that could go on waits");
    }

    // ---- granting ----

    private boolean passesAtOnce(LeaseRequest request) {
        for (LeaseNeed need : request.needs) {
            LeasedInode inode = inodes.get(need.inode());
            boolean own = inode != null && inode.passesByOwn(request.session, need.kind());
            if (!own && !isFree(inode, request.session, need.kind())) {
                return false;
            }
        }
        return true;
    }

    private boolean isFree(@Nullable LeasedInode inode, LeaseSession session, LeaseNeed.Kind kind) {
        return !grace
                && (inode == null || (inode.queue.isEmpty() && !hasConflict(inode, session, kind)));
    }

    private boolean hasConflict(LeasedInode inode, LeaseSession session, LeaseNeed.Kind kind) {
        return inode.hasConflict(session, kind, contention.mayShare(inode.id));
    }

    private boolean conflicts(
            LeasedInode inode, HeldLease lease, LeaseSession session, LeaseNeed.Kind kind) {
        return inode.conflicts(lease, session, kind, contention.mayShare(inode.id));
    }

    private boolean isReady(LeaseRequest request, LeaseNeed need) {
        LeasedInode inode = inode(need.inode());
        if (inode.passesByOwn(request.session, need.kind())) {
            return true;
        }
        return !grace
                && inode.queue.firstEntry().getValue().token == request.token
                && !hasConflict(inode, request.session, need.kind());
    }

    /** Something changed here: {@link #settle} looks at the queue of this inode again. */
    private void touch(InodeId id) {
        touched.add(id);
    }

    private void touchAll(LeaseRequest request) {
        request.needs.forEach(need -> touch(need.inode()));
    }

    /** Lets go on what can, and recalls what the heads of the queues wait for. Ends every input. */
    void settle(long nowNs, LeaseEffects out) {
        while (!touched.isEmpty()) {
            InodeId id = touched.removeFirst();
            LeasedInode inode = inodes.get(id);
            LeaseRequest done = inode == null ? null : firstReady(inode);
            if (done != null) {
                requests.remove(done.token);
                dequeue(done);
                grant(done, nowNs, out);
                touchAll(done);
            } else if (inode != null) {
                recallForHead(inode, nowNs, out);
                maybeForget(id);
            }
        }
    }

    /** The head if all its needs are met, else one further back that needs nobody's leave. */
    private @Nullable LeaseRequest firstReady(LeasedInode inode) {
        for (LeaseRequest request : inode.queue.values()) {
            boolean ready = true;
            for (LeaseNeed need : request.needs) {
                ready = ready && isReady(request, need);
            }
            if (ready) {
                return request;
            }
        }
        return null;
    }

    private void grant(LeaseRequest request, long nowNs, LeaseEffects out) {
        List<LeaseState> leases = new ArrayList<>(request.needs.size());
        for (LeaseNeed need : request.needs) {
            InodeId id = need.inode();
            HeldLease own = request.session.leases.get(id);
            if (need.kind().isCommand()) {
                inode(id).applying.add(request.session);
                leases.add(LeaseState.none(id));
                continue;
            }
            LeaseMode mode = inode(id).wanted(need.kind(), contention.mayShare(id));
            if (mode == LeaseMode.NONE) {
                leases.add(LeaseState.none(id));
            } else if (own != null && need.kind().alone() == LeaseMode.READ) {
                leases.add(own.state());
            } else if (own != null && own.mode == LeaseMode.WRITE) {
                leases.add(own.state());
            } else {
                leases.add(hold(request.session, id, mode, periodOf(id, mode)).state());
                noteSole(id, nowNs);
            }
        }
        if (request.isCommand()) {
            applying.put(request.token, request);
        }
        out.granted(request.token, leases);
        recallOverflow(request.session, nowNs, out);
    }

    /** All that share an inode do so since the same moment: the first one's. */
    private long periodOf(InodeId id, LeaseMode mode) {
        LeasedInode inode = inode(id);
        return mode == LeaseMode.SHARED && inode.isShared()
                ? inode.holders.getFirst().since
                : lastStamp;
    }

    /** Makes the session hold at least this mode. */
    private HeldLease hold(LeaseSession session, InodeId id, LeaseMode mode, long since) {
        HeldLease lease = session.leases.get(id);
        if (lease == null) {
            lease = new HeldLease(session, id, mode, since);
            lease.generation = ++lastGeneration;
            session.leases.put(id, lease);
            inode(id).holders.add(lease);
            leaseCount++;
        } else if (!lease.mode.covers(mode)) {
            lease.mode = mode;
            lease.generation = ++lastGeneration;
        }
        return lease;
    }

    // ---- recalling ----

    private void recallForHead(LeasedInode inode, long nowNs, LeaseEffects out) {
        if (inode.queue.isEmpty() || grace) {
            return;
        }
        LeaseRequest head = inode.queue.firstEntry().getValue();
        LeaseNeed.Kind kind = head.kindFor(inode.id);
        LeaseMode wanted = inode.wanted(kind, contention.mayShare(inode.id));
        LeaseMode keep = wanted == LeaseMode.READ ? LeaseMode.READ : LeaseMode.NONE;
        boolean handOver = false;
        for (HeldLease lease : List.copyOf(inode.holders)) {
            if (conflicts(inode, lease, head.session, kind)) {
                handOver |= lease.recallKeep == null;
                recall(lease, keep, nowNs, out);
            }
        }
        if (handOver && !kind.isCommand()) {
            contention.onHandOver(inode.id, nowNs);
        }
    }

    private void recall(HeldLease lease, LeaseMode keep, long nowNs, LeaseEffects out) {
        LeaseSession session = lease.session;
        if (session.evicting || (lease.recallKeep != null && keep.covers(lease.recallKeep))) {
            return;
        }
        if (lease.recallKeep == null) {
            lease.recalledNs = nowNs;
            if (session.recalled.isEmpty()) {
                session.recallsSentNs = nowNs;
            }
            session.recalled.put(lease.inode, lease);
        }
        lease.recallKeep = keep;
        out.recall(session.id, lease.inode, lease.generation, keep);
        if (lease.mode == LeaseMode.WRITE) {
            makeUrgent(session, lease.inode);
        }
    }

    /** Commands that the holder may have to finish before it can return go first. */
    private void makeUrgent(LeaseSession session, InodeId id) {
        for (LeaseRequest request : List.copyOf(requests.values())) {
            boolean concerned =
                    request.session.id.equals(session.id)
                            && !request.isUrgent()
                            && (request.needs.contains(LeaseNeed.clear(id))
                                    || request.needs.contains(LeaseNeed.store(id)));
            if (concerned) {
                dequeue(request);
                request.makeUrgent();
                for (LeaseNeed need : request.needs) {
                    inode(need.inode()).queue.put(request.order, request);
                }
                touchAll(request);
            }
        }
    }

    private void recallOverflow(LeaseSession session, long nowNs, LeaseEffects out) {
        int over = session.leases.size() - session.recalled.size() - config.leasesPerSessionMax();
        if (over <= 0) {
            return;
        }
        List<HeldLease> oldest = new ArrayList<>(over);
        for (HeldLease lease : session.leases.values()) {
            if (oldest.size() == over) {
                break;
            }
            if (lease.recallKeep == null) {
                oldest.add(lease);
            }
        }
        oldest.forEach(lease -> recall(lease, LeaseMode.NONE, nowNs, out));
    }

    void resendRecalls(LeaseSession session, long nowNs, LeaseEffects out) {
        session.recallsSentNs = nowNs;
        for (HeldLease lease : session.recalled.values()) {
            LeaseMode keep = lease.recallKeep == null ? LeaseMode.NONE : lease.recallKeep;
            out.recall(session.id, lease.inode, lease.generation, keep);
        }
    }

    private void drop(HeldLease lease, long nowNs) {
        lease.session.leases.remove(lease.inode);
        lease.session.recalled.remove(lease.inode);
        LeasedInode inode = inode(lease.inode);
        inode.holders.remove(lease);
        lease.recallKeep = null;
        leaseCount--;
        if (lease.mode == LeaseMode.SHARED) {
            inode.tainted &= !inode.holders.isEmpty();
            noteSole(lease.inode, nowNs);
        }
    }

    private void dequeue(LeaseRequest request) {
        for (LeaseNeed need : request.needs) {
            inode(need.inode()).queue.remove(request.order);
        }
    }

    private LeasedInode inode(InodeId id) {
        return inodes.computeIfAbsent(id, LeasedInode::new);
    }

    private void maybeForget(InodeId id) {
        LeasedInode inode = inodes.get(id);
        if (inode != null && inode.isIdle()) {
            inodes.remove(id);
        }
    }

    private static LeaseNeed.Kind kindOf(LeaseMode mode) {
        return mode == LeaseMode.READ ? LeaseNeed.Kind.READ : LeaseNeed.Kind.WRITE;
    }
}

package org.keelfs.lease;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/**
 * The server's half of the leases: who holds what, who waits, who is asked to give back and who is
 * evicted. Confined to its driver.
 */
public final class LeaseTable {
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
    private final Map<SessionId, Session> sessions = new LinkedHashMap<>();
    private final Map<InodeId, Inode> inodes = new LinkedHashMap<>();
    private final Map<Long, Request> requests = new LinkedHashMap<>();
    private final ArrayDeque<InodeId> touched = new ArrayDeque<>();
    private final Map<Long, Request> applying = new LinkedHashMap<>();
    private long lastGeneration;
    private long lastOrder;
    private long leaseCount;
    private long lastStamp;
    private boolean grace;
    private long graceEndNs;

    private static final class Session {
        final SessionId id;
        final Map<InodeId, Lease> leases = new LinkedHashMap<>();
        final Map<InodeId, Lease> recalled = new LinkedHashMap<>();
        long heardNs;
        long progress;
        long progressNs;
        long recallsSentNs;
        boolean reclaiming;
        boolean condemned;
        boolean evicting;

        Session(SessionId id, long nowNs) {
            this.id = id;
            heardNs = nowNs;
            progressNs = nowNs;
        }

        boolean isOver() {
            return condemned || evicting;
        }
    }

    private static final class Lease {
        final Session session;
        final InodeId inode;
        final long since;
        LeaseMode mode;
        long generation;
        @Nullable LeaseMode recallKeep;
        long recalledNs;

        Lease(Session session, InodeId inode, LeaseMode mode, long since) {
            this.session = session;
            this.inode = inode;
            this.since = since;
            this.mode = mode;
        }

        LeaseState state() {
            return new LeaseState(inode, mode, generation, since);
        }
    }

    private static final class Inode {
        final List<Lease> holders = new ArrayList<>(1);
        final List<Session> applying = new ArrayList<>(0);
        final TreeMap<Long, Request> queue = new TreeMap<>();

        @Nullable Lease of(Session session) {
            for (Lease lease : holders) {
                if (lease.session.id.equals(session.id)) {
                    return lease;
                }
            }
            return null;
        }
    }

    private static final class Request {
        final long token;
        final Session session;
        final List<LeaseNeed> needs;
        long order;

        Request(long token, Session session, List<LeaseNeed> needs, long order) {
            this.token = token;
            this.session = session;
            this.needs = needs;
            this.order = order;
        }

        /**
         * Grants nothing, but holds others off until it is applied. One that touches nothing is one
         * too.
         */
        boolean isCommand() {
            return needs.stream().allMatch(need -> need.kind() == LeaseNeed.Kind.CLEAR);
        }

        boolean isUrgent() {
            return order < 0;
        }
    }

    /**
     * An empty table.
     *
     * @param generationFloor every generation will be above it: above those of an earlier life of
     *     the server
     */
    public LeaseTable(LeaseTableConfig config, long generationFloor) {
        this.config = config;
        this.lastGeneration = generationFloor;
    }

    /** A new session. */
    public void onOpen(SessionId session, long nowNs) {
        Invariant.check(
                sessions.put(session, new Session(session, nowNs)) == null,
                "a session opened twice");
    }

    /**
     * After a restart: these sessions may still hold leases. Until each has reclaimed, or silence
     * has been waited out, nothing is granted but what they reclaim.
     */
    public void onRestart(List<SessionId> onRecord, long nowNs) {
        Invariant.check(sessions.isEmpty(), "a restart with open sessions");
        for (SessionId id : onRecord) {
            Session session = new Session(id, nowNs);
            session.reclaiming = true;
            sessions.put(id, session);
        }
        grace = !onRecord.isEmpty();
        graceEndNs = nowNs + config.silenceNs();
    }

    /** Whether the table still waits for sessions of before the restart. */
    public boolean isGrace() {
        return grace;
    }

    /** Whether the session is known and not on its way out. */
    public boolean isOpen(SessionId session) {
        Session s = sessions.get(session);
        return s != null && !s.isOver();
    }

    /**
     * The session is alive.
     *
     * @param progress its count of steps towards returning what was recalled
     * @param reclaimed whether it has reclaimed all it held before the restart
     * @return false when it is not known any more
     */
    public boolean onRenew(
            SessionId session, long progress, boolean reclaimed, long nowNs, LeaseEffects out) {
        Session s = sessions.get(session);
        if (s == null || s.isOver()) {
            return false;
        }
        s.heardNs = nowNs;
        if (progress != s.progress) {
            s.progress = progress;
            s.progressNs = nowNs;
        }
        if (reclaimed && s.reclaiming) {
            s.reclaiming = false;
            maybeEndGrace();
            settle(nowNs, out);
        }
        return true;
    }

    /**
     * The session has a new connection: what it is asked for may have been lost with the old one.
     */
    public void onReconnect(SessionId session, long nowNs, LeaseEffects out) {
        Session s = sessions.get(session);
        if (s != null && !s.evicting) {
            resendRecalls(s, nowNs, out);
        }
    }

    /** The session ends, having given back what it had or having nothing that matters. */
    public void onClose(SessionId session, long nowNs, LeaseEffects out) {
        remove(session, nowNs, out);
    }

    /** The driver wants the session gone: a successor took its place, or its volume is gone. */
    public void onEvict(SessionId session, String why, long nowNs, LeaseEffects out) {
        Session s = sessions.get(session);
        if (s != null && !s.evicting) {
            evict(s, why, out);
            settle(nowNs, out);
        }
    }

    /** The eviction is on record: its leases go to who waits. */
    public void onEvicted(SessionId session, long nowNs, LeaseEffects out) {
        remove(session, nowNs, out);
    }

    /**
     * A request for leases or for a command; answered now or later by one of granted and refused.
     *
     * @param token the driver's name for it, not in use
     * @param needs at most one for each inode; all CLEAR, or none of them
     * @param answeredBefore a command that the session was answered before the restart and sends
     *     again: others took leases after it, so it goes before them
     */
    public void onRequest(
            long token,
            SessionId session,
            List<LeaseNeed> needs,
            boolean answeredBefore,
            long nowNs,
            LeaseEffects out) {
        Session s = sessions.get(session);
        boolean mixed =
                needs.stream().anyMatch(n -> n.kind() == LeaseNeed.Kind.CLEAR)
                        && needs.stream().anyMatch(n -> n.kind() != LeaseNeed.Kind.CLEAR);
        Invariant.check(!mixed, "a request for leases and a command in one");
        if (s == null || s.isOver()) {
            out.refused(token);
            return;
        }
        Request request = new Request(token, s, needs, ++lastOrder);
        if ((answeredBefore && s.reclaiming) || passesAtOnce(request)) {
            grant(request, nowNs, out);
            touchAll(request);
            settle(nowNs, out);
            return;
        }
        Invariant.check(requests.put(token, request) == null, "a request token is in use");
        if (needs.stream().anyMatch(need -> isUrgentFor(s, need))) {
            request.order = urgent(request.order);
        }
        for (LeaseNeed need : needs) {
            inode(need.inode()).queue.put(request.order, request);
        }
        touchAll(request);
        settle(nowNs, out);
    }

    /**
     * A lease held before the restart. Only during the grace period.
     *
     * @return what is held now, or null when another session has taken what contradicts it
     */
    public @Nullable LeaseState onReclaim(SessionId session, InodeId id, LeaseMode mode) {
        Session s = sessions.get(session);
        if (s == null || s.isOver() || !s.reclaiming || !grace) {
            return null;
        }
        Inode inode = inode(id);
        for (Lease lease : inode.holders) {
            boolean exclusive = mode == LeaseMode.WRITE || lease.mode == LeaseMode.WRITE;
            if (!lease.session.id.equals(session) && exclusive) {
                maybeForget(id);
                return null;
            }
        }
        return hold(s, id, mode).state();
    }

    /** A lease at once or not at all: without a recall and without waiting. */
    public @Nullable LeaseState tryGrant(SessionId session, InodeId id, LeaseMode mode) {
        Session s = sessions.get(session);
        if (s == null || s.isOver()) {
            return null;
        }
        Inode inode = inodes.get(id);
        Lease own = inode == null ? null : inode.of(s);
        if (own != null && own.recallKeep == null && own.mode.covers(mode)) {
            return own.state();
        }
        boolean free =
                !grace
                        && s.leases.size() < config.leasesPerSessionMax()
                        && (inode == null
                                || (inode.queue.isEmpty() && !hasConflict(inode, s, kindOf(mode))));
        return free ? hold(s, id, mode).state() : null;
    }

    /** Whether the session may still reclaim: what it holds is not known yet. */
    public boolean isReclaiming(SessionId session) {
        Session s = sessions.get(session);
        return grace && s != null && s.reclaiming;
    }

    /** What the session holds of this inode, NONE included. */
    public LeaseState held(SessionId session, InodeId id) {
        Session s = sessions.get(session);
        Lease lease = s == null ? null : s.leases.get(id);
        return lease == null ? LeaseState.none(id) : lease.state();
    }

    /** Whether any session but this one holds a lease on the inode. */
    public boolean isHeldByAnother(SessionId session, InodeId id) {
        Inode inode = inodes.get(id);
        return inode != null
                && inode.holders.stream().anyMatch(lease -> !lease.session.id.equals(session));
    }

    /** Whether any session holds a lease on the inode. */
    public boolean isHeld(InodeId id) {
        Inode inode = inodes.get(id);
        return inode != null && !inode.holders.isEmpty();
    }

    /**
     * The command that this request let go on is applied, or will never be: others may look again.
     */
    public void onApplied(long token, long nowNs, LeaseEffects out) {
        Request request = applying.remove(token);
        Invariant.check(request != null, "a command ended that was not let go on");
        if (request != null) {
            for (LeaseNeed need : request.needs) {
                inode(need.inode()).applying.remove(request.session);
            }
            touchAll(request);
            settle(nowNs, out);
        }
    }

    /**
     * From here on, leases that begin are marked with this number: the last epoch that was drawn.
     */
    public void stamp(long lastEpoch) {
        lastStamp = lastEpoch;
    }

    /** Nobody waits for the answer to this request any more. */
    public void onCancel(long token, long nowNs, LeaseEffects out) {
        Request request = requests.remove(token);
        if (request != null) {
            dequeue(request);
            touchAll(request);
            settle(nowNs, out);
        }
    }

    /**
     * A lease comes back. An old generation, or one that came back already, changes nothing.
     *
     * @param keep READ to go on as a reader, else NONE
     * @return what the session holds now
     */
    public LeaseState onReturn(
            SessionId session,
            InodeId id,
            long generation,
            LeaseMode keep,
            long nowNs,
            LeaseEffects out) {
        Session s = sessions.get(session);
        Lease lease = s == null ? null : s.leases.get(id);
        if (s == null || lease == null) {
            return LeaseState.none(id);
        }
        if (lease.generation != generation) {
            return lease.state();
        }
        s.progressNs = nowNs;
        s.recalled.remove(id);
        LeaseState left;
        if (keep == LeaseMode.READ) {
            lease.mode = LeaseMode.READ;
            lease.generation = ++lastGeneration;
            lease.recallKeep = null;
            left = lease.state();
        } else {
            drop(lease);
            left = LeaseState.none(id);
        }
        touch(id);
        settle(nowNs, out);
        return left;
    }

    /** Time passes. */
    public void onTick(long nowNs, LeaseEffects out) {
        if (grace && nowNs >= graceEndNs) {
            for (Session s : sessions.values()) {
                if (s.reclaiming && !s.evicting) {
                    evict(s, "it did not reclaim after the metadata server's restart", out);
                }
            }
        }
        for (Session s : sessions.values()) {
            if (s.evicting) {
                continue;
            }
            if (nowNs >= silenceDeadlineNs(s)) {
                evict(s, s.condemned ? "it did not return a recalled lease" : "it is silent", out);
            } else if (nowNs >= stallDeadlineNs(s)) {
                // Told at its next renewal; until its last one has run out it may still use what it
                // has.
                s.condemned = true;
                refuseRequests(s, out);
            } else if (nowNs >= repeatDeadlineNs(s)) {
                resendRecalls(s, nowNs, out);
            }
        }
        settle(nowNs, out);
    }

    /** When to tick next; {@link Long#MAX_VALUE}: no need. */
    public long nextDeadlineNs() {
        long next = Long.MAX_VALUE;
        for (Session s : sessions.values()) {
            if (!s.evicting) {
                next = Math.min(next, s.reclaiming ? graceEndNs : Long.MAX_VALUE);
                next = Math.min(next, silenceDeadlineNs(s));
                next = Math.min(next, stallDeadlineNs(s));
                next = Math.min(next, repeatDeadlineNs(s));
            }
        }
        return next;
    }

    /** Commands let go on of which the end was not told. */
    public int applyingCount() {
        return applying.size();
    }

    /** Sessions that are open. */
    public int sessionCount() {
        return sessions.size();
    }

    /** Leases that are held. */
    public long leaseCount() {
        return leaseCount;
    }

    /** Requests that wait. */
    public int waitingCount() {
        return requests.size();
    }

    /** Laws that hold between any two inputs. Walks everything. */
    public void invariants() {
        long count = 0;
        for (Map.Entry<InodeId, Inode> entry : inodes.entrySet()) {
            Inode inode = entry.getValue();
            count += inode.holders.size();
            boolean written = inode.holders.stream().anyMatch(l -> l.mode == LeaseMode.WRITE);
            Invariant.check(
                    !written || inode.holders.size() == 1,
                    "WRITE on %s beside another lease",
                    entry.getKey());
            for (Lease lease : inode.holders) {
                Session session = lease.session;
                Invariant.check(session.leases.containsKey(lease.inode), "a lease of nobody");
                Invariant.check(
                        (lease.recallKeep != null) == session.recalled.containsKey(lease.inode),
                        "recalls and leases differ on %s",
                        lease.inode);
            }
            if (!inode.queue.isEmpty() && !grace) {
                checkHeadIsServed(inode);
            }
        }
        Invariant.check(count == leaseCount, "%d leases counted as %d", count, leaseCount);
    }

    /**
     * No lost wake-up: the head of a queue waits for a recall, or in another queue for its turn.
     */
    private void checkHeadIsServed(Inode inode) {
        Request head = inode.queue.firstEntry().getValue();
        boolean waits = false;
        for (LeaseNeed need : head.needs) {
            Inode other = inode(need.inode());
            waits |= !isReady(head, need);
            if (other.queue.firstEntry().getValue().token == head.token) {
                for (Lease lease : other.holders) {
                    boolean asked = lease.recallKeep != null || lease.session.evicting;
                    Invariant.check(
                            !conflicts(lease, head.session, need.kind()) || asked,
                            "a conflicting lease on %s is not recalled",
                            lease.inode);
                }
            }
        }
        Invariant.check(waits, "a request that could go on waits");
    }

    // ---- granting ----

    private boolean passesAtOnce(Request request) {
        for (LeaseNeed need : request.needs) {
            Inode inode = inodes.get(need.inode());
            boolean free =
                    !grace
                            && (inode == null
                                    || (inode.queue.isEmpty()
                                            && !hasConflict(inode, request.session, need.kind())));
            if (!free
                    && (inode == null || !passesByOwnLease(inode, request.session, need.kind()))) {
                return false;
            }
        }
        return true;
    }

    /** Whether what the session holds itself is enough, whoever else waits. */
    private static boolean passesByOwnLease(Inode inode, Session session, LeaseNeed.Kind kind) {
        Lease own = inode.of(session);
        if (own == null) {
            return false;
        }
        return switch (kind) {
            // While it is recalled the generation is worthless to the client, which uses the answer
            // once.
            case READ -> true;
            case WRITE -> own.mode == LeaseMode.WRITE && own.recallKeep == null;
            case CLEAR -> own.mode == LeaseMode.WRITE;
        };
    }

    private static boolean conflicts(Lease lease, Session session, LeaseNeed.Kind kind) {
        if (lease.session.id.equals(session.id)) {
            // What is on its way back cannot be made more of.
            return kind == LeaseNeed.Kind.WRITE && lease.recallKeep != null;
        }
        return kind != LeaseNeed.Kind.READ || lease.mode == LeaseMode.WRITE;
    }

    private static boolean hasConflict(Inode inode, Session session, LeaseNeed.Kind kind) {
        for (Lease lease : inode.holders) {
            if (conflicts(lease, session, kind)) {
                return true;
            }
        }
        return kind != LeaseNeed.Kind.CLEAR && isChanging(inode, session);
    }

    /**
     * Whether a command of another session is on its way into the log: what is read now may be old.
     */
    private static boolean isChanging(Inode inode, Session session) {
        for (Session other : inode.applying) {
            if (!other.id.equals(session.id)) {
                return true;
            }
        }
        return false;
    }

    private boolean isReady(Request request, LeaseNeed need) {
        Inode inode = inode(need.inode());
        if (passesByOwnLease(inode, request.session, need.kind())) {
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

    private void touchAll(Request request) {
        request.needs.forEach(need -> touch(need.inode()));
    }

    /** Lets go on what can, and recalls what the heads of the queues wait for. Ends every input. */
    private void settle(long nowNs, LeaseEffects out) {
        while (!touched.isEmpty()) {
            InodeId id = touched.removeFirst();
            Inode inode = inodes.get(id);
            Request done = inode == null ? null : firstReady(inode);
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
    private @Nullable Request firstReady(Inode inode) {
        for (Request request : inode.queue.values()) {
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

    private void grant(Request request, long nowNs, LeaseEffects out) {
        List<LeaseState> leases = new ArrayList<>(request.needs.size());
        for (LeaseNeed need : request.needs) {
            InodeId id = need.inode();
            Lease own = request.session.leases.get(id);
            if (need.kind() == LeaseNeed.Kind.CLEAR) {
                inode(id).applying.add(request.session);
                leases.add(LeaseState.none(id));
            } else if (need.kind() == LeaseNeed.Kind.READ && own != null) {
                leases.add(own.state());
            } else {
                LeaseMode mode =
                        need.kind() == LeaseNeed.Kind.READ ? LeaseMode.READ : LeaseMode.WRITE;
                leases.add(hold(request.session, id, mode).state());
            }
        }
        if (request.isCommand()) {
            applying.put(request.token, request);
        }
        out.granted(request.token, leases);
        recallOverflow(request.session, nowNs, out);
    }

    /** Makes the session hold at least this mode. */
    private Lease hold(Session session, InodeId id, LeaseMode mode) {
        Lease lease = session.leases.get(id);
        if (lease == null) {
            lease = new Lease(session, id, mode, lastStamp);
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

    private void recallForHead(Inode inode, long nowNs, LeaseEffects out) {
        if (inode.queue.isEmpty() || grace) {
            return;
        }
        Request head = inode.queue.firstEntry().getValue();
        for (LeaseNeed need : head.needs) {
            Inode wanted = inode(need.inode());
            if (!sameInode(wanted, inode)) {
                continue;
            }
            LeaseMode keep = need.kind() == LeaseNeed.Kind.READ ? LeaseMode.READ : LeaseMode.NONE;
            for (Lease lease : List.copyOf(inode.holders)) {
                if (conflicts(lease, head.session, need.kind())) {
                    recall(lease, keep, nowNs, out);
                }
            }
        }
    }

    @SuppressWarnings("ReferenceEquality") // one object for each inode
    private static boolean sameInode(Inode a, Inode b) {
        return a == b;
    }

    private void recall(Lease lease, LeaseMode keep, long nowNs, LeaseEffects out) {
        Session session = lease.session;
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
    private void makeUrgent(Session session, InodeId id) {
        for (Request request : List.copyOf(requests.values())) {
            boolean concerned =
                    request.session.id.equals(session.id)
                            && !request.isUrgent()
                            && request.needs.contains(LeaseNeed.clear(id));
            if (concerned) {
                dequeue(request);
                request.order = urgent(request.order);
                for (LeaseNeed need : request.needs) {
                    inode(need.inode()).queue.put(request.order, request);
                }
                touchAll(request);
            }
        }
    }

    private static boolean isUrgentFor(Session session, LeaseNeed need) {
        Lease own = session.leases.get(need.inode());
        return need.kind() == LeaseNeed.Kind.CLEAR
                && own != null
                && own.mode == LeaseMode.WRITE
                && own.recallKeep != null;
    }

    /** Before all that are not urgent, in the order of arrival among themselves. */
    private static long urgent(long order) {
        return Long.MIN_VALUE + order;
    }

    private void recallOverflow(Session session, long nowNs, LeaseEffects out) {
        int over = session.leases.size() - session.recalled.size() - config.leasesPerSessionMax();
        if (over <= 0) {
            return;
        }
        List<Lease> oldest = new ArrayList<>(over);
        for (Lease lease : session.leases.values()) {
            if (oldest.size() == over) {
                break;
            }
            if (lease.recallKeep == null) {
                oldest.add(lease);
            }
        }
        oldest.forEach(lease -> recall(lease, LeaseMode.NONE, nowNs, out));
    }

    private void resendRecalls(Session session, long nowNs, LeaseEffects out) {
        session.recallsSentNs = nowNs;
        for (Lease lease : session.recalled.values()) {
            LeaseMode keep = lease.recallKeep == null ? LeaseMode.NONE : lease.recallKeep;
            out.recall(session.id, lease.inode, lease.generation, keep);
        }
    }

    // ---- ending ----

    private void evict(Session session, String why, LeaseEffects out) {
        session.evicting = true;
        out.evict(session.id, why);
        refuseRequests(session, out);
    }

    private void remove(SessionId id, long nowNs, LeaseEffects out) {
        Session session = sessions.remove(id);
        if (session == null) {
            return;
        }
        refuseRequests(session, out);
        List<Lease> leases = List.copyOf(session.leases.values());
        leases.forEach(this::drop);
        leases.forEach(lease -> touch(lease.inode));
        maybeEndGrace();
        settle(nowNs, out);
    }

    private void refuseRequests(Session session, LeaseEffects out) {
        List<Request> own =
                requests.values().stream().filter(r -> r.session.id.equals(session.id)).toList();
        for (Request request : own) {
            requests.remove(request.token);
            dequeue(request);
            touchAll(request);
            out.refused(request.token);
        }
    }

    private void drop(Lease lease) {
        lease.session.leases.remove(lease.inode);
        lease.session.recalled.remove(lease.inode);
        inode(lease.inode).holders.remove(lease);
        lease.recallKeep = null;
        leaseCount--;
    }

    private void dequeue(Request request) {
        for (LeaseNeed need : request.needs) {
            inode(need.inode()).queue.remove(request.order);
        }
    }

    private void maybeEndGrace() {
        if (grace && !hasReclaiming()) {
            grace = false;
            touched.addAll(inodes.keySet());
        }
    }

    private boolean hasReclaiming() {
        return sessions.values().stream().anyMatch(s -> s.reclaiming);
    }

    private Inode inode(InodeId id) {
        return inodes.computeIfAbsent(id, _ -> new Inode());
    }

    private void maybeForget(InodeId id) {
        Inode inode = inodes.get(id);
        if (inode != null
                && inode.holders.isEmpty()
                && inode.queue.isEmpty()
                && inode.applying.isEmpty()) {
            inodes.remove(id);
        }
    }

    private static LeaseNeed.Kind kindOf(LeaseMode mode) {
        return mode == LeaseMode.READ ? LeaseNeed.Kind.READ : LeaseNeed.Kind.WRITE;
    }

    // ---- deadlines ----

    private long silenceDeadlineNs(Session s) {
        if (s.condemned) {
            return s.heardNs + config.silenceNs();
        }
        if (s.recalled.isEmpty()) {
            return s.heardNs + config.abandonNs();
        }
        // Who was silent for long already gets the time of one recall: it may just have woken up.
        return Math.max(
                s.heardNs + config.silenceNs(), oldestRecallNs(s) + config.recallRepeatNs());
    }

    private long stallDeadlineNs(Session s) {
        return s.recalled.isEmpty() || s.condemned
                ? Long.MAX_VALUE
                : Math.max(oldestRecallNs(s), s.progressNs) + config.stallNs();
    }

    private static long oldestRecallNs(Session s) {
        return s.recalled.values().iterator().next().recalledNs;
    }

    private long repeatDeadlineNs(Session s) {
        return s.recalled.isEmpty() || s.condemned
                ? Long.MAX_VALUE
                : s.recallsSentNs + config.recallRepeatNs();
    }
}

package org.keelfs.metadata.lock;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Clock;
import org.keelfs.lock.LockAnswer;
import org.keelfs.lock.LockEffects;
import org.keelfs.lock.LockOp;
import org.keelfs.lock.LockTable;
import org.keelfs.metadata.lease.LeaseDriver;
import org.keelfs.metadata.session.Sessions;
import org.keelfs.metadata.session.Sessions.Session;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcPeer;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.LockCodec;
import org.keelfs.wire.proto.MetadataProto.LockNoticeRequest;
import org.keelfs.wire.proto.MetadataProto.LockRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the lock table: answers requests, sends its notices. Locks live as long as the session that
 * holds them, so who lives and who is gone is the leases' to say. Confined to the service's
 * executor.
 */
public final class LockDriver implements LockEffects {
    private static final Logger LOG = LoggerFactory.getLogger(LockDriver.class);

    /** A mount answers a notice at once; the table repeats what matters. */
    private static final long NOTICE_TIMEOUT_MS = 5_000;

    private final LockTable table;
    private final LeaseDriver leases;
    private final Sessions sessions;
    private final Clock clock;
    private final long incarnation;

    /** Evictions wait until the table has been left. */
    private final Map<SessionId, String> evictions = new LinkedHashMap<>();

    private long requestCount;

    public LockDriver(
            LockTable table, LeaseDriver leases, Sessions sessions, Clock clock, long incarnation) {
        this.table = table;
        this.leases = leases;
        this.sessions = sessions;
        this.clock = clock;
        this.incarnation = incarnation;
    }

    /** A request of an open session. */
    public void request(RpcRequest rpc, Session session, LockRequest request) {
        LockOp op = decoded(request);
        if (op instanceof LockOp.Reclaim && !leases.isReclaiming(session.id())) {
            rpc.reply(
                    LockCodec.encode(
                            new LockAnswer(LockAnswer.Status.LOST, null, false), incarnation));
            return;
        }
        requestCount++;
        LockAnswer answer =
                table.onRequest(
                        session.id(),
                        request.getSequence(),
                        new InodeId(request.getInode()),
                        op,
                        leases.isGrace(),
                        clock.nanoTime(),
                        this);
        if (answer.status() == LockAnswer.Status.GRACE) {
            rpc.fail(RpcStatus.BUSY, "locks of before the restart are being reclaimed");
        } else {
            rpc.reply(LockCodec.encode(answer, incarnation));
        }
        carryOut();
    }

    private static LockOp decoded(LockRequest request) {
        try {
            return LockCodec.decode(request);
        } catch (IllegalArgumentException e) {
            throw new RpcException(RpcStatus.REFUSED, String.valueOf(e.getMessage()));
        }
    }

    /** The session is over, and that is on record. */
    public void sessionEnded(SessionId session) {
        table.onSessionEnd(session, this);
        carryOut();
    }

    public void tick() {
        table.onTick(clock.nanoTime());
    }

    /** Requests since the start. */
    public long requestCount() {
        return requestCount;
    }

    /** Locks that somebody waits for. */
    public int waitCount() {
        return table.waitCount();
    }

    private void carryOut() {
        Map<SessionId, String> due = new LinkedHashMap<>(evictions);
        evictions.clear();
        due.forEach(leases::evictNow);
    }

    // ---- effects ----

    @Override
    public void recall(SessionId holder, InodeId inode) {
        send(holder, LockNoticeRequest.newBuilder().setInode(inode.value()).setHandOver(true));
    }

    @Override
    public void askAgain(SessionId session, InodeId inode) {
        send(session, LockNoticeRequest.newBuilder().setInode(inode.value()));
    }

    @Override
    public void waitEnded(SessionId session, InodeId inode, long waiter, boolean granted) {
        send(
                session,
                LockNoticeRequest.newBuilder()
                        .setInode(inode.value())
                        .setWaiter(waiter)
                        .setGranted(granted));
    }

    @Override
    public void wanted(SessionId holder) {
        leases.wanted(holder);
    }

    @Override
    public void evict(SessionId session, String why) {
        evictions.put(session, why);
    }

    private void send(SessionId to, LockNoticeRequest.Builder notice) {
        Session session = sessions.find(to);
        RpcPeer peer = session == null ? null : session.peer();
        if (peer == null) {
            return; // It asks again by itself.
        }
        var _ =
                peer.call(
                                RpcMethod.LOCK_NOTICE,
                                notice.setSession(to.value()).build(),
                                NOTICE_TIMEOUT_MS)
                        .whenComplete((reply, failure) -> onSent(to, reply, failure));
    }

    private static void onSent(
            SessionId to, @Nullable RpcReply reply, @Nullable Throwable failure) {
        if (reply != null) {
            reply.release();
        } else if (failure != null) {
            LOG.debug("A notice to session {} was not taken: {}", to, failure.getMessage());
        }
    }
}

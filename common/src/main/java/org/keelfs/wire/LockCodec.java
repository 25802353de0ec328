package org.keelfs.wire;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.lock.LockAnswer;
import org.keelfs.lock.LockKind;
import org.keelfs.lock.LockOp;
import org.keelfs.lock.LockOwner;
import org.keelfs.lock.RangeLock;
import org.keelfs.model.SessionId;
import org.keelfs.wire.proto.MetadataProto.LockReply;
import org.keelfs.wire.proto.MetadataProto.LockRequest;
import org.keelfs.wire.proto.MetadataProto.LockSet;
import org.keelfs.wire.proto.MetadataProto.LockStatus;
import org.keelfs.wire.proto.MetadataProto.LockValue;
import org.keelfs.wire.proto.MetadataProto.LockWanted;

/** File locks on the wire. */
public final class LockCodec {
    private LockCodec() {}

    /** Puts an operation into a request. */
    public static void encode(LockOp op, LockRequest.Builder request) {
        switch (op) {
            case LockOp.Lock lock ->
                    request.setLock(
                            LockWanted.newBuilder()
                                    .setLock(encode(lock.wanted()))
                                    .setWaits(lock.waits())
                                    .setWaiter(lock.waiter()));
            case LockOp.Unlock unlock ->
                    request.setUnlock(
                            encode(
                                    new RangeLock(
                                            unlock.owner(),
                                            false,
                                            unlock.start(),
                                            unlock.end(),
                                            0)));
            case LockOp.Test test -> request.setTest(encode(test.wanted()));
            case LockOp.Cancel cancel ->
                    request.setCancel(
                            LockWanted.newBuilder()
                                    .setLock(encode(cancel.wanted()))
                                    .setWaiter(cancel.waiter()));
            case LockOp.HandOver handOver -> request.setHandOver(set(handOver.locks(), false));
            case LockOp.Reclaim reclaim ->
                    request.setReclaim(set(reclaim.locks(), reclaim.delegated()));
        }
    }

    private static LockSet set(List<RangeLock> locks, boolean delegated) {
        LockSet.Builder set = LockSet.newBuilder().setDelegated(delegated);
        locks.forEach(lock -> set.addLocks(encode(lock)));
        return set.build();
    }

    /**
     * The operation of a request; owners are of the session that sends it, whatever it says.
     *
     * @throws IllegalArgumentException when there is none, or a range is none
     */
    public static LockOp decode(LockRequest request) {
        var session = new SessionId(request.getSession());
        return switch (request.getOpCase()) {
            case LOCK ->
                    new LockOp.Lock(
                            decode(session, request.getLock().getLock()),
                            request.getLock().getWaits(),
                            request.getLock().getWaiter());
            case UNLOCK -> {
                RangeLock range = decode(session, request.getUnlock());
                yield new LockOp.Unlock(range.owner(), range.start(), range.end());
            }
            case TEST -> new LockOp.Test(decode(session, request.getTest()));
            case CANCEL ->
                    new LockOp.Cancel(
                            decode(session, request.getCancel().getLock()),
                            request.getCancel().getWaiter());
            case HAND_OVER -> new LockOp.HandOver(locks(session, request.getHandOver()));
            case RECLAIM ->
                    new LockOp.Reclaim(
                            locks(session, request.getReclaim()),
                            request.getReclaim().getDelegated());
            case OP_NOT_SET -> throw new IllegalArgumentException("a lock request of no kind");
        };
    }

    private static List<RangeLock> locks(SessionId session, LockSet set) {
        return set.getLocksList().stream().map(value -> decode(session, value)).toList();
    }

    private static LockValue encode(RangeLock lock) {
        return LockValue.newBuilder()
                .setSession(lock.owner().session().value())
                .setFlock(lock.owner().kind() == LockKind.FLOCK)
                .setOwner(lock.owner().number())
                .setExclusive(lock.exclusive())
                .setStart(lock.start())
                .setEnd(lock.end())
                .setProcess(lock.process())
                .build();
    }

    private static RangeLock decode(SessionId session, LockValue value) {
        LockKind kind = value.getFlock() ? LockKind.FLOCK : LockKind.POSIX;
        if (value.getStart() < 0 || value.getEnd() < value.getStart()) {
            throw new IllegalArgumentException("a lock of no range");
        }
        return new RangeLock(
                new LockOwner(session, kind, value.getOwner()),
                value.getExclusive(),
                value.getStart(),
                value.getEnd(),
                value.getProcess());
    }

    /** The reply to an answer other than GRACE, which is BUSY of the call itself. */
    public static LockReply encode(LockAnswer answer, long serverIncarnation) {
        LockReply.Builder reply =
                LockReply.newBuilder()
                        .setStatus(encode(answer.status()))
                        .setDelegated(answer.delegated())
                        .setServerIncarnation(serverIncarnation);
        if (answer.conflict() != null) {
            reply.setConflict(encode(answer.conflict()));
        }
        return reply.build();
    }

    private static LockStatus encode(LockAnswer.Status status) {
        return switch (status) {
            case DONE -> LockStatus.LOCK_DONE;
            case CONFLICT -> LockStatus.LOCK_CONFLICT;
            case WAITING -> LockStatus.LOCK_WAITING;
            case RECALLING -> LockStatus.LOCK_RECALLING;
            case DEADLOCK -> LockStatus.LOCK_DEADLOCK;
            case CANCELLED -> LockStatus.LOCK_CANCELLED;
            case TOO_MANY -> LockStatus.LOCK_TOO_MANY;
            case STALE -> LockStatus.LOCK_STALE;
            case LOST -> LockStatus.LOCK_LOST;
            case GRACE -> throw new IllegalArgumentException("GRACE is no reply");
        };
    }

    /** What a reply says; null where it says nothing known. */
    public static @Nullable LockAnswer decode(LockReply reply) {
        LockAnswer.Status status =
                switch (reply.getStatus()) {
                    case LOCK_DONE -> LockAnswer.Status.DONE;
                    case LOCK_CONFLICT -> LockAnswer.Status.CONFLICT;
                    case LOCK_WAITING -> LockAnswer.Status.WAITING;
                    case LOCK_RECALLING -> LockAnswer.Status.RECALLING;
                    case LOCK_DEADLOCK -> LockAnswer.Status.DEADLOCK;
                    case LOCK_CANCELLED -> LockAnswer.Status.CANCELLED;
                    case LOCK_TOO_MANY -> LockAnswer.Status.TOO_MANY;
                    case LOCK_STALE -> LockAnswer.Status.STALE;
                    case LOCK_LOST -> LockAnswer.Status.LOST;
                    case LOCK_UNKNOWN, UNRECOGNIZED -> null;
                };
        if (status == null) {
            return null;
        }
        RangeLock conflict =
                reply.hasConflict()
                        ? decode(
                                new SessionId(reply.getConflict().getSession()),
                                reply.getConflict())
                        : null;
        return new LockAnswer(status, conflict, reply.getDelegated());
    }
}

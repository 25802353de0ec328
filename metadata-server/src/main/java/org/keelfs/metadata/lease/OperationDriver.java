package org.keelfs.metadata.lease;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Clock;
import org.keelfs.base.Errno;
import org.keelfs.lease.LeaseState;
import org.keelfs.lease.OperationLock;
import org.keelfs.lease.OperationLocks;
import org.keelfs.metadata.log.MetadataLog;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.InodeRow;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.Operation;
import org.keelfs.wire.proto.MetadataProto.OperationLockReply;
import org.keelfs.wire.proto.MetadataProto.OperationLockRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the operation locks of SHARED mode: answers who may begin, with size and times as they are
 * then. Confined to the service's executor.
 */
public final class OperationDriver implements OperationLocks.Effects {
    private static final Logger LOG = LoggerFactory.getLogger(OperationDriver.class);

    /** Names of looks lie above those of sessions, which count from 1. */
    private static final long FIRST_LOOK = 1L << 62;

    private record Key(SessionId session, long token) {}

    /** Who waits: a lock's asker is answered, a look goes on or begins anew. */
    private record Asker(
            InodeId inode, RpcRequest rpc, @Nullable Runnable look, @Nullable Runnable lookAgain) {}

    private final MetadataLog log;
    private final LeaseDriver leases;
    private final Clock clock;
    private final OperationLocks locks;
    private final Map<Key, Asker> waiting = new HashMap<>();
    private final ArrayDeque<Runnable> effects = new ArrayDeque<>();
    private List<Runnable> parked = new ArrayList<>();
    private long lastLook = FIRST_LOOK;
    private boolean draining;

    public OperationDriver(MetadataLog log, LeaseDriver leases, Clock clock) {
        this.log = log;
        this.leases = leases;
        this.clock = clock;
        this.locks = new OperationLocks(this::sizeOf);
    }

    private @Nullable InodeRow row(InodeId inode) {
        return log.read(tables -> tables.inode(inode));
    }

    private long sizeOf(InodeId inode) {
        InodeRow row = row(inode);
        return row == null ? 0 : row.attributes().size();
    }

    // ---- calls ----

    /** OPERATION_LOCK: some end, one begins. */
    public void lock(RpcRequest rpc, SessionId session, OperationLockRequest request) {
        if (leases.isGrace()) {
            // Who holds what is not known yet; and nobody is to wait for an answer that only says
            // so.
            parked.add(() -> lock(rpc, session, request));
            return;
        }
        InodeId inode = new InodeId(request.getInode());
        for (long token : request.getReleasedList()) {
            locks.onRelease(inode, session, token, clock.nanoTime(), this);
            Asker gone = waiting.remove(new Key(session, token));
            if (gone != null) {
                gone.rpc.fail(RpcStatus.CANCELLED, "given up");
            }
        }
        if (request.hasOperation()) {
            begin(rpc, session, request);
        } else {
            rpc.reply(OperationLockReply.getDefaultInstance());
        }
        drain();
    }

    private void begin(RpcRequest rpc, SessionId session, OperationLockRequest request) {
        InodeId inode = new InodeId(request.getInode());
        OperationLock lock = decode(inode, session, request.getOperation());
        LeaseState lease = leases.held(session, inode);
        if (lease.generation() != request.getGeneration() || !leases.mayOperate(session, inode)) {
            refuse(rpc, Errno.EAGAIN);
            return;
        }
        Asker before =
                waiting.put(new Key(session, lock.token()), new Asker(inode, rpc, null, null));
        if (before != null) {
            before.rpc.fail(RpcStatus.CANCELLED, "sent again");
        }
        if (locks.begins(inode, lease.since())) {
            LOG.info("{} is SHARED from now on: its leases went to and fro", inode);
        }
        locks.onRequest(lock, lease.since(), clock.nanoTime(), this);
    }

    private static OperationLock decode(InodeId inode, SessionId session, Operation operation) {
        long from = operation.getAppend() ? OperationLock.APPEND : operation.getFrom();
        return new OperationLock(
                inode,
                session,
                operation.getToken(),
                from,
                operation.getEnd(),
                operation.getExclusive());
    }

    private static void refuse(RpcRequest rpc, Errno errno) {
        rpc.reply(OperationLockReply.newBuilder().setErrno(errno.number()).build());
    }

    /** What a session says it holds, when it reclaims SHARED after a restart of this server. */
    public void reclaim(SessionId session, LeaseState lease, List<Operation> operations) {
        for (Operation operation : operations) {
            locks.onReclaim(
                    decode(lease.inode(), session, operation),
                    lease.since(),
                    clock.nanoTime(),
                    this);
        }
        drain();
    }

    /** The operation is over and what it changed is in the log. */
    public void release(SessionId session, InodeId inode, long token, boolean trimmed) {
        if (trimmed && leases.mayOperate(session, inode)) {
            locks.onTrimmed(inode);
        }
        locks.onRelease(inode, session, token, clock.nanoTime(), this);
        drain();
    }

    /** Goes on when no operation is under way that may change size or times. */
    public void look(
            RpcRequest rpc, SessionId session, InodeId inode, Runnable go, Runnable again) {
        long token = ++lastLook;
        waiting.put(new Key(session, token), new Asker(inode, rpc, go, again));
        locks.onLook(inode, session, token, clock.nanoTime(), this);
        drain();
    }

    /** Leases of sharers went: locks go with them. */
    public void onSharersChanged() {
        for (InodeId inode : locks.files()) {
            if (!leases.isShared(inode)) {
                locks.onEnded(inode, this);
            }
        }
        locks.retain(
                lock -> leases.mayOperate(lock.session(), lock.inode()), clock.nanoTime(), this);
        drain();
    }

    /** Time passes. */
    public void tick() {
        long now = clock.nanoTime();
        for (Map.Entry<Key, Asker> entry : List.copyOf(waiting.entrySet())) {
            RpcRequest call = entry.getValue().rpc;
            if (call.isCancelled() || now - call.deadlineNs() >= 0) {
                Key key = entry.getKey();
                waiting.remove(key);
                locks.onCancel(entry.getValue().inode, key.session, key.token, now, this);
                call.fail(RpcStatus.DEADLINE, "waited for operations of others to the deadline");
            }
        }
        if (!leases.isGrace() && !parked.isEmpty()) {
            List<Runnable> calls = parked;
            parked = new ArrayList<>();
            calls.forEach(Runnable::run);
        }
        locks.onTick(now, this);
        drain();
    }

    // ---- effects ----

    @Override
    public void granted(OperationLock lock) {
        effects.add(() -> onGranted(lock));
    }

    private void onGranted(OperationLock lock) {
        Asker asker = waiting.remove(new Key(lock.session(), lock.token()));
        if (asker == null) {
            return;
        }
        if (asker.look != null) {
            asker.look.run();
            return;
        }
        InodeRow row = row(lock.inode());
        if (row == null) {
            locks.onRelease(lock.inode(), lock.session(), lock.token(), clock.nanoTime(), this);
            refuse(asker.rpc, Errno.ESTALE);
            return;
        }
        asker.rpc.reply(
                OperationLockReply.newBuilder()
                        .setInode(AttributesCodec.encode(row.attributes()))
                        .setTrimBound(locks.isTrimmed(lock.inode()) ? 0 : row.trimBound())
                        .build());
    }

    @Override
    public void again(OperationLock lock) {
        effects.add(
                () -> {
                    Asker asker = waiting.remove(new Key(lock.session(), lock.token()));
                    if (asker != null && asker.lookAgain != null) {
                        asker.lookAgain.run();
                    } else if (asker != null) {
                        refuse(asker.rpc, Errno.EAGAIN);
                    }
                });
    }

    @Override
    public void stuck(InodeId inode) {
        effects.add(() -> leases.endSharing(inode));
    }

    private void drain() {
        if (draining) {
            return;
        }
        draining = true;
        try {
            Runnable next;
            while ((next = effects.poll()) != null) {
                next.run();
            }
        } finally {
            draining = false;
        }
    }
}

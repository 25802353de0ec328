package org.keelfs.metadata;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.keelfs.base.FsException;
import org.keelfs.lease.LeaseMode;
import org.keelfs.lease.LeaseReturn;
import org.keelfs.lease.LeaseState;
import org.keelfs.metadata.layout.CapabilityIssuer;
import org.keelfs.metadata.layout.Layouts;
import org.keelfs.metadata.lease.LeaseDriver;
import org.keelfs.metadata.lease.OperationDriver;
import org.keelfs.metadata.lock.LockDriver;
import org.keelfs.metadata.log.MetadataLog;
import org.keelfs.metadata.session.EndSessionCommand;
import org.keelfs.metadata.session.OpenSessionCommand;
import org.keelfs.metadata.session.Sessions;
import org.keelfs.metadata.session.Sessions.Session;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcPeer;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.proto.MetadataProto.CloseSessionReply;
import org.keelfs.wire.proto.MetadataProto.CloseSessionRequest;
import org.keelfs.wire.proto.MetadataProto.OpenSessionReply;
import org.keelfs.wire.proto.MetadataProto.OpenSessionRequest;
import org.keelfs.wire.proto.MetadataProto.Recall;
import org.keelfs.wire.proto.MetadataProto.RecallRequest;
import org.keelfs.wire.proto.MetadataProto.RenewReply;
import org.keelfs.wire.proto.MetadataProto.RenewRequest;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseReply;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sessions from their opening to their end, and what the leases need of them. Confined to the
 * service's executor.
 */
final class SessionService implements LeaseDriver.Port {
    private static final Logger LOG = LoggerFactory.getLogger(SessionService.class);

    /** A mount answers a recall at once; the lease itself comes back later. */
    private static final long RECALL_TIMEOUT_MS = 5_000;

    /** Recalls of one message. */
    private static final int RECALLS_MAX = 1_000;

    private final MetadataLog log;
    private final Executor executor;
    private final Sessions sessions;
    private final MetadataConfig config;
    private final long incarnation;
    private final Map<SessionId, CompletableFuture<Void>> ending = new HashMap<>();

    /* Sessions whose process has ended: its successor holds the mount's lock. Nobody is left who could see a late write
     * of theirs, so chunks that they wrote need no fence; else removing the files of a mount that was killed
     * would cost a round of promises each. */
    private final Set<SessionId> replaced = new HashSet<>();
    private @org.jspecify.annotations.Nullable Parts parts;

    /** What is made after this service, because it needs it. */
    record Parts(
            LeaseDriver leases,
            LockDriver locks,
            Layouts layouts,
            SubmitService submits,
            CapabilityIssuer issuer,
            OperationDriver operations) {}

    SessionService(
            MetadataLog log,
            Executor executor,
            Sessions sessions,
            MetadataConfig config,
            long incarnation) {
        this.log = log;
        this.executor = executor;
        this.sessions = sessions;
        this.config = config;
        this.incarnation = incarnation;
    }

    /** Ends the wiring; before the first call. */
    void wire(Parts made) {
        parts = made;
    }

    private Parts parts() {
        if (parts == null) {
            throw new IllegalStateException("the session service is not wired");
        }
        return parts;
    }

    // ---- calls ----

    void open(RpcRequest rpc, OpenSessionRequest request) {
        VolumeRow volume =
                log.read(
                        tables ->
                                tables.volumes().stream()
                                        .filter(row -> row.name().equals(request.getVolume()))
                                        .findFirst()
                                        .orElse(null));
        if (volume == null) {
            rpc.reply(
                    OpenSessionReply.newBuilder()
                            .setErrno(org.keelfs.base.Errno.ENOENT.number())
                            .setMessage("there is no volume '" + request.getVolume() + "'")
                            .build());
            return;
        }
        List<CompletableFuture<Void>> gone = new ArrayList<>();
        if (request.getReplacesPredecessor()) {
            for (Session old : sessions.ofMount(request.getMountId().toByteArray())) {
                if (parts().leases().isOpen(old.id())) {
                    replaced.add(old.id());
                }
                gone.add(ending.computeIfAbsent(old.id(), _ -> new CompletableFuture<>()));
                parts().leases().evictNow(old.id(), "its mount has started again");
            }
        }
        var _ =
                CompletableFuture.allOf(gone.toArray(CompletableFuture<?>[]::new))
                        .thenCompose(_ -> record(rpc, request))
                        .whenCompleteAsync(
                                (opened, failure) -> {
                                    if (failure == null) {
                                        onOpened(rpc, opened);
                                    } else if (Failures.cause(failure) instanceof FsException e) {
                                        rpc.reply(
                                                OpenSessionReply.newBuilder()
                                                        .setErrno(e.errno().number())
                                                        .setMessage(String.valueOf(e.getMessage()))
                                                        .build());
                                    } else {
                                        Failures.answer(rpc, failure);
                                    }
                                },
                                executor);
    }

    private CompletableFuture<OpenSessionCommand.Opened> record(
            RpcRequest rpc, OpenSessionRequest request) {
        var command =
                new OpenSessionCommand(
                        request.getVolume(),
                        request.getMountId().toByteArray(),
                        Sessions.certificateOf(rpc.peer()));
        return log.submit(command)
                .thenCompose(done -> log.force(done.position()).thenApply(_ -> done.result()));
    }

    private void onOpened(RpcRequest rpc, OpenSessionCommand.Opened opened) {
        SessionId id = opened.session().id();
        long leaseFloor = parts().leases().open(id);
        Session session = sessions.add(opened.session());
        attach(session, rpc.peer());
        LOG.info(
                "Session {} of '{}' at {} mounts '{}'",
                id,
                rpc.peer().commonName(),
                rpc.peer().address(),
                opened.volume().name());
        rpc.reply(
                OpenSessionReply.newBuilder()
                        .setSession(id.value())
                        .setLeaseTermMs(config.leaseTermMs())
                        .setRenewMs(config.renewMs())
                        .setServerTimeMs(parts().issuer().serverTimeMs())
                        .setVolume(Wire.encode(opened.volume()))
                        .setServerIncarnation(incarnation)
                        .setInodePool(Wire.encode(opened.session().pool()))
                        .setLeaseFloor(leaseFloor)
                        .build());
    }

    /** Calls of this session come over this connection: recalls go back over it. */
    void attach(Session session, RpcPeer peer) {
        if (sessions.isAttached(session, peer)) {
            return;
        }
        if (sessions.attach(session, peer)) {
            parts().leases().reconnected(session.id());
        }
        peer.onClose(() -> executor.execute(() -> sessions.detach(session, peer)));
    }

    void renew(RpcRequest rpc, Session session, RenewRequest request) {
        boolean reclaimed = request.getReclaimedIncarnation() == incarnation;
        if (!parts().leases().renew(session.id(), request.getProgress(), reclaimed)) {
            rpc.fail(RpcStatus.SESSION_GONE, "the session is over");
            return;
        }
        rpc.reply(
                RenewReply.newBuilder()
                        .setServerTimeMs(parts().issuer().serverTimeMs())
                        .setForcedPosition(log.forcedPosition())
                        .setServerIncarnation(incarnation)
                        .build());
    }

    void close(RpcRequest rpc, CloseSessionRequest request) {
        SessionId id = new SessionId(request.getSession());
        var _ =
                log.submit(new EndSessionCommand(id, false))
                        .whenCompleteAsync(
                                (_, failure) -> {
                                    if (failure != null) {
                                        Failures.answer(rpc, failure);
                                        return;
                                    }
                                    sessions.remove(id);
                                    parts().leases().close(id);
                                    parts().locks().sessionEnded(id);
                                    LOG.info("Session {} has closed", id);
                                    rpc.reply(CloseSessionReply.getDefaultInstance());
                                },
                                executor);
    }

    void returnLease(RpcRequest rpc, Session session, ReturnLeaseRequest request) {
        InodeId inode = new InodeId(request.getInode());
        LeaseDriver leases = parts().leases();
        LeaseState held = leases.held(session.id(), inode);
        boolean writer =
                held.mode() == LeaseMode.WRITE && held.generation() == request.getGeneration();
        if (writer && !request.getInDoubt()) {
            parts().layouts().handOver(session.id(), inode, request.getHandOversList());
        }
        var how =
                new LeaseReturn(
                        request.getGeneration(),
                        Wire.decode(request.getKeep()),
                        request.getShareable(),
                        request.getInDoubt());
        LeaseState left = leases.giveBack(session.id(), inode, how);
        rpc.reply(ReturnLeaseReply.newBuilder().setLease(Wire.encode(left)).build());
    }

    // ---- what the leases need ----

    @Override
    public void recall(SessionId holder, List<LeaseDriver.Recalled> recalls) {
        Session session = sessions.find(holder);
        RpcPeer peer = session == null ? null : session.peer();
        if (peer == null) {
            return; // It is asked again when it connects.
        }
        for (int from = 0; from < recalls.size(); from += RECALLS_MAX) {
            RecallRequest.Builder request = RecallRequest.newBuilder().setSession(holder.value());
            int end = Math.min(recalls.size(), from + RECALLS_MAX);
            for (LeaseDriver.Recalled recalled : recalls.subList(from, end)) {
                request.addRecalls(
                        Recall.newBuilder()
                                .setInode(recalled.inode().value())
                                .setGeneration(recalled.generation())
                                .setKeep(Wire.encode(recalled.keep())));
            }
            var _ =
                    peer.call(RpcMethod.RECALL, request.build(), RECALL_TIMEOUT_MS)
                            .whenComplete((reply, failure) -> onRecallSent(holder, reply, failure));
        }
    }

    private static void onRecallSent(
            SessionId holder,
            @org.jspecify.annotations.Nullable RpcReply reply,
            @org.jspecify.annotations.Nullable Throwable failure) {
        if (reply != null) {
            reply.release();
        } else if (failure != null) {
            LOG.info("Recall to session {} was not taken: {}", holder, failure.getMessage());
        }
    }

    @Override
    public void evict(SessionId id, String why, Runnable done) {
        LOG.warn("Session {} is evicted: {}", id, why);
        boolean dead = replaced.remove(id);
        if (!dead) {
            parts().submits().onEvicted();
        }
        var _ =
                log.submit(new EndSessionCommand(id, !dead))
                        .thenCompose(ended -> log.force(ended.position()))
                        .whenCompleteAsync(
                                (_, failure) -> {
                                    if (failure != null) {
                                        LOG.error(
                                                "The end of session {} is not recorded",
                                                id,
                                                failure);
                                        return;
                                    }
                                    sessions.remove(id);
                                    done.run();
                                    parts().locks().sessionEnded(id);
                                    CompletableFuture<Void> waiting = ending.remove(id);
                                    if (waiting != null) {
                                        waiting.complete(null);
                                    }
                                },
                                executor);
    }

    @Override
    public void onSharersChanged() {
        parts().operations().onSharersChanged();
    }

    @Override
    public void onWriteGranted(InodeId inode) {
        parts().layouts().onWriteGranted(inode);
    }
}

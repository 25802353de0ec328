package org.keelfs.metadata;

import org.keelfs.base.InvariantViolation;
import org.keelfs.base.SerialExecutor;
import org.keelfs.metadata.layout.Layouts;
import org.keelfs.metadata.lease.LeaseDriver;
import org.keelfs.metadata.lease.OperationDriver;
import org.keelfs.metadata.lock.LockDriver;
import org.keelfs.metadata.log.MetadataLog;
import org.keelfs.metadata.session.Sessions;
import org.keelfs.metadata.session.Sessions.Session;
import org.keelfs.model.ChunkId;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcHandler;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.proto.MetadataProto.AcquireLeaseRequest;
import org.keelfs.wire.proto.MetadataProto.ChunkReportRequest;
import org.keelfs.wire.proto.MetadataProto.CloseSessionRequest;
import org.keelfs.wire.proto.MetadataProto.ForceReply;
import org.keelfs.wire.proto.MetadataProto.ForceRequest;
import org.keelfs.wire.proto.MetadataProto.GetInodeRequest;
import org.keelfs.wire.proto.MetadataProto.HeartbeatRequest;
import org.keelfs.wire.proto.MetadataProto.LayoutRequest;
import org.keelfs.wire.proto.MetadataProto.LockRequest;
import org.keelfs.wire.proto.MetadataProto.LookupRequest;
import org.keelfs.wire.proto.MetadataProto.OpenSessionRequest;
import org.keelfs.wire.proto.MetadataProto.OperationLockRequest;
import org.keelfs.wire.proto.MetadataProto.ReadDirectoryRequest;
import org.keelfs.wire.proto.MetadataProto.RegisterNodeRequest;
import org.keelfs.wire.proto.MetadataProto.RenewRequest;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseRequest;
import org.keelfs.wire.proto.MetadataProto.SealedReply;
import org.keelfs.wire.proto.MetadataProto.SealedRequest;
import org.keelfs.wire.proto.MetadataProto.StatfsRequest;
import org.keelfs.wire.proto.MetadataProto.SubmitRequest;
import org.keelfs.wire.proto.MetadataProto.VolumeRequest;

/**
 * Takes the calls that come in: one after another on the service's executor, which owns all soft
 * state. Which role may call what, the transport has checked.
 */
final class MetadataService implements RpcHandler {
    private final SerialExecutor executor;
    private final MetadataLog log;
    private final Sessions sessions;
    private final LeaseDriver leases;
    private final LockDriver locks;
    private final Layouts layouts;
    private final SessionService sessionService;
    private final ReadService reads;
    private final SubmitService submits;
    private final OperationDriver operations;
    private final ClusterService cluster;
    private final long incarnation;

    MetadataService(
            SerialExecutor executor,
            MetadataLog log,
            Sessions sessions,
            LeaseDriver leases,
            LockDriver locks,
            Layouts layouts,
            SessionService sessionService,
            ReadService reads,
            SubmitService submits,
            OperationDriver operations,
            ClusterService cluster,
            long incarnation) {
        this.executor = executor;
        this.log = log;
        this.sessions = sessions;
        this.leases = leases;
        this.locks = locks;
        this.layouts = layouts;
        this.sessionService = sessionService;
        this.reads = reads;
        this.submits = submits;
        this.operations = operations;
        this.cluster = cluster;
        this.incarnation = incarnation;
    }

    @Override
    public void onRequest(RpcRequest rpc) {
        Runnable handling = decoded(rpc);
        executor.execute(
                () -> {
                    try {
                        handling.run();
                    } catch (InvariantViolation bug) {
                        rpc.fail(RpcStatus.FAILED, "the metadata server stops for a bug");
                        throw bug;
                    } catch (RuntimeException e) {
                        Failures.answer(rpc, e);
                    }
                });
    }

    /** Decodes on the connection's event loop; what it returns runs on the executor. */
    private Runnable decoded(RpcRequest rpc) {
        return switch (rpc.method()) {
            case OPEN_SESSION -> {
                var request = rpc.decode(OpenSessionRequest.parser());
                yield () -> sessionService.open(rpc, request);
            }
            case RENEW -> {
                var request = rpc.decode(RenewRequest.parser());
                yield () -> sessionService.renew(rpc, session(rpc, request.getSession()), request);
            }
            case CLOSE_SESSION -> {
                var request = rpc.decode(CloseSessionRequest.parser());
                yield () -> {
                    var _ = session(rpc, request.getSession());
                    sessionService.close(rpc, request);
                };
            }
            case SUBMIT -> {
                var request = rpc.decode(SubmitRequest.parser());
                yield () -> submits.submit(rpc, session(rpc, request.getSession()), request);
            }
            case FORCE -> {
                var request = rpc.decode(ForceRequest.parser());
                yield () -> force(rpc, request);
            }
            case LOOKUP -> {
                var request = rpc.decode(LookupRequest.parser());
                yield () -> reads.lookup(rpc, session(rpc, request.getSession()), request);
            }
            case GET_INODE -> {
                var request = rpc.decode(GetInodeRequest.parser());
                yield () -> reads.getInode(rpc, session(rpc, request.getSession()), request);
            }
            case READ_DIRECTORY -> {
                var request = rpc.decode(ReadDirectoryRequest.parser());
                yield () -> reads.readDirectory(rpc, session(rpc, request.getSession()), request);
            }
            case ACQUIRE_LEASE -> {
                var request = rpc.decode(AcquireLeaseRequest.parser());
                yield () -> reads.acquire(rpc, session(rpc, request.getSession()), request);
            }
            case RETURN_LEASE -> {
                var request = rpc.decode(ReturnLeaseRequest.parser());
                yield () ->
                        sessionService.returnLease(
                                rpc, session(rpc, request.getSession()), request);
            }
            case OPERATION_LOCK -> {
                var request = rpc.decode(OperationLockRequest.parser());
                yield () -> operations.lock(rpc, session(rpc, request.getSession()).id(), request);
            }
            case LAYOUT -> {
                var request = rpc.decode(LayoutRequest.parser());
                yield () -> layout(rpc, session(rpc, request.getSession()), request);
            }
            case SEALED -> {
                var request = rpc.decode(SealedRequest.parser());
                yield () -> sealed(rpc, session(rpc, request.getSession()), request);
            }
            case LOCK -> {
                var request = rpc.decode(LockRequest.parser());
                yield () -> locks.request(rpc, session(rpc, request.getSession()), request);
            }
            case STATFS -> {
                var request = rpc.decode(StatfsRequest.parser());
                yield () -> cluster.statfs(rpc, session(rpc, request.getSession()).volume());
            }
            case VOLUME -> {
                var request = rpc.decode(VolumeRequest.parser());
                yield () -> cluster.volume(rpc, request);
            }
            case STATUS -> () -> cluster.status(rpc);
            case REGISTER_NODE -> {
                var request = rpc.decode(RegisterNodeRequest.parser());
                yield () -> cluster.register(rpc, request);
            }
            case HEARTBEAT -> {
                var request = rpc.decode(HeartbeatRequest.parser());
                yield () -> cluster.heartbeat(rpc, request);
            }
            case CHUNK_REPORT -> {
                var request = rpc.decode(ChunkReportRequest.parser());
                yield () -> cluster.chunkReport(rpc, request);
            }
            case RECALL, LOCK_NOTICE, SECTORS, DROP_CHUNKS ->
                    throw new RpcException(
                            RpcStatus.REFUSED, "a metadata server takes no " + rpc.method());
        };
    }

    private Session session(RpcRequest rpc, long id) {
        Session session = sessions.require(id, rpc.peer());
        if (!leases.isOpen(session.id())) {
            throw new RpcException(RpcStatus.SESSION_GONE, "session " + id + " is over");
        }
        sessionService.attach(session, rpc.peer());
        return session;
    }

    private void force(RpcRequest rpc, ForceRequest request) {
        if (request.getServerIncarnation() != incarnation) {
            rpc.fail(
                    RpcStatus.BUSY,
                    "the metadata server has restarted: send what was not forced again first");
            return;
        }
        var _ =
                log.force(request.getPosition())
                        .whenComplete(
                                (forced, failure) -> {
                                    if (failure != null) {
                                        Failures.answer(rpc, failure);
                                    } else {
                                        rpc.reply(
                                                ForceReply.newBuilder()
                                                        .setForcedPosition(forced)
                                                        .build());
                                    }
                                });
    }

    private void layout(RpcRequest rpc, Session session, LayoutRequest request) {
        if (request.getWantsCount() > Layouts.WANTS_MAX) {
            throw new RpcException(
                    RpcStatus.REFUSED, "more than " + Layouts.WANTS_MAX + " layouts in one call");
        }
        layouts.layout(
                new Layouts.Asker(session.id(), session.volume(), session.certificate()),
                request,
                rpc::reply,
                failure -> Failures.answer(rpc, failure));
    }

    private void sealed(RpcRequest rpc, Session session, SealedRequest request) {
        layouts.sealed(
                session.id(),
                new ChunkId(request.getChunk()),
                request.getEpoch(),
                accepted -> rpc.reply(SealedReply.newBuilder().setAccepted(accepted).build()),
                failure -> Failures.answer(rpc, failure));
    }
}

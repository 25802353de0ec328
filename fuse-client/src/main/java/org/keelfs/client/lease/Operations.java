package org.keelfs.client.lease;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.Operation;
import org.keelfs.wire.proto.MetadataProto.OperationLockReply;
import org.keelfs.wire.proto.MetadataProto.OperationLockRequest;

/**
 * Operation locks of SHARED mode (DESIGN section 4), from the metadata server. Thread-safe; calls
 * wait on virtual threads.
 */
public final class Operations {
    /**
     * Before the lease is asked for again that is on its way back: its recall is on its way too.
     */
    private static final long AGAIN_NS = TimeUnit.MILLISECONDS.toNanos(5);

    private final MetadataSession session;
    private final AtomicLong lastToken = new AtomicLong();

    public Operations(MetadataSession session) {
        this.session = session;
    }

    /**
     * An operation that may go on now.
     *
     * @param token its name
     * @param session that it belongs to
     * @param attributes of the file while it lasts
     * @param trimBound up to where the nodes may hold bytes behind the size; 0: there are none
     */
    public record Begun(long token, long session, Attributes attributes, long trimBound) {}

    /** Reads bytes {@code [from, end)}. Null: close the use of the lease, and begin all over. */
    public @Nullable Begun beginRead(InodeId inode, SharedLease lease, long from, long end) {
        return begin(inode, lease, Operation.newBuilder().setFrom(from).setEnd(end));
    }

    /** Changes bytes {@code [from, end)}, and the size if that grows. Null: as for a read. */
    public @Nullable Begun beginWrite(InodeId inode, SharedLease lease, long from, long end) {
        return begin(
                inode, lease, Operation.newBuilder().setFrom(from).setEnd(end).setExclusive(true));
    }

    /** Adds bytes at the end. Null: as for a read. */
    public @Nullable Begun beginAppend(InodeId inode, SharedLease lease) {
        return begin(inode, lease, Operation.newBuilder().setAppend(true).setExclusive(true));
    }

    private @Nullable Begun begin(InodeId inode, SharedLease lease, Operation.Builder builder) {
        Operation operation = builder.setToken(lastToken.incrementAndGet()).build();
        // From here on a restarted server is told of it: its predecessor may have granted it.
        lease.began(operation);
        long sessionId = session.id();
        boolean begun = false;
        try {
            OperationLockReply reply =
                    session.call(
                            RpcMethod.OPERATION_LOCK,
                            id -> request(id, inode, lease).setOperation(operation).build(),
                            OperationLockReply.parser());
            if (reply.getErrno() == Errno.EAGAIN.number() || session.id() != sessionId) {
                LockSupport.parkNanos(AGAIN_NS);
                return null;
            }
            if (reply.getErrno() != 0) {
                throw new FsException(Errno.of(reply.getErrno()), inode + ": no operation lock");
            }
            begun = true;
            return new Begun(
                    operation.getToken(),
                    sessionId,
                    AttributesCodec.decode(reply.getInode()),
                    reply.getTrimBound());
        } finally {
            if (!begun) {
                end(inode, lease, operation.getToken());
            }
        }
    }

    private static OperationLockRequest.Builder request(long id, InodeId inode, SharedLease lease) {
        return OperationLockRequest.newBuilder()
                .setSession(id)
                .setInode(inode.value())
                .setGeneration(lease.generation());
    }

    /** It is over and has changed nothing that the server keeps; returns at once. */
    public void end(InodeId inode, SharedLease lease, long token) {
        lease.ended(token);
        var _ =
                session.callAsync(
                        RpcMethod.OPERATION_LOCK,
                        id -> request(id, inode, lease).addReleased(token).build(),
                        OperationLockReply.parser());
    }
}

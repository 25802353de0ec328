package org.keelfs.rpc;

import org.jspecify.annotations.Nullable;

/**
 * The calls of the system, with their numbers on the wire (never reused). Bodies are the protobuf
 * messages named here, of {@code metadata.proto} and {@code node.proto}.
 */
public enum RpcMethod {
    /** Client to metadata server: OpenSessionRequest, OpenSessionReply. */
    OPEN_SESSION(1),
    /** RenewRequest, RenewReply. */
    RENEW(2),
    /** CloseSessionRequest, CloseSessionReply. */
    CLOSE_SESSION(3),
    /** SubmitRequest, SubmitReply. */
    SUBMIT(4),
    /** ForceRequest, ForceReply. */
    FORCE(5),
    /** LookupRequest, LookupReply. */
    LOOKUP(6),
    /** GetInodeRequest, GetInodeReply. */
    GET_INODE(7),
    /** ReadDirectoryRequest, ReadDirectoryReply. */
    READ_DIRECTORY(8),
    /** AcquireLeaseRequest, AcquireLeaseReply. */
    ACQUIRE_LEASE(9),
    /** ReturnLeaseRequest, ReturnLeaseReply. */
    RETURN_LEASE(10),
    /** LayoutRequest, LayoutReply. */
    LAYOUT(11),
    /** SealedRequest, SealedReply. */
    SEALED(12),
    /** StatfsRequest, StatfsReply. */
    STATFS(13),
    /** Metadata server to client, on the client's connection: RecallRequest, RecallReply. */
    RECALL(14),
    /** Admin: VolumeRequest, VolumeReply. */
    VOLUME(15),
    /** Admin: StatusRequest, StatusReply. */
    STATUS(16),
    /** Node to metadata server: RegisterNodeRequest, RegisterNodeReply. */
    REGISTER_NODE(17),
    /** Node to metadata server: HeartbeatRequest, HeartbeatReply. */
    HEARTBEAT(18),
    /** Client or node to node: SectorBatchRequest with payload, SectorBatchReply with payload. */
    SECTORS(19),
    /** Metadata server to node: DropChunksRequest, DropChunksReply. */
    DROP_CHUNKS(20),
    /** Node to metadata server: ChunkReportRequest, ChunkReportReply. */
    CHUNK_REPORT(21),
    /** File locks: LockRequest, LockReply. Never waits. */
    LOCK(22),
    /**
     * Metadata server to client, on the client's connection: LockNoticeRequest, LockNoticeReply.
     */
    LOCK_NOTICE(23),
    /** OperationLockRequest, OperationLockReply. */
    OPERATION_LOCK(30);

    private static final @Nullable RpcMethod[] BY_NUMBER = byNumber();

    private final int number;

    RpcMethod(int number) {
        this.number = number;
    }

    /** Number on the wire. */
    public int number() {
        return number;
    }

    /** The call with this number on the wire; null where there is none. */
    public static @Nullable RpcMethod of(int number) {
        return number > 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
    }

    private static @Nullable RpcMethod[] byNumber() {
        int greatest = 0;
        for (RpcMethod method : values()) {
            greatest = Math.max(greatest, method.number);
        }
        var table = new @Nullable RpcMethod[greatest + 1];
        for (RpcMethod method : values()) {
            table[method.number] = method;
        }
        return table;
    }
}

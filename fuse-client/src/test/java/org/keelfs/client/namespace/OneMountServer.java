package org.keelfs.client.namespace;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.namespace.CreateCommand;
import org.keelfs.namespace.InodePool;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.MemoryTables;
import org.keelfs.namespace.Origin;
import org.keelfs.namespace.RootDirectory;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.rpc.RpcCaller;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.CommandCodec;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;
import org.keelfs.wire.proto.MetadataProto.ForceReply;
import org.keelfs.wire.proto.MetadataProto.InodePoolValue;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;
import org.keelfs.wire.proto.MetadataProto.LeaseMode;
import org.keelfs.wire.proto.MetadataProto.OpenSessionReply;
import org.keelfs.wire.proto.MetadataProto.SubmitReply;
import org.keelfs.wire.proto.MetadataProto.SubmitRequest;
import org.keelfs.wire.proto.MetadataProto.VolumeInfo;

/**
 * A metadata server for one mount, at the end of its {@link RpcCaller}: sessions, and commands run
 * on tables in memory. Guarded by itself.
 */
public final class OneMountServer implements RpcCaller {
    private static final int VOLUME = 1;

    private final MemoryTables tables = new MemoryTables();
    private final List<IssuedCommand> applied = new ArrayList<>();
    private long session;
    private long generation = 100;
    private long position;

    public OneMountServer() {
        tables.putVolume(new VolumeRow(VOLUME, "v", 1 << 20, 3, new byte[0], InodeId.ROOT));
        var _ = RootDirectory.create(tables, VOLUME, 0, 0, 0777, 1);
    }

    /** What has been applied, in order. */
    public synchronized List<IssuedCommand> applied() {
        return List.copyOf(applied);
    }

    synchronized Attributes attributes(InodeId inode) {
        return Objects.requireNonNull(tables.inode(inode)).attributes();
    }

    /** Whether the inode exists, by a name or by a pin. */
    public synchronized boolean knows(InodeId inode) {
        return tables.inode(inode) != null;
    }

    /** From now on the session is unknown. */
    synchronized void evict() {
        session++;
    }

    @Override
    public synchronized CompletableFuture<RpcReply> call(
            RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs) {
        try {
            MessageLite reply =
                    switch (method) {
                        case OPEN_SESSION -> open();
                        case SUBMIT -> submit((SubmitRequest) body);
                        case FORCE -> ForceReply.newBuilder().setForcedPosition(position).build();
                        default -> throw new RpcException(RpcStatus.REFUSED, method.name());
                    };
            return CompletableFuture.completedFuture(
                    new RpcReply(ByteBuffer.wrap(reply.toByteArray()), PayloadBuffer.EMPTY));
        } catch (RpcException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private OpenSessionReply open() {
        session++;
        InodePool pool = InodePool.EMPTY.refilled(tables).refilled(tables);
        tables.putSession(
                new SessionRow(
                                new SessionId(session),
                                new byte[16],
                                VOLUME,
                                SessionRow.State.OPEN,
                                new byte[0],
                                0,
                                0)
                        .withPool(pool));
        return OpenSessionReply.newBuilder()
                .setSession(session)
                .setLeaseTermMs(60_000)
                .setRenewMs(60_000)
                .setServerTimeMs(System.currentTimeMillis())
                .setVolume(
                        VolumeInfo.newBuilder()
                                .setId(VOLUME)
                                .setName("v")
                                .setChunkBytes(1 << 20)
                                .setReplicas(3)
                                .setRoot(InodeId.ROOT.value())
                                .setKeyring(ByteString.EMPTY))
                .setServerIncarnation(1)
                .setInodePool(
                        InodePoolValue.newBuilder()
                                .setNext(pool.next())
                                .setEnd(pool.end())
                                .setSpare(pool.spare())
                                .setSpareEnd(pool.spareEnd()))
                .setLeaseFloor(0)
                .build();
    }

    private SubmitReply submit(SubmitRequest request) {
        if (request.getSession() != session) {
            throw new RpcException(RpcStatus.SESSION_GONE, "evicted");
        }
        var reply = SubmitReply.newBuilder();
        for (Command command : request.getCommandsList()) {
            reply.addResults(apply(CommandCodec.decode(command)));
        }
        return reply.setPosition(++position).build();
    }

    private CommandResult apply(IssuedCommand issued) {
        applied.add(issued);
        var origin = new Origin(new SessionId(session), VOLUME, issued.caller(), issued.timeNs());
        CommandOutcome outcome = issued.command().run(tables, origin);
        CommandResult result = CommandCodec.encode(outcome);
        if (!(issued.command() instanceof CreateCommand) || outcome.inode() == null) {
            return result;
        }
        return result.toBuilder()
                .setLease(
                        LeaseGrant.newBuilder()
                                .setInode(outcome.inode().inode().value())
                                .setMode(LeaseMode.WRITE)
                                .setGeneration(++generation))
                .build();
    }
}

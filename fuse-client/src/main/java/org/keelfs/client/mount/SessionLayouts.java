package org.keelfs.client.mount;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.keelfs.client.lease.Leases;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.client.quorum.Layouts;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.wire.proto.MetadataProto.Layout;
import org.keelfs.wire.proto.MetadataProto.LayoutReply;
import org.keelfs.wire.proto.MetadataProto.LayoutRequest;
import org.keelfs.wire.proto.MetadataProto.LayoutWant;
import org.keelfs.wire.proto.MetadataProto.SealedReply;
import org.keelfs.wire.proto.MetadataProto.SealedRequest;

/** Layouts from the metadata server under this mount's session. */
final class SessionLayouts implements Layouts {
    private final MetadataSession session;
    private final Leases leases;
    private final NamespaceWriter names;
    private final AtomicLong counter = new AtomicLong();

    SessionLayouts(MetadataSession session, Leases leases, NamespaceWriter names) {
        this.session = session;
        this.names = names;
        this.leases = leases;
    }

    @Override
    public CompletableFuture<List<Layout>> layouts(List<LayoutWant> wants) {
        return session.callAsync(RpcMethod.LAYOUT, id -> afterMade(id, wants), LayoutReply.parser())
                .thenApply(LayoutReply::getLayoutsList);
    }

    /** The server has no layout for a file that it does not know yet. */
    private LayoutRequest afterMade(long sessionId, List<LayoutWant> wants) {
        names.awaitMade(wants.stream().map(want -> new InodeId(want.getInode())).toList());
        return LayoutRequest.newBuilder().setSession(sessionId).addAllWants(wants).build();
    }

    @Override
    public CompletableFuture<Boolean> sealed(ChunkId chunk, long epoch) {
        return session.callAsync(
                        RpcMethod.SEALED,
                        id ->
                                SealedRequest.newBuilder()
                                        .setSession(id)
                                        .setChunk(chunk.value())
                                        .setEpoch(epoch)
                                        .build(),
                        SealedReply.parser())
                .thenApply(SealedReply::getAccepted);
    }

    @Override
    public long session() {
        return session.id();
    }

    @Override
    public long nextCounterAbove(long seen) {
        return counter.accumulateAndGet(seen, (own, other) -> Math.max(own, other) + 1);
    }

    @Override
    public long serverTimeMs() {
        return session.serverTimeMs();
    }

    /**
     * A recall under way still flushes under the lease; after it is lost nothing may be sent anew.
     */
    @Override
    public boolean mayRewrite(InodeId inode) {
        return leases.holds(inode, LeaseMode.WRITE);
    }

    @Override
    public boolean isLeased(InodeId inode, boolean forWriting) {
        return leases.covers(inode, forWriting ? LeaseMode.WRITE : LeaseMode.READ);
    }
}

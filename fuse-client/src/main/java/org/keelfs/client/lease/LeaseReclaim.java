package org.keelfs.client.lease;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.wire.proto.MetadataProto.AcquireLeaseReply;
import org.keelfs.wire.proto.MetadataProto.AcquireLeaseRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gets leases back from a restarted server. All others of the cluster wait for it. */
final class LeaseReclaim {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseReclaim.class);

    /** Reclaims on their way at a time: enough to hide round trips, few beside other calls. */
    private static final int RECLAIMS_MAX = 256;

    private final MetadataSession session;
    private final RecallTarget target;

    LeaseReclaim(MetadataSession session, RecallTarget target) {
        this.session = session;
        this.target = target;
    }

    void run(Map<InodeId, LeaseEntry> entries) {
        List<CompletableFuture<Void>> asked = new ArrayList<>();
        for (var e : entries.entrySet()) {
            LeaseMode held = e.getValue().holder.mode();
            // What the server has not heard of comes with its making.
            if (held != LeaseMode.NONE && !e.getValue().isMade()) {
                asked.add(reclaim(e.getKey(), e.getValue(), held));
            }
            if (asked.size() == RECLAIMS_MAX) {
                asked.forEach(CompletableFuture::join);
                asked.clear();
            }
        }
        asked.forEach(CompletableFuture::join);
    }

    private CompletableFuture<Void> reclaim(InodeId inode, LeaseEntry entry, LeaseMode held) {
        SharedLease shared = entry.shared;
        return session.callAsync(
                        RpcMethod.ACQUIRE_LEASE,
                        id -> {
                            var request =
                                    AcquireLeaseRequest.newBuilder()
                                            .setSession(id)
                                            .setInode(inode.value())
                                            .setMode(WireModes.toWire(held))
                                            .setReclaim(true);
                            if (shared != null) {
                                request.setSharedSince(shared.since());
                                request.addAllOperations(shared.running());
                            }
                            return request.build();
                        },
                        AcquireLeaseReply.parser())
                .handle(
                        (reply, failure) -> {
                            onReclaimed(inode, entry, held, failure == null ? reply : null);
                            return null;
                        });
    }

    private void onReclaimed(
            InodeId inode, LeaseEntry entry, LeaseMode held, @Nullable AcquireLeaseReply reply) {
        entry.lock();
        try {
            entry.holder.onLost();
            boolean granted =
                    reply != null
                            && reply.getErrno() == 0
                            && WireModes.fromWire(reply.getLease().getMode()).covers(held);
            if (granted && reply != null) {
                boolean _ = entry.holder.onGrant(held, reply.getLease().getGeneration());
                if (entry.shared != null) {
                    entry.shared.reclaimed(reply.getLease().getGeneration());
                }
            } else {
                entry.shared = null;
                LOG.warn("{}: {} could not be reclaimed from the restarted server", inode, held);
                target.afterReturn(inode, LeaseMode.NONE);
            }
            entry.changed.signalAll();
        } finally {
            entry.unlock();
        }
    }
}

package org.keelfs.node.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.keelfs.base.Invariant;
import org.keelfs.model.ChunkId;
import org.keelfs.model.SectorRun;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.store.GroupCommit;
import org.keelfs.register.DropOutcome;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.ReplicaEffects;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaRegister;
import org.keelfs.wire.proto.MetadataProto.DropChunk;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Orders of the metadata server to forget chunks or to give them away (R11), and which of them are
 * durable and not told yet. Any thread.
 */
public final class DropService {
    private static final Logger LOG = LoggerFactory.getLogger(DropService.class);

    /** Told to the metadata server at a time; it sends an order again until it hears. */
    private static final int TOLD_MAX = 10_000;

    private final ReplicaRegister<Integer> register;
    private final ChunkIndex index;
    private final GroupCommit commit;
    private final Set<Long> dropped = ConcurrentHashMap.newKeySet();

    /** An order asks for nothing but records. */
    private final ReplicaEffects<Integer> effects =
            new ReplicaEffects<>() {
                @Override
                public long append(ReplicaRecord record) {
                    return index().append(record);
                }

                @Override
                public void reply(Integer request, RegisterReply reply, long position) {
                    Invariant.check(false, "a deletion has no reply of its own");
                }

                @Override
                public void replyValues(
                        Integer request, ChunkId chunk, SectorRun run, long position) {
                    Invariant.check(false, "a deletion has no reply of its own");
                }
            };

    public DropService(ChunkIndex index, GroupCommit commit) {
        this.register = new ReplicaRegister<>(index);
        this.index = index;
        this.commit = commit;
    }

    private ChunkIndex index() {
        return index;
    }

    /** Carries orders out; they count as dropped once they are durable. Never waits. */
    public void onDrops(List<DropChunk> drops) {
        for (var drop : drops) {
            var chunk = new ChunkId(drop.getChunk());
            var lock = index.lock(chunk);
            lock.lock();
            try {
                var outcome =
                        register.onDrop(chunk, drop.getFencedEpoch(), drop.getTombstone(), effects);
                switch (outcome) {
                    case DropOutcome.Dropped(long position) ->
                            commit.onDurable(position, () -> dropped.add(chunk.value()));
                    case DropOutcome.StaleOrder(long promised) ->
                            LOG.info(
                                    "order to give {} away is older than its promise {}; left alone",
                                    chunk,
                                    promised);
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /** Some of the chunks whose deletion is durable and not told yet. */
    public List<Long> dropped() {
        var some = new ArrayList<Long>();
        for (long chunk : dropped) {
            if (some.size() == TOLD_MAX) {
                break;
            }
            some.add(chunk);
        }
        return some;
    }

    /** The metadata server knows of these. */
    public void onTold(List<Long> chunks) {
        chunks.forEach(dropped::remove);
    }
}

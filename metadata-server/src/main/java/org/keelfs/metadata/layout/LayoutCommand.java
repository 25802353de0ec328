package org.keelfs.metadata.layout;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.Counter;
import org.keelfs.namespace.Evicted;
import org.keelfs.namespace.InodeEdit;
import org.keelfs.namespace.InodeRow;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.VolumeRow;

/**
 * Makes chunks and gives chunks fresh epochs, many in one record. Each step answers the chunk, or
 * null when it came too late.
 */
public record LayoutCommand(List<Step> steps)
        implements MetadataCommand<List<LayoutCommand.Result>> {
    /** One change. */
    public sealed interface Step {}

    /**
     * A chunk for a place that has none.
     *
     * @param created its first epoch
     * @param epoch its epoch: the first, in which it is OPEN, or a later one to be sealed
     * @param writer holder of WRITE, or {@link LayoutRules#SHARED}
     * @param wrappedKey not to be changed
     */
    public record Create(
            InodeId inode,
            int index,
            long created,
            long epoch,
            long writer,
            byte[] wrappedKey,
            ReplicaSet replicas)
            implements Step {}

    /**
     * A fresh epoch.
     *
     * @param expectedEpoch the one that it takes the place of; another means that somebody was
     *     faster
     * @param writer holder of WRITE, {@link LayoutRules#SHARED}, or 0 for the readers
     */
    public record Draw(ChunkId chunk, long expectedEpoch, long epoch, long writer)
            implements Step {}

    /** The chunk as it is now, or null. In a record because lists hold no null. */
    public record Result(@Nullable ChunkRow row) {}

    @Override
    public List<Result> apply(Tables tables) {
        List<Result> results = new ArrayList<>(steps.size());
        for (Step step : steps) {
            results.add(
                    new Result(
                            switch (step) {
                                case Create create -> create(tables, create);
                                case Draw draw -> draw(tables, draw);
                            }));
        }
        return results;
    }

    private static @Nullable ChunkRow create(Tables tables, Create step) {
        InodeRow inode = tables.inode(step.inode());
        if (inode == null || tables.chunkAt(step.inode(), step.index()) != null) {
            return null;
        }
        ChunkId id = new ChunkId(tables.draw(Counter.CHUNK));
        ChunkRow row =
                new ChunkRow(
                        id,
                        step.inode(),
                        step.index(),
                        step.epoch(),
                        step.epoch() == step.created(),
                        step.created(),
                        id.value(),
                        step.wrappedKey(),
                        step.replicas(),
                        step.epoch(),
                        1,
                        null,
                        step.writer(),
                        false);
        tables.putChunk(row);
        tables.putChunkAt(step.inode(), step.index(), id);
        tables.addTo(Counter.LIVE_CHUNKS, 1);
        raiseTrimBound(tables, inode, step.index());
        return row;
    }

    private static @Nullable ChunkRow draw(Tables tables, Draw step) {
        ChunkRow row = tables.chunk(step.chunk());
        if (row == null || row.epoch() != step.expectedEpoch()) {
            return null;
        }
        ChunkRow fresh = row.withEpoch(step.epoch()).withLastWriter(step.writer());
        if (Evicted.couldReach(tables, row)) {
            fresh = fresh.withExposed();
        }
        tables.putChunk(fresh);
        InodeRow inode = tables.inode(row.inode());
        if (step.writer() != 0 && inode != null) {
            raiseTrimBound(tables, inode, row.index());
        }
        return fresh;
    }

    /** The writer may store bytes up to the end of the chunk before it tells a size. */
    private static void raiseTrimBound(Tables tables, InodeRow inode, int index) {
        VolumeRow volume = tables.volume(inode.volume());
        if (volume == null) {
            throw new IllegalStateException(inode.id() + " is in a volume that does not exist");
        }
        long end = (index + 1L) * volume.chunkBytes();
        if (inode.trimBound() < end && inode.attributes().size() < end) {
            var _ = InodeEdit.of(inode).trimBound(end).put(tables);
        }
    }
}

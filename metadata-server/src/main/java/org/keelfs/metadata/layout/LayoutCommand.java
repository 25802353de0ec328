package org.keelfs.metadata.layout;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.model.ChunkId;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.Copies;
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
            long index,
            long created,
            long epoch,
            long writer,
            byte[] wrappedKey,
            ReplicaSet replicas)
            implements Step {}

    /**
     * A copy of the frozen chunk at a place, in its place.
     *
     * @param frozen the chunk that is there
     * @param created first epoch of the copy, in which nobody writes
     * @param epoch its epoch, in which it is to be sealed
     * @param writer holder of WRITE, or {@link LayoutRules#SHARED}
     */
    public record Copy(
            InodeId inode, long index, ChunkId frozen, long created, long epoch, long writer)
            implements Step {}

    /**
     * A fresh epoch. Refused for a writer while the chunk is frozen.
     *
     * @param inode the file by way of which it was asked for; a writer's alone
     * @param index its place there
     * @param expectedEpoch the one that it takes the place of; another means that somebody was
     *     faster
     * @param writer holder of WRITE, {@link LayoutRules#SHARED}, or 0 for the readers
     */
    public record Draw(
            ChunkId chunk, InodeId inode, long index, long expectedEpoch, long epoch, long writer)
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
                                case Copy copy -> copy(tables, copy);
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

    private static @Nullable ChunkRow copy(Tables tables, Copy step) {
        InodeRow inode = tables.inode(step.inode());
        ChunkRow frozen = tables.chunk(step.frozen());
        boolean there = step.frozen().equals(tables.chunkAt(step.inode(), step.index()));
        if (inode == null || frozen == null || !there || !frozen.isFrozen()) {
            return null;
        }
        ChunkRow row =
                frozen.copy(
                        new ChunkId(tables.draw(Counter.CHUNK)),
                        step.inode(),
                        step.index(),
                        step.created(),
                        step.epoch(),
                        step.writer());
        Copies.put(tables, row);
        raiseTrimBound(tables, inode, step.index());
        return row;
    }

    private static @Nullable ChunkRow draw(Tables tables, Draw step) {
        ChunkRow known = tables.chunk(step.chunk());
        if (known == null
                || known.epoch() != step.expectedEpoch()
                || (known.isFrozen() && step.writer() != 0)) {
            return null;
        }
        ChunkRow row = step.writer() == 0 ? known : known.movedTo(step.inode(), step.index());
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
    private static void raiseTrimBound(Tables tables, InodeRow inode, long index) {
        VolumeRow volume = tables.volume(inode.volume());
        if (volume == null) {
            throw new IllegalStateException(inode.id() + " is in a volume that does not exist");
        }
        long end = FileSize.chunkEnd(index, volume.chunkBytes());
        if (inode.trimBound() < end && inode.attributes().size() < end) {
            var _ = InodeEdit.of(inode).trimBound(end).putUnseen(tables);
        }
    }
}

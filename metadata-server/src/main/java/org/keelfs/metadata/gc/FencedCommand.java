package org.keelfs.metadata.gc;

import java.util.List;
import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.GarbageRow;
import org.keelfs.namespace.Tables;

/**
 * The promises of these fences stand at majorities. Garbage among them may be dropped under that
 * epoch.
 */
public record FencedCommand(List<Fence> fences) implements MetadataCommand<Integer> {
    /** One chunk and the epoch promised. */
    public record Fence(org.keelfs.model.ChunkId chunk, long epoch) {}

    @Override
    public Integer apply(Tables tables) {
        int count = 0;
        for (Fence fence : fences) {
            GarbageRow garbage = tables.garbage(fence.chunk());
            if (garbage != null && garbage.fencedEpoch() == 0) {
                tables.putGarbage(garbage.withFence(fence.epoch()));
                count++;
            }
            ChunkRow row = tables.chunk(fence.chunk());
            if (row != null && row.epoch() == fence.epoch() && row.exposed()) {
                tables.putChunk(row.withFence());
                count++;
            }
        }
        return count;
    }
}

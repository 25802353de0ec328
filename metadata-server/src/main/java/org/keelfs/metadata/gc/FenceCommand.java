package org.keelfs.metadata.gc;

import java.util.ArrayList;
import java.util.List;
import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.model.ChunkId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.Tables;

/**
 * Fresh epochs for chunks that an evicted session could still reach, before they are promised at
 * the nodes (rule R11). Not open: whoever uses the chunk after all seals it first.
 *
 * @param epochs one for each chunk
 */
public record FenceCommand(List<ChunkId> chunks, List<Long> epochs)
        implements MetadataCommand<List<ChunkRow>> {
    /** The chunks that are still there, as they are now. */
    @Override
    public List<ChunkRow> apply(Tables tables) {
        List<ChunkRow> rows = new ArrayList<>();
        for (int i = 0; i < chunks.size(); i++) {
            ChunkRow row = tables.chunk(chunks.get(i));
            if (row != null && row.epoch() < epochs.get(i)) {
                ChunkRow fresh = row.withEpoch(epochs.get(i)).withLastWriter(0).withExposed();
                tables.putChunk(fresh);
                rows.add(fresh);
            }
        }
        return rows;
    }
}

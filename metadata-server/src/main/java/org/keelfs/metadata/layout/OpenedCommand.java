package org.keelfs.metadata.layout;

import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.model.ChunkId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.Copies;
import org.keelfs.namespace.Tables;

/**
 * The sealer says that the chunk is OPEN in this epoch. False when that is not its current epoch
 * any more.
 */
public record OpenedCommand(ChunkId chunk, long epoch) implements MetadataCommand<Boolean> {
    @Override
    public Boolean apply(Tables tables) {
        ChunkRow row = tables.chunk(chunk);
        if (row == null || row.epoch() != epoch) {
            return false;
        }
        if (!row.opened()) {
            Copies.opened(tables, row);
        }
        return true;
    }
}

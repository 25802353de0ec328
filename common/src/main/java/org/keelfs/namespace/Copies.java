package org.keelfs.namespace;

import org.keelfs.model.ChunkId;

/** Copies of frozen chunks in the tables: made when one of the places is going to be written. */
public final class Copies {
    private Copies() {}

    /**
     * Puts a copy in the place of a frozen chunk. The place's reference becomes the copy's own, so
     * that nobody writes the frozen chunk before the copy is OPEN.
     */
    public static void put(Tables tables, ChunkRow copy) {
        tables.putChunk(copy);
        tables.putChunkAt(copy.inode(), copy.index(), copy.id());
        tables.addTo(Counter.LIVE_CHUNKS, 1);
    }

    /**
     * A chunk is OPEN in its epoch. What a copy begins with is at a majority of its replicas from
     * here on, so the frozen chunk loses the copy's reference.
     */
    public static void opened(Tables tables, ChunkRow row) {
        ChunkId origin = row.origin();
        tables.putChunk(row.withOpened().withoutOrigin());
        if (origin != null) {
            Chunks.release(tables, origin);
        }
    }
}

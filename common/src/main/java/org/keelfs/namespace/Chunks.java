package org.keelfs.namespace;

import java.util.List;
import org.keelfs.base.InvariantViolation;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;

/** Chunk maps: dropping places and counting references. */
final class Chunks {
    /** Places read at a time: bounds memory for files of any size. */
    private static final int BATCH = 1024;

    private Chunks() {}

    static int chunkBytes(Tables tables, InodeRow inode) {
        VolumeRow volume = tables.volume(inode.volume());
        if (volume == null) {
            throw new InvariantViolation(inode.id() + " is in a volume that does not exist");
        }
        return volume.chunkBytes();
    }

    /** Empties the chunk map from this index on. */
    static void dropFrom(Tables tables, InodeId inode, long firstIndex) {
        List<Tables.ChunkPlace> places;
        do {
            places = tables.chunksFrom(inode, firstIndex, BATCH);
            for (Tables.ChunkPlace place : places) {
                dropPlace(tables, inode, place);
            }
        } while (places.size() == BATCH);
    }

    static void dropPlace(Tables tables, InodeId inode, Tables.ChunkPlace place) {
        tables.deleteChunkAt(inode, place.index());
        release(tables, place.chunk());
    }

    /** One reference less; with the last one the chunk goes, and what it was to be copied from. */
    static void release(Tables tables, ChunkId id) {
        ChunkRow chunk = chunkOrThrow(tables, id);
        if (chunk.references() > 1) {
            tables.putChunk(chunk.withReferences(chunk.references() - 1));
            return;
        }
        tables.deleteChunk(chunk.id());
        tables.putGarbage(
                GarbageRow.of(Evicted.couldReach(tables, chunk) ? chunk.withExposed() : chunk));
        tables.addTo(Counter.LIVE_CHUNKS, -1);
        ChunkId origin = chunk.origin();
        if (origin != null) {
            release(tables, origin);
        }
    }

    static ChunkRow chunkOrThrow(Tables tables, ChunkId id) {
        ChunkRow chunk = tables.chunk(id);
        if (chunk == null) {
            throw new InvariantViolation("a chunk map holds " + id + ", which does not exist");
        }
        return chunk;
    }
}

package org.keelfs.client.data;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.keelfs.client.quorum.ChunkIo.Chunk;
import org.keelfs.crypto.ChunkKey;
import org.keelfs.crypto.MasterKey;
import org.keelfs.model.ChunkId;

/** Unwrapped keys of one file's chunks. Thread-safe. */
final class KeyCache {
    private final Map<ChunkId, ChunkKey> keys = new ConcurrentHashMap<>(2);

    /** EIO when the key was not wrapped for this volume. */
    ChunkKey of(Chunk chunk, MasterKey master) {
        ChunkKey known = keys.get(chunk.id());
        if (known != null) {
            return known;
        }
        ChunkKey key = master.unwrap(chunk.wrappedKey());
        keys.put(chunk.id(), key);
        return key;
    }

    void clear() {
        keys.clear();
    }
}

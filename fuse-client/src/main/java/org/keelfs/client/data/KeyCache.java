package org.keelfs.client.data;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.quorum.ChunkIo.Chunk;
import org.keelfs.crypto.ChunkKey;
import org.keelfs.crypto.MasterKey;
import org.keelfs.model.ChunkId;

/** Unwrapped keys of one file's chunks. Thread-safe. */
final class KeyCache {
    /** Made when there is a second chunk: most files have one. */
    private volatile @Nullable Map<ChunkId, ChunkKey> keys;

    private volatile @Nullable Keyed first;

    private record Keyed(ChunkId chunk, ChunkKey key) {}

    /** EIO when the key was not wrapped for this volume. */
    ChunkKey of(Chunk chunk, MasterKey master) {
        Keyed one = first;
        if (one != null && one.chunk.equals(chunk.id())) {
            return one.key;
        }
        Map<ChunkId, ChunkKey> more = keys;
        ChunkKey known = more == null ? null : more.get(chunk.id());
        return known != null ? known : add(chunk, master);
    }

    private synchronized ChunkKey add(Chunk chunk, MasterKey master) {
        ChunkKey key = master.unwrap(chunk.wrappedKey());
        Map<ChunkId, ChunkKey> more = keys;
        if (first == null) {
            first = new Keyed(chunk.id(), key);
        } else if (more == null) {
            more = new ConcurrentHashMap<>(4);
            more.put(chunk.id(), key);
            keys = more;
        } else {
            more.put(chunk.id(), key);
        }
        return key;
    }

    synchronized void clear() {
        first = null;
        keys = null;
    }
}

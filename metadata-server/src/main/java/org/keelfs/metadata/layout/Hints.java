package org.keelfs.metadata.layout;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.register.Hint;

/**
 * What writers that left cleanly handed over (rule R4). Soft on purpose: a hint that outlives a
 * writer loses data, so a restart and a grant of WRITE forget it. Confined to the service's
 * executor.
 */
final class Hints {
    /** Files with hints: forgetting the oldest costs its next reader one round trip. */
    private static final int FILES_MAX = 50_000;

    private final Map<InodeId, Map<ChunkId, Hint>> hints =
            new LinkedHashMap<>() {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<InodeId, Map<ChunkId, Hint>> eldest) {
                    return size() > FILES_MAX;
                }
            };

    void put(InodeId inode, ChunkId chunk, Hint hint) {
        hints.computeIfAbsent(inode, _ -> new HashMap<>(2)).put(chunk, hint);
    }

    void forget(InodeId inode) {
        hints.remove(inode);
    }

    /** The hint for the epoch after {@code epoch}; it is used once. */
    @Nullable Hint take(InodeId inode, ChunkId chunk, long epoch) {
        Map<ChunkId, Hint> ofFile = hints.get(inode);
        Hint hint = ofFile == null ? null : ofFile.remove(chunk);
        return hint != null && hint.sealed() == epoch ? hint : null;
    }
}

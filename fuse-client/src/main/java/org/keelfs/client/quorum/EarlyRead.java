package org.keelfs.client.quorum;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.quorum.ChunkIo.ReadValues;
import org.keelfs.model.SectorRun;

/**
 * A read that waits for its chunk to be opened, and what the seal brought of it. Only of the
 * operation that had begun when the seal did: others who wait for the same chunk read for
 * themselves (decision 0065). Thread-safe.
 */
final class EarlyRead {
    private final SectorRun run;
    private final AtomicReference<@Nullable ReadValues> values = new AtomicReference<>();

    EarlyRead(SectorRun run) {
        this.run = run;
    }

    SectorRun run() {
        return run;
    }

    /** Brought by a seal; before the opening is answered. */
    void bring(ReadValues found) {
        values.set(found);
    }

    /** Hands them over, once; null when the chunk is to be read. */
    @Nullable ReadValues take() {
        return values.getAndSet(null);
    }
}

package org.keelfs.register;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;

/**
 * What a replica is asked (DESIGN section 4, "What a node answers"). Every request names the chunk
 * and the operation epoch, apart from the timestamps of the values it carries.
 */
public sealed interface RegisterRequest {
    ChunkId chunk();

    /** Operation epoch. */
    long epoch();

    /** Promise to answer nothing older; with the hint of rule R4 it may seal at once. */
    record Promise(ChunkId chunk, long epoch, @Nullable Hint hint) implements RegisterRequest {}

    /** Timestamps of a range, holes included. */
    record Stamps(ChunkId chunk, long epoch, SectorRun range) implements RegisterRequest {}

    /** Values with timestamps whatever the sealed epoch is; for sealers and healers only. */
    record Fetch(ChunkId chunk, long epoch, SectorRun run) implements RegisterRequest {}

    /** Keep fixes unseen until the INSTALL of this epoch; dropped at a higher promise. */
    record Stage(ChunkId chunk, long epoch, List<ValueRun> fixes) implements RegisterRequest {}

    /**
     * Put the staged and the given fixes in place with their original timestamps, also downwards,
     * check the digest, seal in this epoch: all or nothing. A fix of {@link Timestamp#ZERO} removes
     * the sector.
     */
    record Install(ChunkId chunk, long epoch, List<ValueRun> fixes, Digest digest)
            implements RegisterRequest {}

    /**
     * Store where the timestamp is greater than what is there.
     *
     * @param payload the stored sectors of the run, or null to trim: a hole with this timestamp
     * @param repair whether it also takes the place of a value with this very timestamp: who sends
     *     it met bytes there that fail their tag, and these do not
     */
    record Write(
            ChunkId chunk,
            long epoch,
            SectorRun run,
            Timestamp timestamp,
            @Nullable Payload payload,
            boolean repair)
            implements RegisterRequest {
        /** One that repairs nothing. */
        public Write(
                ChunkId chunk,
                long epoch,
                SectorRun run,
                Timestamp timestamp,
                @Nullable Payload payload) {
            this(chunk, epoch, run, timestamp, payload, false);
        }
    }

    /** Values with timestamps; only from a replica sealed in this epoch. */
    record Read(ChunkId chunk, long epoch, SectorRun run) implements RegisterRequest {}

    /** Is nothing newer promised? */
    record Probe(ChunkId chunk, long epoch) implements RegisterRequest {}
}

package org.keelfs.register;

import org.jspecify.annotations.Nullable;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;

/**
 * Values of a run with their one timestamp: what a READ or FETCH answers, what an INSTALL puts in
 * place.
 *
 * @param payload {@code run.count()} stored sectors, or null for a hole
 */
public record ValueRun(SectorRun run, Timestamp timestamp, @Nullable Payload payload) {
    public boolean isHole() {
        return payload == null;
    }

    /** The part of this run that lies in {@code range}; the two must overlap. */
    public ValueRun within(SectorRun range) {
        var part = run.intersection(range);
        return new ValueRun(
                part,
                timestamp,
                payload == null ? null : payload.sectors(part.first() - run.first(), part.count()));
    }
}

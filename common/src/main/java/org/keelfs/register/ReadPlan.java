package org.keelfs.register;

import java.util.List;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;

/** What has to be done to read a run of an OPEN chunk. */
public sealed interface ReadPlan {
    /** One {@link ReadRound} for each part, usually one: together they cover the run. */
    record Ask(List<Part> parts) implements ReadPlan {}

    /** Nobody ever wrote there: zeros, without asking. */
    record Zeros() implements ReadPlan {}

    /** First send these writes again until they are stored, or fail the read (R5). */
    record Settle(List<StampRun> unsettled) implements ReadPlan {}

    /**
     * No replica that is known to have all of this part: catch up with one first, or, when {@link
     * ChunkSession#needsFreshEpoch}, ask for a fresh epoch.
     */
    record NoSource(SectorRun part) implements ReadPlan {}

    /**
     * A part of the run and the replicas that have it in full, ascending; at least one.
     *
     * @param sources to be ordered by the caller, nearest first, for {@link ReadRound}
     */
    record Part(SectorRun run, List<NodeId> sources) {}
}

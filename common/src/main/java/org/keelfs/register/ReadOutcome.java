package org.keelfs.register;

import java.util.List;
import org.keelfs.model.NodeId;

/** How a read ended. */
public sealed interface ReadOutcome
        permits ReadOutcome.Answered,
                ReadOutcome.InDoubt,
                ReadOutcome.NoSource,
                StaleEpoch,
                QuorumLost {
    /**
     * The values may be shown.
     *
     * @param values ascending, not overlapping; sectors left out read as zeros
     * @param source who sent them
     * @param damaged replicas whose bytes of this run are unreadable: to be repaired
     */
    record Answered(List<ValueRun> values, NodeId source, List<NodeId> damaged)
            implements ReadOutcome {}

    /**
     * A write of these sectors is in flight or in doubt: send it again until stored, then read anew
     * (R5).
     */
    record InDoubt(List<StampRun> unsettled) implements ReadOutcome {}

    /**
     * No source has the run after all: make a new plan.
     *
     * @param damaged replicas whose bytes of this run are unreadable
     */
    record NoSource(List<NodeId> damaged) implements ReadOutcome {}
}

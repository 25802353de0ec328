package org.keelfs.register;

import java.util.List;
import org.keelfs.model.NodeId;
import org.keelfs.model.Timestamp;

/**
 * How a write ended. After anything but {@link Stored} it may or may not be there: it is in doubt.
 */
public sealed interface WriteOutcome
        permits WriteOutcome.Stored, WriteOutcome.NoSpace, StaleEpoch, QuorumLost {
    /**
     * Durable at a majority.
     *
     * @param acknowledged replicas that have it, ascending
     * @param missing the others, which may still answer
     * @param allocatedDelta change in sectors of the chunk that hold data
     */
    record Stored(
            Timestamp timestamp,
            List<NodeId> acknowledged,
            List<NodeId> missing,
            int allocatedDelta)
            implements WriteOutcome {}

    /** So many replicas are full that no majority can store it. */
    record NoSpace(List<NodeId> full) implements WriteOutcome {}
}

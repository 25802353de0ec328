package org.keelfs.register;

import java.util.List;
import org.keelfs.model.NodeId;

/** How a seal ended. */
public sealed interface SealOutcome
        permits SealOutcome.Opened, SealOutcome.LostSealerState, StaleEpoch, QuorumLost {
    /**
     * The chunk is OPEN in the epoch: report it.
     *
     * @param sealed replicas known to be sealed in it, a majority, ascending
     * @param digest of what all of them hold, before any write of this epoch
     */
    record Opened(long epoch, List<NodeId> sealed, Digest digest) implements SealOutcome {}

    /**
     * A replica is already sealed in this epoch with other contents: an earlier sealer of this
     * epoch lost its state. Only a new epoch helps (R3).
     */
    record LostSealerState() implements SealOutcome {}
}

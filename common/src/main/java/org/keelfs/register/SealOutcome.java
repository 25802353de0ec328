package org.keelfs.register;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.NodeId;

/** How a seal ended. */
public sealed interface SealOutcome
        permits SealOutcome.Opened, SealOutcome.LostSealerState, StaleEpoch, QuorumLost {
    /**
     * The chunk is OPEN in the epoch: report it.
     *
     * @param sealed replicas known to be sealed in it, a majority, ascending
     * @param digest of what all of them hold, before any write of this epoch
     * @param read what the READ that rode along brought, null when there was none or it brought
     *     nothing. Only for who had begun to read when the seal began: for anybody later nothing
     *     proves that the epoch had not passed by then
     */
    record Opened(
            long epoch, List<NodeId> sealed, Digest digest, ReadOutcome.@Nullable Answered read)
            implements SealOutcome {}

    /**
     * A replica is already sealed in this epoch with other contents: an earlier sealer of this
     * epoch lost its state. Only a new epoch helps (R3).
     */
    record LostSealerState() implements SealOutcome {}
}

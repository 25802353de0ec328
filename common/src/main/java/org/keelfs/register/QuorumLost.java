package org.keelfs.register;

import java.util.List;
import org.keelfs.model.NodeId;

/**
 * The deadline passed without a majority. Of a write the outcome is unknown.
 *
 * @param silent the nodes that were still waited for, ascending
 */
public record QuorumLost(List<NodeId> silent)
        implements WriteOutcome, ReadOutcome, SealOutcome, FenceOutcome {}

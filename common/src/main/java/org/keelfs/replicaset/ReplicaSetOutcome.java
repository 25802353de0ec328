package org.keelfs.replicaset;

import java.util.List;
import org.keelfs.model.NodeId;
import org.keelfs.register.Digest;
import org.keelfs.register.SealOutcome;

/** How a change of a replica set ended. */
public sealed interface ReplicaSetOutcome {
    /** Committed, and OPEN in the epoch on the new set. */
    record Changed(long epoch, List<NodeId> sealed, Digest digest) implements ReplicaSetOutcome {}

    /**
     * The epoch was no longer the chunk's current one, or the old set no longer in force: nothing
     * changed.
     */
    record Refused() implements ReplicaSetOutcome {}

    /** The seal did not come to an end; the old set stays in force, a new epoch is needed. */
    record NotSealed(SealOutcome why) implements ReplicaSetOutcome {}
}

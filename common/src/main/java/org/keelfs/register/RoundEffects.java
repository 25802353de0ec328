package org.keelfs.register;

import org.keelfs.model.NodeId;

/**
 * What a round may do. Plain enqueues: none calls back into the machine.
 *
 * @param <O> the round's outcome
 */
public interface RoundEffects<O> {
    /** Sends a request; its answer or failure comes back with the very same request. */
    void send(NodeId to, RegisterRequest request);

    /** The round is over. Called once; a late answer may still be given to the round. */
    void finish(O outcome);
}

package org.keelfs.wire;

import org.keelfs.register.RegisterReply;

/** What a node answers to one operation of a batch. */
public sealed interface SectorAnswer {
    /** The replica answered. */
    record Replied(RegisterReply reply) implements SectorAnswer {}

    /**
     * The node did not let the operation through.
     *
     * @param renewable the capability is only too old: fetch a new one and send the same again;
     *     otherwise it is not valid for this
     */
    record CapabilityRefused(boolean renewable) implements SectorAnswer {}
}

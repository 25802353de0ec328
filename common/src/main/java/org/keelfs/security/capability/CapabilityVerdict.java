package org.keelfs.security.capability;

import org.keelfs.wire.proto.NodeProto.Capability;

/** What a node thinks of a capability that it was shown. */
public sealed interface CapabilityVerdict {
    /**
     * Signed for this node and this certificate, and not expired. What it allows is the caller's to
     * check.
     */
    record Valid(Capability capability) implements CapabilityVerdict {}

    /**
     * Expired, or its key is not known (any more): the client fetches a new one and sends the same
     * again.
     */
    record Expired() implements CapabilityVerdict {}

    /** Forged, damaged, for another node or another certificate. */
    record Invalid(String why) implements CapabilityVerdict {}
}

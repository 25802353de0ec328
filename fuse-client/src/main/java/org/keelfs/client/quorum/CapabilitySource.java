package org.keelfs.client.quorum;

import org.keelfs.model.NodeId;
import org.keelfs.wire.proto.NodeProto.SignedCapability;

/** Gives the capability that an operation carries, as fresh as there is when it is sent. */
interface CapabilitySource {
    SignedCapability capability(NodeId node);
}

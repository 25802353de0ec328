package org.keelfs.security.capability;

import com.google.protobuf.ByteString;
import java.util.HashMap;
import java.util.Map;
import javax.crypto.Mac;
import org.keelfs.model.NodeId;
import org.keelfs.wire.proto.NodeProto.Capability;
import org.keelfs.wire.proto.NodeProto.SignedCapability;

/** Signs capabilities; the metadata server's half. Confined to its owner's thread (or lock). */
public final class CapabilitySigner {
    private final CapabilityKeys keys;
    private final Map<NodeId, Mac> macs = new HashMap<>();
    private int keyId;

    public CapabilitySigner(CapabilityKeys keys) {
        this.keys = keys;
    }

    /** The same capability for many nodes: encode it once and sign these bytes for each. */
    public SignedCapability sign(NodeId node, ByteString capability, long serverTimeMs) {
        int now = CapabilityKeys.keyIdAt(serverTimeMs);
        if (now != keyId) {
            macs.clear();
            keyId = now;
        }
        Mac mac = macs.computeIfAbsent(node, n -> CapabilityKeys.mac(keys.nodeKey(n, now)));
        mac.update(capability.asReadOnlyByteBuffer());
        return SignedCapability.newBuilder()
                .setCapability(capability)
                .setKeyId(now)
                .setMac(ByteString.copyFrom(mac.doFinal()))
                .build();
    }

    /** Encodes and signs for one node. */
    public SignedCapability sign(NodeId node, Capability capability, long serverTimeMs) {
        return sign(node, capability.toByteString(), serverTimeMs);
    }
}

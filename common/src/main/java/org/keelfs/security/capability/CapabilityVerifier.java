package org.keelfs.security.capability;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import org.keelfs.wire.proto.MetadataProto.NodeKey;
import org.keelfs.wire.proto.NodeProto.Capability;
import org.keelfs.wire.proto.NodeProto.SignedCapability;

/**
 * Checks capabilities; the node's half. Any thread: the keys are replaced as a whole, each thread
 * has its own HMAC states.
 */
public final class CapabilityVerifier {
    private static final CapabilityVerdict EXPIRED = new CapabilityVerdict.Expired();

    /* Per thread the HMAC states of one key set; a new set makes the thread start over. Initialising an HMAC
     * costs two compressions and some objects, as much as checking a short capability. */
    private record Macs(Map<Integer, byte[]> of, Map<Integer, Mac> states) {}

    private final ThreadLocal<Macs> macs = new ThreadLocal<>();
    private volatile Map<Integer, byte[]> keys = Map.of();

    /** Takes the keys of the last registration or heartbeat reply in place of those before. */
    public void useKeys(List<NodeKey> nodeKeys) {
        var next = new HashMap<Integer, byte[]>();
        for (NodeKey key : nodeKeys) {
            next.put(key.getKeyId(), key.getKey().toByteArray());
        }
        Map<Integer, byte[]> before = keys;
        if (!before.keySet().equals(next.keySet())
                || !next.entrySet().stream()
                        .allMatch(
                                e -> MessageDigest.isEqual(before.get(e.getKey()), e.getValue()))) {
            keys = Map.copyOf(next);
        }
    }

    /**
     * Checks signature, holder and expiry.
     *
     * @param certificate SHA-256 of the certificate at the far end of the connection, 32 bytes
     * @param serverTimeMs the metadata server's clock as heartbeats tell it
     */
    public CapabilityVerdict verify(
            SignedCapability signed, byte[] certificate, long serverTimeMs) {
        Mac mac = macOf(signed.getKeyId());
        if (mac == null) {
            return EXPIRED;
        }
        ByteString encoded = signed.getCapability();
        mac.update(encoded.asReadOnlyByteBuffer());
        if (!MessageDigest.isEqual(mac.doFinal(), signed.getMac().toByteArray())) {
            return new CapabilityVerdict.Invalid("signature does not match");
        }
        Capability capability;
        try {
            capability = Capability.parseFrom(encoded);
        } catch (InvalidProtocolBufferException e) {
            return new CapabilityVerdict.Invalid("signed, but garbled: " + e.getMessage());
        }
        if (!MessageDigest.isEqual(capability.getCertificate().toByteArray(), certificate)) {
            return new CapabilityVerdict.Invalid("issued to another certificate");
        }
        if (capability.getExpiresMs() <= serverTimeMs) {
            return EXPIRED;
        }
        return new CapabilityVerdict.Valid(capability);
    }

    private @org.jspecify.annotations.Nullable Mac macOf(int keyId) {
        Map<Integer, byte[]> now = keys;
        byte[] key = now.get(keyId);
        if (key == null) {
            return null;
        }
        Macs mine = macs.get();
        if (mine == null || !isSame(mine.of(), now)) {
            mine = new Macs(now, new HashMap<>());
            macs.set(mine);
        }
        return mine.states().computeIfAbsent(keyId, _ -> CapabilityKeys.mac(key));
    }

    @SuppressWarnings("ReferenceEquality") // a key set is replaced, never changed
    private static boolean isSame(Map<Integer, byte[]> a, Map<Integer, byte[]> b) {
        return a == b;
    }
}

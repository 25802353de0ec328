package org.keelfs.node.service;

import com.google.protobuf.ByteString;
import java.util.HexFormat;
import java.util.concurrent.ConcurrentHashMap;
import org.keelfs.rpc.RpcPeer;
import org.keelfs.security.capability.CapabilityVerdict;
import org.keelfs.security.capability.CapabilityVerifier;
import org.keelfs.wire.proto.NodeProto.SignedCapability;

/**
 * Capabilities that were verified before, so that the many operations of one layout cost one MAC.
 * Any thread.
 */
final class CapabilityCache {
    /**
     * About 500 bytes each. A client shows one per chunk it works on; beyond this all are checked
     * anew.
     */
    private static final int ENTRIES_MAX = 16_384;

    private record Known(SignedCapability signed, String holder, CapabilityVerdict.Valid verdict) {}

    private final CapabilityVerifier verifier;
    private final ServerClock clock;
    private final ConcurrentHashMap<ByteString, Known> known = new ConcurrentHashMap<>();

    CapabilityCache(CapabilityVerifier verifier, ServerClock clock) {
        this.verifier = verifier;
        this.clock = clock;
    }

    CapabilityVerdict verify(SignedCapability signed, RpcPeer peer) {
        long now = clock.nowMs();
        var holder = peer.certificateFingerprint();
        var before = known.get(signed.getMac());
        if (before != null
                && before.holder().equals(holder)
                && before.signed().equals(signed)
                && before.verdict().capability().getExpiresMs() > now) {
            return before.verdict();
        }
        var verdict = verifier.verify(signed, HexFormat.of().parseHex(holder), now);
        if (verdict instanceof CapabilityVerdict.Valid valid) {
            if (known.size() >= ENTRIES_MAX) {
                known.clear();
            }
            known.put(signed.getMac(), new Known(signed, holder, valid));
        }
        return verdict;
    }
}

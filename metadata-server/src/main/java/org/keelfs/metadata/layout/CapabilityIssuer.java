package org.keelfs.metadata.layout;

import com.google.protobuf.ByteString;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Clock;
import org.keelfs.model.NodeId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.register.Hint;
import org.keelfs.security.capability.CapabilitySigner;
import org.keelfs.wire.proto.NodeProto;
import org.keelfs.wire.proto.NodeProto.Capability;
import org.keelfs.wire.proto.NodeProto.SignedCapability;

/** Says in capabilities what a session may do with a chunk. Confined to the service's executor. */
public final class CapabilityIssuer {
    private final CapabilitySigner signer;
    private final Clock clock;
    private final long lifeMs;

    public CapabilityIssuer(CapabilitySigner signer, Clock clock, long lifeMs) {
        this.signer = signer;
        this.clock = clock;
        this.lifeMs = lifeMs;
    }

    /** Milliseconds since 1970: the clock that capabilities expire by. */
    public long serverTimeMs() {
        return clock.wallNs() / 1_000_000;
    }

    public long lifeMs() {
        return lifeMs;
    }

    /**
     * The encoded capability, the same for all replicas.
     *
     * @param origin of a copy: the frozen chunk that its replicas begin with; null: none, or the
     *     copy is to be fenced and not used
     * @param session 0 for the metadata server itself
     * @param certificate SHA-256 of the holder's certificate
     */
    public ByteString describe(
            ChunkRow row,
            @Nullable ChunkRow origin,
            long session,
            ByteString certificate,
            @Nullable Hint hint,
            int rights) {
        Capability.Builder capability =
                Capability.newBuilder()
                        .setSession(session)
                        .setCertificate(certificate)
                        .setChunk(row.id().value())
                        .setMembersSince(row.membersSince())
                        .setCreatedEpoch(row.epoch() == row.createdEpoch() ? row.epoch() : 0)
                        .setEpoch(row.epoch())
                        .setRights(rights)
                        .setExpiresMs(serverTimeMs() + lifeMs);
        row.replicas().nodes().forEach(node -> capability.addMembers(node.value()));
        if (hint != null) {
            capability.setHint(encode(hint));
        }
        if (origin != null) {
            capability
                    .setOrigin(origin.id().value())
                    .setOriginEpoch(origin.frozenEpoch())
                    .setCopiedEpoch(row.createdEpoch());
        }
        return capability.build().toByteString();
    }

    public SignedCapability sign(NodeId node, ByteString capability) {
        return signer.sign(node, capability, serverTimeMs());
    }

    static NodeProto.Hint encode(Hint hint) {
        return NodeProto.Hint.newBuilder()
                .setSealed(hint.sealed())
                .setDigest(
                        NodeProto.DigestValue.newBuilder()
                                .setHigh(hint.digest().high())
                                .setLow(hint.digest().low()))
                .build();
    }
}

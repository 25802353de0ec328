package org.keelfs.security.capability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import com.google.protobuf.ByteString;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.keelfs.model.NodeId;
import org.keelfs.wire.proto.NodeProto.Capability;
import org.keelfs.wire.proto.NodeProto.SignedCapability;

class CapabilityTest {
    private static final long NOW = 1_800_000_000_000L;
    private static final NodeId NODE = new NodeId(3);
    private final byte[] certificate = new byte[32];
    private final CapabilityKeys keys = new CapabilityKeys(filled(7));
    private final CapabilitySigner signer = new CapabilitySigner(keys);
    private final CapabilityVerifier verifier = new CapabilityVerifier();

    @BeforeEach
    void giveTheNodeItsKeys() {
        certificate[5] = 9;
        verifier.useKeys(keys.keysFor(NODE, NOW));
    }

    @Test
    void aCapabilityOfThisNodeAndCertificateIsValid() {
        Capability capability = capability().build();
        var verdict = verifier.verify(signer.sign(NODE, capability, NOW), certificate, NOW);
        assertEquals(new CapabilityVerdict.Valid(capability), verdict);
    }

    @Test
    void oneSignedForAnotherNodeIsInvalid() {
        var signed = signer.sign(new NodeId(4), capability().build(), NOW);
        assertInstanceOf(
                CapabilityVerdict.Invalid.class, verifier.verify(signed, certificate, NOW));
    }

    @Test
    void anyFlippedBitIsInvalid() {
        SignedCapability signed = signer.sign(NODE, capability().build(), NOW);
        byte[] bytes = signed.getCapability().toByteArray();
        for (int bit = 0; bit < bytes.length * 8; bit++) {
            byte[] bad = bytes.clone();
            bad[bit / 8] ^= (byte) (1 << bit % 8);
            var changed = signed.toBuilder().setCapability(ByteString.copyFrom(bad)).build();
            assertInstanceOf(
                    CapabilityVerdict.Invalid.class, verifier.verify(changed, certificate, NOW));
        }
    }

    @Test
    void aStolenOneIsInvalid() {
        var signed = signer.sign(NODE, capability().build(), NOW);
        assertInstanceOf(
                CapabilityVerdict.Invalid.class, verifier.verify(signed, new byte[32], NOW));
    }

    @Test
    void itExpires() {
        var signed = signer.sign(NODE, capability().build(), NOW);
        assertInstanceOf(
                CapabilityVerdict.Expired.class,
                verifier.verify(signed, certificate, NOW + 60_000));
    }

    @Test
    void keysRotateWithOverlap() {
        long later = NOW + CapabilityKeys.PERIOD_MS;
        var signed = signer.sign(NODE, capability().setExpiresMs(later + 1000).build(), later);
        assertInstanceOf(
                CapabilityVerdict.Valid.class, verifier.verify(signed, certificate, later));
        var old = signer.sign(NODE, capability().setExpiresMs(later + 1000).build(), NOW);
        verifier.useKeys(keys.keysFor(NODE, later));
        assertInstanceOf(CapabilityVerdict.Valid.class, verifier.verify(old, certificate, later));
        verifier.useKeys(keys.keysFor(NODE, later + 5 * CapabilityKeys.PERIOD_MS));
        assertInstanceOf(CapabilityVerdict.Expired.class, verifier.verify(old, certificate, NOW));
    }

    private Capability.Builder capability() {
        return Capability.newBuilder()
                .setSession(5)
                .setCertificate(ByteString.copyFrom(certificate))
                .setChunk(77)
                .addMembers(1)
                .addMembers(3)
                .setEpoch(8)
                .setRights(CapabilityRights.READ | CapabilityRights.WRITE)
                .setExpiresMs(NOW + 60_000);
    }

    private static byte[] filled(int value) {
        byte[] bytes = new byte[32];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}

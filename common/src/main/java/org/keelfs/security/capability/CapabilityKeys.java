package org.keelfs.security.capability;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.keelfs.model.NodeId;
import org.keelfs.wire.proto.MetadataProto.NodeKey;

/**
 * Keys of capabilities (DESIGN section 6). Immutable; any thread.
 *
 * <p>K_node = HMAC-SHA256(K, "keelfs capability" | node | key id), integers big endian, 4 bytes.
 * The key id is the number of the period of server time in which it signs, so keys rotate without
 * any state, and a node that has the keys of three periods in a row never meets one that it does
 * not know.
 */
public final class CapabilityKeys {
    /** Bytes of K and of each K_node: the output of SHA-256. */
    public static final int KEY_BYTES = 32;

    /**
     * One day: a stolen node key is worth little after it, and nodes fetch keys every heartbeat
     * anyway.
     */
    public static final long PERIOD_MS = 24L * 3600 * 1000;

    private static final String ALGORITHM = "HmacSHA256";
    private static final byte[] LABEL =
            "keelfs capability".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    private final byte[] master;

    /**
     * Over the secret K of the cluster.
     *
     * @param master {@link #KEY_BYTES} random bytes
     */
    public CapabilityKeys(byte[] master) {
        if (master.length != KEY_BYTES) {
            throw new IllegalArgumentException(
                    "a capability key has " + KEY_BYTES + " bytes, not " + master.length);
        }
        this.master = master.clone();
    }

    /** The id of the key that signs at this server time. */
    public static int keyIdAt(long serverTimeMs) {
        return Math.toIntExact(Math.floorDiv(serverTimeMs, PERIOD_MS));
    }

    /** K_node for one key id. */
    public byte[] nodeKey(NodeId node, int keyId) {
        ByteBuffer input = ByteBuffer.allocate(LABEL.length + 8);
        input.put(LABEL).putInt(node.value()).putInt(keyId);
        return mac(master).doFinal(input.array());
    }

    /**
     * What a node gets with its registration and with heartbeats: last period's key, this one's,
     * the next.
     */
    public List<NodeKey> keysFor(NodeId node, long serverTimeMs) {
        var keys = new ArrayList<NodeKey>(3);
        int current = keyIdAt(serverTimeMs);
        for (int id = current - 1; id <= current + 1; id++) {
            keys.add(
                    NodeKey.newBuilder()
                            .setKeyId(id)
                            .setKey(ByteString.copyFrom(nodeKey(node, id)))
                            .setValidUntilMs((id + 2L) * PERIOD_MS)
                            .build());
        }
        return keys;
    }

    /** A ready HMAC-SHA256; it starts over after every doFinal. Not for two threads at once. */
    static Mac mac(byte[] key) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(key, ALGORITHM));
            return mac;
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("HmacSHA256 is part of every JDK", e);
        }
    }
}

package org.keelfs.crypto;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import javax.crypto.SecretKey;
import org.jspecify.annotations.Nullable;

/**
 * The data key of one chunk, 32 bytes; sectors are encrypted under keys derived from it, one for
 * the epoch of each timestamp. Thread-safe: the cache of derived keys is an immutable array that is
 * replaced.
 */
public final class ChunkKey {
    static final int BYTES = 32;

    /**
     * Epochs of one chunk that are read at a time are few; each derived key costs some
     * microseconds.
     */
    private static final int DERIVED_MAX = 8;

    private static final byte[] LABEL = Labels.of("keelfs sector");
    private static final SecureRandom RANDOM = new SecureRandom();

    private final byte[] bytes;
    private volatile Derived[] derived = new Derived[0];

    private record Derived(long epoch, SecretKey key) {}

    ChunkKey(byte[] bytes) {
        this.bytes = bytes;
    }

    /** A new one. */
    public static ChunkKey random() {
        byte[] bytes = new byte[BYTES];
        RANDOM.nextBytes(bytes);
        return new ChunkKey(bytes);
    }

    byte[] bytes() {
        return bytes;
    }

    /** HKDF-SHA256(chunk key, epoch). */
    SecretKey forEpoch(long epoch) {
        SecretKey known = lookup(epoch);
        return known != null ? known : derive(epoch);
    }

    private @Nullable SecretKey lookup(long epoch) {
        for (Derived d : derived) {
            if (d.epoch == epoch) {
                return d.key;
            }
        }
        return null;
    }

    private synchronized SecretKey derive(long epoch) {
        SecretKey known = lookup(epoch);
        if (known != null) {
            return known;
        }
        byte[] info =
                ByteBuffer.allocate(LABEL.length + Long.BYTES).put(LABEL).putLong(epoch).array();
        SecretKey key = AesGcm.key(Hkdf.derive(new byte[0], bytes, info));
        Derived[] old = derived;
        Derived[] next = new Derived[Math.min(old.length + 1, DERIVED_MAX)];
        next[0] = new Derived(epoch, key);
        System.arraycopy(old, 0, next, 1, next.length - 1);
        derived = next;
        return key;
    }
}

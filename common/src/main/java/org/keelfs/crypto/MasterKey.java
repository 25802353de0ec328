package org.keelfs.crypto;

import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.SecretKey;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;

/**
 * The key of a volume: 32 bytes, in clients only. Wraps the keys of chunks with a key derived from
 * it.
 *
 * <pre>
 * wrapped chunk key: offset size
 *                         0    1  version, 1
 *                         1   12  nonce
 *                        13   32  encrypted key
 *                        45   16  tag
 * </pre>
 */
public final class MasterKey {
    static final int BYTES = 32;

    /** Length of a wrapped chunk key. */
    public static final int WRAPPED_BYTES =
            1 + AesGcm.NONCE_BYTES + ChunkKey.BYTES + AesGcm.TAG_BYTES;

    private static final byte VERSION = 1;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final byte[] bytes;
    private final SecretKey wrapping;

    MasterKey(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("a master key has 32 bytes, not " + bytes.length);
        }
        this.bytes = bytes.clone();
        this.wrapping =
                AesGcm.key(
                        Hkdf.derive(new byte[0], this.bytes, Labels.of("keelfs chunk key wrap")));
    }

    /** A new one. */
    public static MasterKey random() {
        byte[] bytes = new byte[BYTES];
        RANDOM.nextBytes(bytes);
        return new MasterKey(bytes);
    }

    byte[] bytes() {
        return bytes;
    }

    /**
     * Encrypts a chunk's key. The chunk has no number yet when its key is made: what binds a key to
     * its chunk is the key id in the additional data of every sector.
     */
    public byte[] wrap(ChunkKey key) {
        byte[] nonce = new byte[AesGcm.NONCE_BYTES];
        RANDOM.nextBytes(nonce);
        byte[] encrypted = AesGcm.encrypt(wrapping, nonce, new byte[] {VERSION}, key.bytes());
        byte[] wrapped = new byte[WRAPPED_BYTES];
        wrapped[0] = VERSION;
        System.arraycopy(nonce, 0, wrapped, 1, nonce.length);
        System.arraycopy(encrypted, 0, wrapped, 1 + nonce.length, encrypted.length);
        return wrapped;
    }

    /** The chunk's key; EIO when it was not wrapped by this master key or was changed. */
    public ChunkKey unwrap(byte[] wrapped) {
        if (wrapped.length != WRAPPED_BYTES || wrapped[0] != VERSION) {
            throw new FsException(
                    Errno.EIO,
                    "wrapped chunk key has " + wrapped.length + " bytes or an unknown version");
        }
        byte[] nonce = Arrays.copyOfRange(wrapped, 1, 1 + AesGcm.NONCE_BYTES);
        byte[] encrypted = Arrays.copyOfRange(wrapped, 1 + AesGcm.NONCE_BYTES, wrapped.length);
        try {
            return new ChunkKey(AesGcm.decrypt(wrapping, nonce, new byte[] {VERSION}, encrypted));
        } catch (AEADBadTagException e) {
            throw new FsException(
                    Errno.EIO, "wrapped chunk key does not belong to this volume's key", e);
        }
    }
}

package org.keelfs.crypto;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;

/**
 * A volume's master key encrypted under a password: made once with the volume, kept by the metadata
 * server, opened by clients. Argon2id (RFC 9106) makes the key from the password.
 *
 * <pre>
 * offset size
 *      0    8  "KEELKEY1"
 *      8    4  Argon2id memory, KiB, big endian as are the next two
 *     12    4  passes
 *     16    4  lanes
 *     20   16  salt
 *     36   12  nonce
 *     48   48  master key under AES-256-GCM, additional data = the 36 bytes in front
 * </pre>
 */
public final class Keyring {
    /**
     * A guess costs 64 MiB and some 0.2 s on one core: the second choice of RFC 9106, section 4.
     */
    private static final int MEMORY_KIB = 64 * 1024;

    private static final int PASSES = 3;
    private static final int LANES = 1;

    /** What a blob may ask of the client that opens it; above this it is taken for garbage. */
    private static final int MEMORY_KIB_MAX = 1024 * 1024;

    private static final int PASSES_MAX = 64;
    private static final int LANES_MAX = 16;

    private static final byte[] MAGIC = Labels.of("KEELKEY1");
    private static final int SALT_BYTES = 16;
    private static final int HEADER_BYTES = 8 + 12 + SALT_BYTES;
    private static final int BYTES =
            HEADER_BYTES + AesGcm.NONCE_BYTES + MasterKey.BYTES + AesGcm.TAG_BYTES;

    private Keyring() {}

    /** A blob that {@link #open} turns back into this key. */
    public static byte[] encrypt(MasterKey key, byte[] password) {
        return encrypt(key, password, MEMORY_KIB, PASSES);
    }

    static byte[] encrypt(MasterKey key, byte[] password, int memoryKib, int passes) {
        byte[] salt = new byte[SALT_BYTES];
        byte[] nonce = new byte[AesGcm.NONCE_BYTES];
        var random = new SecureRandom();
        random.nextBytes(salt);
        random.nextBytes(nonce);
        byte[] header =
                ByteBuffer.allocate(HEADER_BYTES)
                        .put(MAGIC)
                        .putInt(memoryKib)
                        .putInt(passes)
                        .putInt(LANES)
                        .put(salt)
                        .array();
        byte[] derived = derive(password, salt, memoryKib, passes, LANES);
        byte[] encrypted = AesGcm.encrypt(AesGcm.key(derived), nonce, header, key.bytes());
        return ByteBuffer.allocate(BYTES).put(header).put(nonce).put(encrypted).array();
    }

    /** The master key; EKEYREJECTED for a wrong password, EINVAL for what is no keyring. */
    public static MasterKey open(byte[] blob, byte[] password) {
        if (blob.length != BYTES || !Arrays.equals(blob, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new FsException(Errno.EINVAL, "not a keyring of this format");
        }
        ByteBuffer in = ByteBuffer.wrap(blob).position(MAGIC.length);
        int memoryKib = in.getInt();
        int passes = in.getInt();
        int lanes = in.getInt();
        if (memoryKib < 8 * lanes
                || memoryKib > MEMORY_KIB_MAX
                || passes < 1
                || passes > PASSES_MAX
                || lanes < 1
                || lanes > LANES_MAX) {
            throw new FsException(Errno.EINVAL, "keyring with unreasonable Argon2id parameters");
        }
        byte[] salt = new byte[SALT_BYTES];
        byte[] nonce = new byte[AesGcm.NONCE_BYTES];
        byte[] encrypted = new byte[MasterKey.BYTES + AesGcm.TAG_BYTES];
        in.get(salt).get(nonce).get(encrypted);
        byte[] derived = derive(password, salt, memoryKib, passes, lanes);
        try {
            byte[] header = Arrays.copyOf(blob, HEADER_BYTES);
            return new MasterKey(AesGcm.decrypt(AesGcm.key(derived), nonce, header, encrypted));
        } catch (AEADBadTagException e) {
            throw new FsException(
                    Errno.EKEYREJECTED, "wrong password for this volume's keyring", e);
        }
    }

    private static byte[] derive(
            byte[] password, byte[] salt, int memoryKib, int passes, int lanes) {
        var argon2 = new Argon2BytesGenerator();
        argon2.init(
                new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                        .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                        .withMemoryAsKB(memoryKib)
                        .withIterations(passes)
                        .withParallelism(lanes)
                        .withSalt(salt)
                        .build());
        byte[] key = new byte[32];
        argon2.generateBytes(password, key);
        return key;
    }
}

package org.keelfs.crypto;

import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** HKDF with SHA-256 for outputs of one block (RFC 5869). */
final class Hkdf {
    static final int KEY_BYTES = 32;

    private Hkdf() {}

    /** Extract and expand to 32 bytes. */
    static byte[] derive(byte[] salt, byte[] inputKey, byte[] info) {
        byte[] pseudoRandomKey = hmac(salt.length == 0 ? new byte[KEY_BYTES] : salt, inputKey);
        byte[] block = new byte[info.length + 1];
        System.arraycopy(info, 0, block, 0, info.length);
        block[info.length] = 1;
        return hmac(pseudoRandomKey, block);
    }

    private static byte[] hmac(byte[] key, byte[] message) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(message);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK lacks HmacSHA256", e);
        }
    }
}

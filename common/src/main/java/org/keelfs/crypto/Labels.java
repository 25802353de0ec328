package org.keelfs.crypto;

import java.nio.charset.StandardCharsets;

/** Purposes of derived keys as bytes. */
final class Labels {
    private Labels() {}

    static byte[] of(String label) {
        return label.getBytes(StandardCharsets.US_ASCII);
    }
}

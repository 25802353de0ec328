package org.keelfs.it.fuzz;

import java.util.Arrays;
import java.util.Random;

/** Inputs from seeds: noise, and good inputs with a few bytes changed, cut or doubled. */
final class Noise {
    private static final int NOISE_BYTES_MAX = 200;
    private static final int CHANGES_MAX = 6;

    private Noise() {}

    /** Bytes for a seed; every fourth is pure noise, the others are near the good input. */
    static byte[] near(byte[] good, long seed) {
        var random = new Random(seed);
        if (seed % 4 == 0 || good.length == 0) {
            var noise = new byte[random.nextInt(NOISE_BYTES_MAX)];
            random.nextBytes(noise);
            return noise;
        }
        byte[] bytes = good.clone();
        int changes = 1 + random.nextInt(CHANGES_MAX);
        for (int i = 0; i < changes && bytes.length > 0; i++) {
            bytes = change(bytes, random);
        }
        return bytes;
    }

    private static byte[] change(byte[] bytes, Random random) {
        int at = random.nextInt(bytes.length);
        switch (random.nextInt(4)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[at] = (byte) random.nextInt(-2, 3);
            case 2 -> {
                return Arrays.copyOf(bytes, at);
            }
            default -> {
                int length = random.nextInt(bytes.length - at);
                var longer = new byte[bytes.length + length];
                System.arraycopy(bytes, 0, longer, 0, at + length);
                System.arraycopy(bytes, at, longer, at + length, bytes.length - at);
                return longer;
            }
        }
        return bytes;
    }
}

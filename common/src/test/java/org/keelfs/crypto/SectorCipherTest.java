package org.keelfs.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;

class SectorCipherTest {
    private static final Timestamp STAMP = new Timestamp(7, 11, 13);
    private static final SectorRun RUN = new SectorRun(5, 3);

    private final SectorCipher cipher = new SectorCipher();
    private final ChunkKey key = ChunkKey.random();
    private final byte[] plain = new byte[RUN.count() * SectorRun.SECTOR_BYTES];
    private final byte[] stored = new byte[RUN.count() * Payload.STORED_SECTOR_BYTES];

    SectorCipherTest() {
        new Random(1).nextBytes(plain);
        cipher.encrypt(key, 42, RUN, STAMP, ByteBuffer.wrap(plain), ByteBuffer.wrap(stored));
    }

    private byte[] decrypt(long keyId, SectorRun run, Timestamp stamp)
            throws DamagedSectorException {
        byte[] target = new byte[plain.length];
        cipher.decrypt(key, keyId, run, stamp, ByteBuffer.wrap(stored), ByteBuffer.wrap(target));
        return target;
    }

    @Test
    void aRunComesBackAsItWas() throws Exception {
        assertArrayEquals(plain, decrypt(42, RUN, STAMP));
    }

    @Test
    void directBuffersDoTheSame() throws Exception {
        ByteBuffer in = ByteBuffer.allocateDirect(plain.length).put(0, plain);
        ByteBuffer out = ByteBuffer.allocateDirect(stored.length);
        ByteBuffer back = ByteBuffer.allocateDirect(plain.length);
        cipher.encrypt(key, 42, RUN, STAMP, in, out);
        cipher.decrypt(key, 42, RUN, STAMP, out, back);
        assertEquals(in, back);
    }

    @Test
    void everyFlippedBitOutsideTheCrcIsFound() {
        var random = new Random(2);
        for (int i = 0; i < 500; i++) {
            int at = random.nextInt(stored.length);
            int inSector = at % Payload.STORED_SECTOR_BYTES;
            if (inSector >= 28 && inSector < 32) {
                continue;
            }
            int bit = 1 << random.nextInt(8);
            stored[at] ^= (byte) bit;
            var damaged = assertThrows(DamagedSectorException.class, () -> decrypt(42, RUN, STAMP));
            assertEquals(RUN.first() + at / Payload.STORED_SECTOR_BYTES, damaged.sector());
            stored[at] ^= (byte) bit;
        }
    }

    @Test
    void aMovedOrRestampedOrForeignSectorIsFound() {
        assertThrows(DamagedSectorException.class, () -> decrypt(42, new SectorRun(6, 3), STAMP));
        assertThrows(DamagedSectorException.class, () -> decrypt(43, RUN, STAMP));
        assertThrows(
                DamagedSectorException.class, () -> decrypt(42, RUN, new Timestamp(8, 11, 13)));
        assertThrows(
                DamagedSectorException.class, () -> decrypt(42, RUN, new Timestamp(7, 12, 13)));
        assertThrows(
                DamagedSectorException.class, () -> decrypt(42, RUN, new Timestamp(7, 11, 14)));
    }

    @Test
    void noncesDifferAndTheCrcIsTheNodes() {
        ByteBuffer view = ByteBuffer.wrap(stored).order(ByteOrder.LITTLE_ENDIAN);
        assertNotEquals(view.slice(0, 12), view.slice(Payload.STORED_SECTOR_BYTES, 12));
        for (int s = 0; s < RUN.count(); s++) {
            int at = s * Payload.STORED_SECTOR_BYTES;
            var crc = new CRC32C();
            crc.update(stored, at, 28);
            crc.update(stored, at + 32, SectorRun.SECTOR_BYTES);
            assertEquals((int) crc.getValue(), view.getInt(at + 28));
        }
    }

    /** RFC 5869, appendix A.1, the first 32 bytes. */
    @Test
    void hkdfMatchesTheRfc() {
        byte[] input = new byte[22];
        java.util.Arrays.fill(input, (byte) 0x0b);
        byte[] salt = HexFormat.of().parseHex("000102030405060708090a0b0c");
        byte[] info = HexFormat.of().parseHex("f0f1f2f3f4f5f6f7f8f9");
        assertEquals(
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
                HexFormat.of().formatHex(Hkdf.derive(salt, input, info)));
    }

    /** McGrew and Viega, The Galois/Counter Mode of Operation, test case 14. */
    @Test
    void aesGcmMatchesItsAuthors() {
        byte[] encrypted =
                AesGcm.encrypt(AesGcm.key(new byte[32]), new byte[12], new byte[0], new byte[16]);
        assertEquals(
                "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
                HexFormat.of().formatHex(encrypted));
    }

    @Test
    void keysOfManyEpochsStayRight() throws Exception {
        for (long epoch = 0; epoch < 40; epoch++) {
            var stamp = new Timestamp(epoch, 1, 1);
            cipher.encrypt(key, 42, RUN, stamp, ByteBuffer.wrap(plain), ByteBuffer.wrap(stored));
            assertArrayEquals(plain, decrypt(42, RUN, stamp));
        }
        cipher.encrypt(key, 42, RUN, STAMP, ByteBuffer.wrap(plain), ByteBuffer.wrap(stored));
        assertArrayEquals(plain, decrypt(42, RUN, STAMP));
    }
}

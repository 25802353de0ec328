package org.keelfs.node.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.zip.CRC32C;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.buffer.WrappedPayload;
import org.keelfs.model.Payload;

/** Stored sectors as clients make them: random bytes with the right checksum. */
public final class TestSectors {
    private TestSectors() {}

    /** So many stored sectors. */
    public static PayloadBuffer of(int count, long seed) {
        var random = new Random(seed);
        var bytes =
                ByteBuffer.allocateDirect(count * Payload.STORED_SECTOR_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN);
        byte[] sector = new byte[Payload.STORED_SECTOR_BYTES];
        for (int i = 0; i < count; i++) {
            random.nextBytes(sector);
            var crc = new CRC32C();
            crc.update(sector, 0, 28);
            crc.update(sector, Payload.ENVELOPE_BYTES, sector.length - Payload.ENVELOPE_BYTES);
            bytes.put(sector);
            bytes.putInt((i * sector.length) + 28, (int) crc.getValue());
        }
        return WrappedPayload.of(bytes.flip(), () -> {});
    }

    /** The bytes of a payload. */
    public static byte[] bytes(Payload payload) {
        var from = ((PayloadBuffer) payload).bytes();
        byte[] bytes = new byte[from.remaining()];
        from.get(bytes);
        return bytes;
    }
}

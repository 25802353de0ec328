package org.keelfs.node.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.keelfs.model.Payload;

/** Checks the CRC-32C that each stored sector carries ({@link Payload}). */
public final class StoredSectors {
    private static final int CRC_OFFSET = 28;

    private StoredSectors() {}

    /**
     * Index of the first sector from {@code from} on whose bytes do not match their checksum, or
     * the number of sectors when all do. The buffer holds whole stored sectors from index 0 at its
     * position; it is not moved.
     */
    public static int firstBad(ByteBuffer sectors, int from) {
        var bytes = sectors.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int base = bytes.position();
        int count = bytes.remaining() / Payload.STORED_SECTOR_BYTES;
        var crc = new CRC32C();
        for (int i = from; i < count; i++) {
            int at = base + i * Payload.STORED_SECTOR_BYTES;
            crc.reset();
            bytes.limit(at + CRC_OFFSET).position(at);
            crc.update(bytes);
            bytes.limit(at + Payload.STORED_SECTOR_BYTES).position(at + Payload.ENVELOPE_BYTES);
            crc.update(bytes);
            if ((int) crc.getValue() != bytes.getInt(at + CRC_OFFSET)) {
                return i;
            }
        }
        return count;
    }
}

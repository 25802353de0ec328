package org.keelfs.model;

/**
 * Opaque bytes of stored sectors, so that machines never see a buffer. The content of a run of n
 * sectors is n stored sectors one after another, each {@link #STORED_SECTOR_BYTES} long:
 *
 * <pre>
 * offset size
 *      0   12  nonce (AES-GCM)
 *     12   16  tag (AES-GCM)
 *     28    4  CRC-32C of nonce, tag and ciphertext, little endian
 *     32 4096  ciphertext
 * </pre>
 */
public interface Payload {
    /** Bytes in front of the ciphertext of each stored sector. */
    int ENVELOPE_BYTES = 32;

    /** Bytes of one stored sector. */
    int STORED_SECTOR_BYTES = ENVELOPE_BYTES + SectorRun.SECTOR_BYTES;

    /** Length in bytes. */
    int length();

    /** A view of a part; it shares the bytes and their life. */
    Payload slice(int offset, int length);

    /** A view of the stored sectors {@code [firstIndex, firstIndex + sectorCount)} of this run. */
    default Payload sectors(int firstIndex, int sectorCount) {
        return slice(firstIndex * STORED_SECTOR_BYTES, sectorCount * STORED_SECTOR_BYTES);
    }
}

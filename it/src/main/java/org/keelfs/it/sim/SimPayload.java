package org.keelfs.it.sim;

import org.keelfs.model.Payload;

/** Stored sectors that all have one value: a number instead of bytes. */
record SimPayload(long value, int sectorCount) implements Payload {
    @Override
    public int length() {
        return sectorCount * STORED_SECTOR_BYTES;
    }

    @Override
    public Payload slice(int offset, int length) {
        return new SimPayload(value, length / STORED_SECTOR_BYTES);
    }
}

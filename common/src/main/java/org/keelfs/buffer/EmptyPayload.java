package org.keelfs.buffer;

import java.nio.ByteBuffer;

/** The payload of no bytes: counts do not matter to it. */
final class EmptyPayload implements PayloadBuffer {
    private static final ByteBuffer NO_BYTES = ByteBuffer.allocateDirect(0);

    @Override
    public ByteBuffer bytes() {
        return NO_BYTES.duplicate();
    }

    @Override
    public int length() {
        return 0;
    }

    @Override
    public PayloadBuffer slice(int offset, int length) {
        if (offset != 0 || length != 0) {
            throw new IndexOutOfBoundsException(
                    "slice of an empty payload: " + offset + ", " + length);
        }
        return this;
    }

    @Override
    public PayloadBuffer retain() {
        return this;
    }

    @Override
    public void release() {}
}

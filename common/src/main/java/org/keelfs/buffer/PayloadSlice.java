package org.keelfs.buffer;

import java.nio.ByteBuffer;
import java.util.Objects;

/** A part of a payload, sharing its count. */
final class PayloadSlice implements PayloadBuffer {
    private final CountedPayload whole;
    private final int offset;
    private final int length;

    PayloadSlice(CountedPayload whole, int offset, int length) {
        var _ = Objects.checkFromIndexSize(offset, length, whole.length());
        this.whole = whole;
        this.offset = offset;
        this.length = length;
    }

    @Override
    public ByteBuffer bytes() {
        return whole.bytes().slice(offset, length);
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public PayloadBuffer slice(int from, int sliceLength) {
        var _ = Objects.checkFromIndexSize(from, sliceLength, length);
        return new PayloadSlice(whole, offset + from, sliceLength);
    }

    @Override
    public PayloadBuffer retain() {
        var _ = whole.retain();
        return this;
    }

    @Override
    public void release() {
        whole.release();
    }
}

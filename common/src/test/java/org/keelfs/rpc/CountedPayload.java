package org.keelfs.rpc;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.keelfs.buffer.PayloadBuffer;

/** Plain memory that shows how many holders it has. */
final class CountedPayload implements PayloadBuffer {
    private final ByteBuffer bytes;
    private final AtomicInteger count = new AtomicInteger(1);

    CountedPayload(int length) {
        this.bytes = ByteBuffer.allocateDirect(length);
    }

    CountedPayload(byte[] source, int offset, int length) {
        this(length);
        bytes.put(0, source, offset, length);
    }

    int count() {
        return count.get();
    }

    @Override
    public ByteBuffer bytes() {
        return bytes.duplicate();
    }

    @Override
    public int length() {
        return bytes.capacity();
    }

    @Override
    public PayloadBuffer slice(int offset, int length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public PayloadBuffer retain() {
        count.incrementAndGet();
        return this;
    }

    @Override
    public void release() {
        if (count.decrementAndGet() < 0) {
            throw new IllegalStateException("released too often");
        }
    }
}

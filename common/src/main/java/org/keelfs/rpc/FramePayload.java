package org.keelfs.rpc;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.keelfs.buffer.PayloadBuffer;

/** Bytes of a frame that arrived, where they arrived. */
final class FramePayload implements PayloadBuffer {
    private final ByteBuf bytes;

    /** Takes over one count. */
    FramePayload(ByteBuf bytes) {
        this.bytes = bytes;
    }

    /** A view for sending with indices of its own; it shares the count. */
    ByteBuf toByteBuf() {
        return bytes.slice();
    }

    @Override
    public ByteBuffer bytes() {
        return bytes.nioBuffer(bytes.readerIndex(), bytes.readableBytes()).slice();
    }

    @Override
    public int length() {
        return bytes.readableBytes();
    }

    @Override
    public PayloadBuffer slice(int offset, int length) {
        Objects.checkFromIndexSize(offset, length, length());
        return new FramePayload(bytes.slice(bytes.readerIndex() + offset, length));
    }

    @Override
    public PayloadBuffer retain() {
        var _ = bytes.retain();
        return this;
    }

    @Override
    public void release() {
        var _ = bytes.release();
    }
}

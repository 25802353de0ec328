package org.keelfs.rpc;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledDirectByteBuf;
import org.keelfs.buffer.PayloadBuffer;

/**
 * A payload as Netty sends it, without a copy; its last release gives one count of the payload
 * back.
 */
final class PayloadByteBuf extends UnpooledDirectByteBuf {
    private final PayloadBuffer payload;

    private PayloadByteBuf(ByteBufAllocator allocator, PayloadBuffer payload) {
        super(allocator, payload.bytes(), payload.length());
        this.payload = payload;
    }

    /** Takes over one count. */
    static ByteBuf of(ByteBufAllocator allocator, PayloadBuffer payload) {
        if (payload instanceof FramePayload frame) {
            return frame.toByteBuf();
        }
        if (payload.length() == 0) {
            payload.release();
            return Unpooled.EMPTY_BUFFER;
        }
        return new PayloadByteBuf(allocator, payload);
    }

    @Override
    protected void deallocate() {
        super.deallocate();
        payload.release();
    }
}

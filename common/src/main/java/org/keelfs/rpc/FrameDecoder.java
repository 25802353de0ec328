package org.keelfs.rpc;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.BufferPool;
import org.keelfs.wire.FrameCodec;
import org.keelfs.wire.GarbledFrameException;

/**
 * Cuts the stream into frames without the length in front. Confined to the event loop.
 *
 * <p>A frame that arrives within one piece of the stream is a slice of it; a longer one is gathered
 * in memory of its own: one copy, and its payload is contiguous.
 */
final class FrameDecoder extends ChannelInboundHandlerAdapter {
    /** Below, Netty's caches per thread are as good. */
    private static final int POOLED_FROM_BYTES = 32 << 10;

    private final BufferPool pool;
    private int lengthBytesSeen;
    private int length;
    private @Nullable ByteBuf partial;
    private boolean readSinceAsked;

    FrameDecoder(BufferPool pool) {
        this.pool = pool;
    }

    /** Whether any bytes came since this was last asked, be they a whole frame or not. */
    boolean takeActivity() {
        boolean read = readSinceAsked;
        readSinceAsked = false;
        return read;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) throws Exception {
        readSinceAsked = true;
        var in = (ByteBuf) message;
        try {
            while (in.isReadable()) {
                ByteBuf frame = next(ctx, in);
                if (frame != null) {
                    ctx.fireChannelRead(frame);
                }
            }
        } finally {
            in.release();
        }
    }

    private @Nullable ByteBuf next(ChannelHandlerContext ctx, ByteBuf in)
            throws GarbledFrameException {
        if (partial == null) {
            while (lengthBytesSeen < FrameCodec.LENGTH_BYTES) {
                if (!in.isReadable()) {
                    return null;
                }
                length = length << 8 | in.readUnsignedByte();
                lengthBytesSeen++;
            }
            FrameCodec.checkLength(length);
            if (in.readableBytes() >= length) {
                return finish(in.readRetainedSlice(length));
            }
            partial = allocate(ctx, length);
        }
        partial.writeBytes(in, Math.min(partial.writableBytes(), in.readableBytes()));
        return partial.isWritable() ? null : finish(partial);
    }

    /**
     * From our own pool, which keeps blocks of this size; Netty's gives such back and clears new
     * ones.
     */
    private ByteBuf allocate(ChannelHandlerContext ctx, int bytes) {
        var memory = bytes < POOLED_FROM_BYTES ? null : pool.tryAllocate(bytes);
        return memory == null
                ? ctx.alloc().directBuffer(bytes, bytes)
                : PayloadByteBuf.of(ctx.alloc(), memory).clear();
    }

    private ByteBuf finish(ByteBuf frame) {
        lengthBytesSeen = 0;
        length = 0;
        partial = null;
        return frame;
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (partial != null) {
            partial.release();
            partial = null;
        }
    }
}

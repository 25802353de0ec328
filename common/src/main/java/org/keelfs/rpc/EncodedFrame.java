package org.keelfs.rpc;

import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.wire.FrameCodec;
import org.keelfs.wire.proto.RpcProto.RpcHeader;

/** A frame on its way out, encoded by the thread that made it. Written or released, once. */
final class EncodedFrame {
    private static final ByteBuf[] NO_PAYLOAD = {};

    private final ByteBuf prefix;
    private final ByteBuf[] payload;
    private final int length;

    private EncodedFrame(ByteBuf prefix, ByteBuf[] payload, int length) {
        this.prefix = prefix;
        this.payload = payload;
        this.length = length;
    }

    /**
     * Takes over one count of each piece, also when it throws.
     *
     * @throws RpcException when it is longer than a frame may be
     */
    static EncodedFrame of(
            ByteBufAllocator allocator,
            RpcHeader header,
            @Nullable MessageLite body,
            List<PayloadBuffer> pieces) {
        long payloadLength = 0;
        for (var piece : pieces) {
            payloadLength += piece.length();
        }
        ByteBuf prefix = null;
        try {
            int prefixLength = FrameCodec.prefixLength(header, body);
            long length = prefixLength + payloadLength;
            if (length - FrameCodec.LENGTH_BYTES > FrameCodec.FRAME_BYTES_MAX) {
                throw new RpcException(
                        RpcStatus.FAILED,
                        "a frame of " + length + " bytes, limit " + FrameCodec.FRAME_BYTES_MAX);
            }
            prefix = allocator.directBuffer(prefixLength, prefixLength);
            FrameCodec.encodePrefix(
                    header, body, (int) payloadLength, prefix.nioBuffer(0, prefixLength));
            prefix.writerIndex(prefixLength);
            return new EncodedFrame(prefix, payloadOf(allocator, pieces), (int) length);
        } catch (RuntimeException | Error e) {
            if (prefix != null) {
                prefix.release();
            }
            releaseAll(pieces);
            throw e;
        }
    }

    /** A frame without body and payload. */
    static EncodedFrame of(ByteBufAllocator allocator, RpcHeader header) {
        return of(allocator, header, null, List.of());
    }

    static void releaseAll(List<PayloadBuffer> pieces) {
        for (var piece : pieces) {
            piece.release();
        }
    }

    private static ByteBuf[] payloadOf(ByteBufAllocator allocator, List<PayloadBuffer> pieces) {
        if (pieces.isEmpty()) {
            return NO_PAYLOAD;
        }
        var buffers = new ByteBuf[pieces.size()];
        for (int i = 0; i < buffers.length; i++) {
            buffers[i] = PayloadByteBuf.of(allocator, pieces.get(i));
        }
        return buffers;
    }

    int length() {
        return length;
    }

    /** Hands it to the channel without a flush. On the channel's event loop. */
    void writeTo(Channel channel) {
        var _ = channel.write(prefix, channel.voidPromise());
        for (ByteBuf piece : payload) {
            var _ = channel.write(piece, channel.voidPromise());
        }
    }

    void release() {
        prefix.release();
        for (ByteBuf piece : payload) {
            piece.release();
        }
    }
}

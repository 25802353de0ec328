package org.keelfs.wire;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.keelfs.wire.proto.RpcProto.RpcHeader;

/**
 * Frames of a connection.
 *
 * <pre>
 * offset size
 *      0    4  n: bytes that follow, big endian, at most {@link #FRAME_BYTES_MAX}
 *      4    2  h: bytes of the header, big endian
 *      6    h  header: protobuf RpcHeader
 *    6+h    b  body: protobuf message, b = header.body_length
 *  6+h+b       payload: raw bytes up to the end
 * </pre>
 */
public final class FrameCodec {
    /** Bytes of the length in front of every frame. */
    public static final int LENGTH_BYTES = 4;

    /**
     * Largest n. A batch of 1 MiB of sectors takes 1 MiB + 8 KiB of stored sectors and some KiB of
     * body; directory pages and command batches stay under 2 MiB. Twice that is a bug or an attack.
     */
    public static final int FRAME_BYTES_MAX = 4 << 20;

    /** Longest error text that travels; a header stays far below its 64 KiB. */
    public static final int ERROR_CHARS_MAX = 1000;

    private static final int HEADER_LENGTH_BYTES = 2;

    private FrameCodec() {}

    /**
     * A frame taken apart. Offsets count from the position of the decoded buffer.
     *
     * @param bodyOffset first byte of the body
     * @param payloadOffset first byte of the payload
     */
    public record Frame(
            RpcHeader header,
            int bodyOffset,
            int bodyLength,
            int payloadOffset,
            int payloadLength) {}

    /** Bytes of everything but the payload, the length in front included. */
    public static int prefixLength(RpcHeader header, @Nullable MessageLite body) {
        return LENGTH_BYTES
                + HEADER_LENGTH_BYTES
                + header.getSerializedSize()
                + (body == null ? 0 : body.getSerializedSize());
    }

    /**
     * Writes everything but the payload at the buffer's position; it has {@link #prefixLength}
     * bytes of room.
     */
    public static void encodePrefix(
            RpcHeader header, @Nullable MessageLite body, int payloadLength, ByteBuffer out) {
        out.putInt(prefixLength(header, body) - LENGTH_BYTES + payloadLength);
        out.putShort((short) header.getSerializedSize());
        try {
            var stream = CodedOutputStream.newInstance(out);
            header.writeTo(stream);
            if (body != null) {
                body.writeTo(stream);
            }
            stream.flush();
        } catch (IOException e) {
            throw new IllegalStateException("a frame did not fit the room made for it", e);
        }
    }

    /**
     * Checks the length in front of a frame.
     *
     * @param length the four bytes as an int
     */
    public static void checkLength(int length) throws GarbledFrameException {
        if (length < HEADER_LENGTH_BYTES || length > FRAME_BYTES_MAX) {
            throw new GarbledFrameException(
                    "frame length "
                            + Integer.toUnsignedString(length)
                            + ", limit "
                            + FRAME_BYTES_MAX);
        }
    }

    /** Takes a frame apart; the buffer runs from behind the length to the frame's end. */
    public static Frame decode(ByteBuffer frame) throws GarbledFrameException {
        int start = frame.position();
        int total = frame.remaining();
        if (total < HEADER_LENGTH_BYTES) {
            throw new GarbledFrameException("frame of " + total + " bytes");
        }
        int headerLength = Short.toUnsignedInt(frame.getShort(start));
        int bodyOffset = HEADER_LENGTH_BYTES + headerLength;
        if (bodyOffset > total) {
            throw new GarbledFrameException(
                    "header of " + headerLength + " bytes in a frame of " + total);
        }
        RpcHeader header = header(frame.slice(start + HEADER_LENGTH_BYTES, headerLength));
        int bodyLength = header.getBodyLength();
        if (bodyLength < 0 || bodyLength > total - bodyOffset) {
            throw new GarbledFrameException(
                    "body of "
                            + Integer.toUnsignedString(bodyLength)
                            + " bytes in a frame of "
                            + total);
        }
        int payloadOffset = bodyOffset + bodyLength;
        return new Frame(header, bodyOffset, bodyLength, payloadOffset, total - payloadOffset);
    }

    private static RpcHeader header(ByteBuffer bytes) throws GarbledFrameException {
        try {
            return RpcHeader.parseFrom(CodedInputStream.newInstance(bytes));
        } catch (IOException e) {
            throw new GarbledFrameException("garbled header: " + e.getMessage());
        }
    }
}

package org.keelfs.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.keelfs.wire.proto.MetadataProto.Xattr;
import org.keelfs.wire.proto.RpcProto.RpcHeader;

class FrameCodecTest {
    @Test
    void aFrameIsTakenApartAsItWasBuilt() throws Exception {
        for (long seed = 0; seed < 500; seed++) {
            var random = new Random(seed);
            var value = new byte[random.nextInt(2_000)];
            random.nextBytes(value);
            var body = Xattr.newBuilder().setValue(ByteString.copyFrom(value)).build();
            var header =
                    RpcHeader.newBuilder()
                            .setKind(RpcHeader.Kind.forNumber(1 + random.nextInt(5)))
                            .setId(random.nextLong())
                            .setMethod(random.nextInt())
                            .setTimeoutMs(random.nextInt())
                            .setStatus(random.nextInt())
                            .setError("e".repeat(random.nextInt(FrameCodec.ERROR_CHARS_MAX)))
                            .setBodyLength(body.getSerializedSize())
                            .build();
            int payload = random.nextInt(10_000);
            int prefix = FrameCodec.prefixLength(header, body);
            var bytes =
                    random.nextBoolean()
                            ? ByteBuffer.allocate(prefix + payload)
                            : ByteBuffer.allocateDirect(prefix + payload);
            FrameCodec.encodePrefix(header, body, payload, bytes.slice(0, prefix));
            assertEquals(bytes.capacity() - FrameCodec.LENGTH_BYTES, bytes.getInt());
            int start = bytes.position();
            var frame = FrameCodec.decode(bytes);
            assertEquals(header, frame.header());
            assertEquals(payload, frame.payloadLength());
            assertEquals(prefix - start, frame.payloadOffset());
            assertEquals(
                    body,
                    Xattr.parseFrom(bytes.slice(start + frame.bodyOffset(), frame.bodyLength())));
        }
    }

    @Test
    void lengthsOutOfBoundsAreGarbled() throws Exception {
        FrameCodec.checkLength(2);
        FrameCodec.checkLength(FrameCodec.FRAME_BYTES_MAX);
        for (int length : new int[] {-1, 0, 1, FrameCodec.FRAME_BYTES_MAX + 1, Integer.MIN_VALUE}) {
            assertThrows(GarbledFrameException.class, () -> FrameCodec.checkLength(length));
        }
    }

    @Test
    void partsThatDoNotFitTheFrameAreGarbled() {
        assertGarbled(new byte[0]);
        assertGarbled(new byte[] {0});
        assertGarbled(new byte[] {0, 5, 1, 2, 3});
        assertGarbled(new byte[] {-1, -1});
        // A body of 1 and of 2^32 - 1 bytes in a frame that ends with its header.
        assertGarbled(new byte[] {0, 2, 7 << 3, 1});
        assertGarbled(new byte[] {0, 6, 7 << 3, -1, -1, -1, -1, 15});
    }

    @Test
    void noiseEndsInAFrameOrInGarbledAndNothingElse() {
        for (long seed = 0; seed < 20_000; seed++) {
            var random = new Random(seed);
            var noise = new byte[random.nextInt(60)];
            random.nextBytes(noise);
            if (noise.length > 1) {
                noise[0] = 0;
                noise[1] = (byte) random.nextInt(noise.length);
            }
            try {
                var frame = FrameCodec.decode(ByteBuffer.wrap(noise));
                assertEquals(noise.length, frame.payloadOffset() + frame.payloadLength());
            } catch (GarbledFrameException e) {
                assertEquals(GarbledFrameException.class, e.getClass());
            }
        }
    }

    private static void assertGarbled(byte[] frame) {
        assertThrows(GarbledFrameException.class, () -> FrameCodec.decode(ByteBuffer.wrap(frame)));
    }
}

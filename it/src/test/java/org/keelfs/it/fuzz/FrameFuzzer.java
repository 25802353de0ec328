package org.keelfs.it.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.keelfs.wire.FrameCodec;
import org.keelfs.wire.GarbledFrameException;
import org.keelfs.wire.proto.MetadataProto.StatfsRequest;
import org.keelfs.wire.proto.RpcProto.RpcHeader;

/** Whatever arrives is a frame whose parts lie within it, or garbled. */
class FrameFuzzer {
    private static final int SEEDS = 50_000;

    @FuzzTest(maxDuration = "60s")
    void anyBytes(byte[] bytes) {
        decode(ByteBuffer.wrap(bytes));
        decode(ByteBuffer.allocateDirect(bytes.length).put(bytes).flip());
    }

    @Test
    void seeds() {
        byte[] good = frame();
        for (long seed = 0; seed < SEEDS; seed++) {
            anyBytes(Noise.near(good, seed));
        }
    }

    private static void decode(ByteBuffer bytes) {
        int length = bytes.remaining();
        try {
            var frame = FrameCodec.decode(bytes);
            assertTrue(frame.bodyOffset() >= 2);
            assertEquals(frame.payloadOffset(), frame.bodyOffset() + frame.bodyLength());
            assertEquals(length, frame.payloadOffset() + frame.payloadLength());
        } catch (GarbledFrameException e) {
            assertTrue(e.getMessage() != null);
        }
    }

    private static byte[] frame() {
        var body = StatfsRequest.newBuilder().setSession(7).build();
        var header =
                RpcHeader.newBuilder()
                        .setKind(RpcHeader.Kind.REQUEST)
                        .setId(1234)
                        .setMethod(13)
                        .setTimeoutMs(5_000)
                        .setError("none")
                        .setBodyLength(body.getSerializedSize())
                        .build();
        var bytes = ByteBuffer.allocate(FrameCodec.prefixLength(header, body) + 20);
        FrameCodec.encodePrefix(header, body, 20, bytes);
        return Arrays.copyOfRange(bytes.array(), FrameCodec.LENGTH_BYTES, bytes.capacity());
    }
}

package org.keelfs.it.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.InvalidProtocolBufferException;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.buffer.WrappedPayload;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.Digest;
import org.keelfs.register.Hint;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.StampRun;
import org.keelfs.register.ValueRun;
import org.keelfs.wire.GarbledFrameException;
import org.keelfs.wire.RegisterCodec;
import org.keelfs.wire.RegisterCodec.Operation;
import org.keelfs.wire.SectorAnswer;
import org.keelfs.wire.proto.NodeProto.SectorBatchReply;
import org.keelfs.wire.proto.NodeProto.SectorBatchRequest;
import org.keelfs.wire.proto.NodeProto.SignedCapability;

/** Whatever a batch says, it is understood, and then says the same again, or it is garbled. */
class RegisterCodecFuzzer {
    private static final int SEEDS = 20_000;
    private static final int PAYLOAD_SECTORS = 3;
    private static final Timestamp STAMP = new Timestamp(9, 8, 7);

    private final PayloadBuffer sectors =
            WrappedPayload.of(
                    ByteBuffer.allocate(PAYLOAD_SECTORS * Payload.STORED_SECTOR_BYTES), () -> {});

    @FuzzTest(maxDuration = "60s")
    void anyRequest(byte[] bytes) {
        try {
            var batch = SectorBatchRequest.parseFrom(bytes);
            for (int count = 0; count <= PAYLOAD_SECTORS; count++) {
                checkRequest(batch, payload(count));
            }
        } catch (InvalidProtocolBufferException e) {
            return; // Refused before the codec sees it.
        }
    }

    @FuzzTest(maxDuration = "60s")
    void anyReply(byte[] bytes) {
        try {
            var batch = SectorBatchReply.parseFrom(bytes);
            for (int count = 0; count <= PAYLOAD_SECTORS; count++) {
                checkReply(batch, payload(count));
            }
        } catch (InvalidProtocolBufferException e) {
            return; // Refused before the codec sees it.
        }
    }

    @Test
    void seeds() {
        byte[] requests = goodRequests();
        byte[] replies = goodReplies();
        for (long seed = 0; seed < SEEDS; seed++) {
            anyRequest(Noise.near(requests, seed));
            anyReply(Noise.near(replies, seed));
        }
    }

    private static void checkRequest(SectorBatchRequest batch, PayloadBuffer payload) {
        try {
            var operations = RegisterCodec.decodeRequests(batch, payload);
            var again = RegisterCodec.encodeRequests(batch.getCapabilitiesList(), operations);
            assertEquals(batch.getOpsCount(), again.message().getOpsCount());
            assertEquals(payload.length(), lengthOf(again.payload()));
        } catch (GarbledFrameException e) {
            return; // The sender is told.
        }
    }

    private static void checkReply(SectorBatchReply batch, PayloadBuffer payload) {
        try {
            var answers = RegisterCodec.decodeReplies(batch, payload, batch.getResultsCount());
            var again = RegisterCodec.encodeReplies(answers);
            assertEquals(batch.getResultsCount(), again.message().getResultsCount());
            assertEquals(payload.length(), lengthOf(again.payload()));
        } catch (GarbledFrameException e) {
            return; // The node counts as failed.
        }
    }

    private static int lengthOf(List<PayloadBuffer> pieces) {
        return pieces.stream().mapToInt(PayloadBuffer::length).sum();
    }

    private PayloadBuffer payload(int count) {
        return sectors.slice(0, count * Payload.STORED_SECTOR_BYTES);
    }

    private byte[] goodRequests() {
        var chunk = new ChunkId(5);
        var run = new SectorRun(3, 2);
        var digest = new Digest(1, 2);
        var fix = new ValueRun(new SectorRun(0, 1), STAMP, payload(1));
        var hole = new ValueRun(run, STAMP, null);
        return RegisterCodec.encodeRequests(
                        List.of(SignedCapability.getDefaultInstance()),
                        List.of(
                                new Operation(
                                        0,
                                        new RegisterRequest.Promise(chunk, 1, new Hint(1, digest))),
                                new Operation(0, new RegisterRequest.Stamps(chunk, 1, run)),
                                new Operation(0, new RegisterRequest.Fetch(chunk, 1, run)),
                                new Operation(
                                        0, new RegisterRequest.Stage(chunk, 1, List.of(hole))),
                                new Operation(
                                        0,
                                        new RegisterRequest.Install(
                                                chunk, 1, List.of(fix, hole), digest)),
                                new Operation(
                                        0,
                                        new RegisterRequest.Write(
                                                chunk, 1, run, STAMP, payload(2))),
                                new Operation(0, new RegisterRequest.Read(chunk, 1, run)),
                                new Operation(0, new RegisterRequest.Probe(chunk, 1))))
                .message()
                .toByteArray();
    }

    private byte[] goodReplies() {
        var run = new SectorRun(3, 2);
        var digest = new Digest(1, 2);
        var replies =
                List.<RegisterReply>of(
                        new RegisterReply.Promised(1, digest),
                        new RegisterReply.StampsAnswer(
                                List.of(new StampRun(run, STAMP, true)), 1, digest),
                        new RegisterReply.Values(
                                List.of(
                                        new ValueRun(new SectorRun(0, 1), STAMP, payload(1)),
                                        new ValueRun(run, STAMP, null))),
                        new RegisterReply.Staged(),
                        new RegisterReply.Applied(-3),
                        new RegisterReply.Have(1, digest),
                        new RegisterReply.Stored(4),
                        new RegisterReply.ProbeOk(),
                        new RegisterReply.Stale(5),
                        new RegisterReply.Unsealed(6),
                        new RegisterReply.Refused(RegisterReply.Reason.DAMAGED));
        return RegisterCodec.encodeReplies(
                        replies.stream().<SectorAnswer>map(SectorAnswer.Replied::new).toList())
                .message()
                .toByteArray();
    }
}

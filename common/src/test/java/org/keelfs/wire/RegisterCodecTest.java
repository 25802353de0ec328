package org.keelfs.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
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
import org.keelfs.wire.RegisterCodec.Operation;
import org.keelfs.wire.proto.NodeProto.Run;
import org.keelfs.wire.proto.NodeProto.SectorBatchReply;
import org.keelfs.wire.proto.NodeProto.SectorBatchRequest;
import org.keelfs.wire.proto.NodeProto.SectorOp;
import org.keelfs.wire.proto.NodeProto.SectorResult;
import org.keelfs.wire.proto.NodeProto.SignedCapability;
import org.keelfs.wire.proto.NodeProto.WriteOp;

class RegisterCodecTest {
    private static final int SEEDS = 300;

    @Test
    void batchesOfRequestsComeBackAsTheyWere() throws Exception {
        for (long seed = 0; seed < SEEDS; seed++) {
            var make = new Generator(seed);
            var sent = make.list(make::operation);
            var encoded = RegisterCodec.encodeRequests(List.of(capability(), capability()), sent);
            var message = SectorBatchRequest.parseFrom(encoded.message().toByteArray());
            var received = RegisterCodec.decodeRequests(message, joined(encoded.payload()));
            assertEquals(
                    sent.stream().map(RegisterCodecTest::show).toList(),
                    received.stream().map(RegisterCodecTest::show).toList(),
                    "seed " + seed);
        }
    }

    @Test
    void batchesOfAnswersComeBackAsTheyWere() throws Exception {
        for (long seed = 0; seed < SEEDS; seed++) {
            var make = new Generator(seed);
            var sent = make.list(make::answer);
            var encoded = RegisterCodec.encodeReplies(sent);
            var message = SectorBatchReply.parseFrom(encoded.message().toByteArray());
            var received =
                    RegisterCodec.decodeReplies(message, joined(encoded.payload()), sent.size());
            assertEquals(
                    sent.stream().map(RegisterCodecTest::show).toList(),
                    received.stream().map(RegisterCodecTest::show).toList(),
                    "seed " + seed);
        }
    }

    @Test
    void encodingAddsOneCountToEachPieceAndDecodingNone() throws Exception {
        var released = new AtomicInteger();
        var bytes =
                WrappedPayload.of(
                        ByteBuffer.allocateDirect(Payload.STORED_SECTOR_BYTES),
                        released::incrementAndGet);
        var write =
                new RegisterRequest.Write(
                        new ChunkId(1), 1, new SectorRun(0, 1), new Timestamp(1, 1, 1), bytes);
        var encoded =
                RegisterCodec.encodeRequests(
                        List.of(capability()), List.of(new Operation(0, write)));
        var _ = RegisterCodec.decodeRequests(encoded.message(), encoded.payload().getFirst());
        encoded.payload().getFirst().release();
        assertEquals(0, released.get());
        bytes.release();
        assertEquals(1, released.get());
    }

    @Test
    void runsThatNoChunkHasAreGarbled() {
        int max = RegisterCodec.CHUNK_SECTORS_MAX;
        int[][] bad = {{0, 0}, {0, -1}, {-1, 1}, {0, max + 1}, {max, 1}, {1, Integer.MAX_VALUE}};
        for (int[] run : bad) {
            var read = Run.newBuilder().setFirst(run[0]).setCount(run[1]);
            assertGarbled(SectorOp.newBuilder().setRead(read), PayloadBuffer.EMPTY);
        }
    }

    @Test
    void payloadThatDoesNotFitTheOperationsIsGarbled() {
        var write = WriteOp.newBuilder().setFirst(0).setCount(2);
        var op = SectorOp.newBuilder().setWrite(write);
        assertGarbled(op, payload(2 * Payload.STORED_SECTOR_BYTES - 1));
        assertGarbled(op, payload(2 * Payload.STORED_SECTOR_BYTES + 1));
        assertGarbled(op.setWrite(write.setHole(true)), payload(1));
    }

    @Test
    void operationsWithoutContentOrCapabilityAreGarbled() {
        assertGarbled(SectorOp.newBuilder(), PayloadBuffer.EMPTY);
        var read = Run.newBuilder().setCount(1);
        assertGarbled(SectorOp.newBuilder().setCapability(1).setRead(read), PayloadBuffer.EMPTY);
        assertGarbled(SectorOp.newBuilder().setCapability(-1).setRead(read), PayloadBuffer.EMPTY);
    }

    @Test
    void answersThatAreNotOnePerOperationAreGarbled() {
        var one =
                SectorBatchReply.newBuilder()
                        .addResults(SectorResult.newBuilder().setStale(5))
                        .build();
        assertThrows(
                GarbledFrameException.class,
                () -> RegisterCodec.decodeReplies(one, PayloadBuffer.EMPTY, 2));
        var unknown =
                SectorBatchReply.newBuilder()
                        .addResults(SectorResult.newBuilder().setRefused(99))
                        .build();
        assertThrows(
                GarbledFrameException.class,
                () -> RegisterCodec.decodeReplies(unknown, PayloadBuffer.EMPTY, 1));
    }

    @Test
    void flippedBitsEndInAMessageOrInGarbledAndNothingElse() {
        for (long seed = 0; seed < SEEDS; seed++) {
            var make = new Generator(seed);
            var encoded =
                    RegisterCodec.encodeRequests(List.of(capability()), make.list(make::operation));
            byte[] bytes = encoded.message().toByteArray();
            for (int i = 0; i < 20 && bytes.length > 0; i++) {
                bytes[make.random.nextInt(bytes.length)] ^= (byte) (1 << make.random.nextInt(8));
                try {
                    var _ =
                            RegisterCodec.decodeRequests(
                                    SectorBatchRequest.parseFrom(bytes), joined(encoded.payload()));
                } catch (GarbledFrameException | InvalidProtocolBufferException e) {
                    // As it should be.
                    continue;
                }
            }
        }
    }

    private static void assertGarbled(SectorOp.Builder op, PayloadBuffer payload) {
        var batch =
                SectorBatchRequest.newBuilder().addCapabilities(capability()).addOps(op).build();
        assertThrows(
                GarbledFrameException.class, () -> RegisterCodec.decodeRequests(batch, payload));
    }

    private static SignedCapability capability() {
        return SignedCapability.newBuilder().setMac(ByteString.copyFromUtf8("mac")).build();
    }

    private static PayloadBuffer payload(int length) {
        return WrappedPayload.of(ByteBuffer.allocate(length), () -> {});
    }

    private static PayloadBuffer joined(List<PayloadBuffer> pieces) {
        int length = pieces.stream().mapToInt(PayloadBuffer::length).sum();
        var all = ByteBuffer.allocate(length);
        pieces.forEach(piece -> all.put(piece.bytes()));
        return WrappedPayload.of(all.flip(), () -> {});
    }

    /** Records compare payloads by identity: show their bytes instead. */
    private static String show(Object message) {
        return switch (message) {
            case Operation(int capability, RegisterRequest.Write w) ->
                    capability
                            + " write "
                            + w.chunk()
                            + w.epoch()
                            + w.run()
                            + w.timestamp()
                            + show(w.payload());
            case Operation(int capability, RegisterRequest.Stage s) ->
                    capability + " stage " + s.chunk() + s.epoch() + showAll(s.fixes());
            case Operation(int capability, RegisterRequest.Install i) ->
                    capability
                            + " install "
                            + i.chunk()
                            + i.epoch()
                            + showAll(i.fixes())
                            + i.digest();
            case SectorAnswer.Replied(RegisterReply.Values(var values)) ->
                    "values " + showAll(values);
            default -> message.toString();
        };
    }

    private static String showAll(List<ValueRun> values) {
        var text = new StringBuilder();
        for (var value : values) {
            text.append(value.run()).append(value.timestamp()).append(show(value.payload()));
        }
        return text.toString();
    }

    private static String show(@Nullable Payload payload) {
        return payload == null
                ? " hole"
                : " " + payload.length() + "#" + ((PayloadBuffer) payload).bytes().hashCode();
    }

    /** Messages of all kinds, from a seed. */
    private static final class Generator {
        private final Random random;

        Generator(long seed) {
            this.random = new Random(seed);
        }

        <T> List<T> list(Supplier<T> element) {
            var list = new ArrayList<T>();
            int count = random.nextInt(6);
            for (int i = 0; i < count; i++) {
                list.add(element.get());
            }
            return list;
        }

        Operation operation() {
            return new Operation(random.nextInt(2), request());
        }

        private RegisterRequest request() {
            var chunk = new ChunkId(random.nextLong());
            long epoch = random.nextLong();
            return switch (random.nextInt(8)) {
                case 0 ->
                        new RegisterRequest.Promise(
                                chunk,
                                epoch,
                                random.nextBoolean()
                                        ? null
                                        : new Hint(random.nextLong(), digest()));
                case 1 -> new RegisterRequest.Stamps(chunk, epoch, run());
                case 2 -> new RegisterRequest.Fetch(chunk, epoch, run());
                case 3 -> new RegisterRequest.Stage(chunk, epoch, list(this::value));
                case 4 -> new RegisterRequest.Install(chunk, epoch, list(this::value), digest());
                case 5 -> {
                    var run = run();
                    yield new RegisterRequest.Write(chunk, epoch, run, timestamp(), bytes(run));
                }
                case 6 -> new RegisterRequest.Read(chunk, epoch, run());
                default -> new RegisterRequest.Probe(chunk, epoch);
            };
        }

        SectorAnswer answer() {
            return random.nextInt(8) == 0
                    ? new SectorAnswer.CapabilityRefused(random.nextBoolean())
                    : new SectorAnswer.Replied(reply());
        }

        private RegisterReply reply() {
            return switch (random.nextInt(11)) {
                case 0 -> new RegisterReply.Promised(random.nextLong(), digest());
                case 1 ->
                        new RegisterReply.StampsAnswer(
                                ascending().stream()
                                        .map(
                                                r ->
                                                        new StampRun(
                                                                r,
                                                                timestamp(),
                                                                random.nextBoolean()))
                                        .toList(),
                                random.nextLong(),
                                digest());
                case 2 ->
                        new RegisterReply.Values(
                                ascending().stream()
                                        .map(r -> new ValueRun(r, timestamp(), bytes(r)))
                                        .toList());
                case 3 -> new RegisterReply.Staged();
                case 4 -> new RegisterReply.Applied(random.nextInt());
                case 5 -> new RegisterReply.Have(random.nextLong(), digest());
                case 6 -> new RegisterReply.Stored(random.nextInt());
                case 7 -> new RegisterReply.ProbeOk();
                case 8 -> new RegisterReply.Stale(random.nextLong());
                case 9 -> new RegisterReply.Unsealed(random.nextLong());
                default -> {
                    var reasons = RegisterReply.Reason.values();
                    yield new RegisterReply.Refused(reasons[random.nextInt(reasons.length)]);
                }
            };
        }

        private List<SectorRun> ascending() {
            var runs = new ArrayList<SectorRun>();
            int first = 0;
            int count = random.nextInt(5);
            for (int i = 0; i < count; i++) {
                first += random.nextInt(3);
                var run = new SectorRun(first, 1 + random.nextInt(3));
                runs.add(run);
                first = run.end();
            }
            return runs;
        }

        private ValueRun value() {
            var run = run();
            return new ValueRun(run, timestamp(), bytes(run));
        }

        private @Nullable Payload bytes(SectorRun run) {
            if (random.nextInt(3) == 0) {
                return null;
            }
            var bytes = new byte[run.count() * Payload.STORED_SECTOR_BYTES];
            random.nextBytes(bytes);
            return WrappedPayload.of(ByteBuffer.wrap(bytes), () -> {});
        }

        private SectorRun run() {
            int count = 1 + random.nextInt(3);
            return new SectorRun(
                    random.nextInt(RegisterCodec.CHUNK_SECTORS_MAX - count + 1), count);
        }

        private Timestamp timestamp() {
            return random.nextInt(5) == 0
                    ? Timestamp.ZERO
                    : new Timestamp(random.nextLong(), random.nextLong(), random.nextLong());
        }

        private Digest digest() {
            return new Digest(random.nextLong(), random.nextLong());
        }
    }
}

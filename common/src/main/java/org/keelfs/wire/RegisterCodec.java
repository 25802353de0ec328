package org.keelfs.wire;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.buffer.PayloadBuffer;
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
import org.keelfs.wire.proto.NodeProto;
import org.keelfs.wire.proto.NodeProto.DigestValue;
import org.keelfs.wire.proto.NodeProto.Empty;
import org.keelfs.wire.proto.NodeProto.FixesOp;
import org.keelfs.wire.proto.NodeProto.InstallOp;
import org.keelfs.wire.proto.NodeProto.ProbeOp;
import org.keelfs.wire.proto.NodeProto.PromiseOp;
import org.keelfs.wire.proto.NodeProto.Run;
import org.keelfs.wire.proto.NodeProto.SectorBatchReply;
import org.keelfs.wire.proto.NodeProto.SectorBatchRequest;
import org.keelfs.wire.proto.NodeProto.SectorOp;
import org.keelfs.wire.proto.NodeProto.SectorResult;
import org.keelfs.wire.proto.NodeProto.SignedCapability;
import org.keelfs.wire.proto.NodeProto.Stamp;
import org.keelfs.wire.proto.NodeProto.StampedRun;
import org.keelfs.wire.proto.NodeProto.StampsResult;
import org.keelfs.wire.proto.NodeProto.ValuesResult;
import org.keelfs.wire.proto.NodeProto.WriteOp;

/**
 * Register requests and replies as messages of {@code node.proto}, with the bytes of their values
 * beside them, in the order in which operations and their fixes name them.
 *
 * <p>Encoding adds one count to each piece of payload that it collects: a call takes it over.
 * Decoding cuts the payload into slices that share its count; whoever keeps one retains it. Bytes
 * that do not make sense end in {@link GarbledFrameException}, never in anything else.
 */
public final class RegisterCodec {
    /** Sectors of the largest chunk, 64 MiB: no run ends beyond. */
    public static final int CHUNK_SECTORS_MAX = 16_384;

    private static final Empty EMPTY = Empty.getDefaultInstance();
    private static final ProbeOp PROBE = ProbeOp.getDefaultInstance();
    private static final RegisterReply.Reason[] REASONS = RegisterReply.Reason.values();

    private RegisterCodec() {}

    /**
     * One operation of a batch.
     *
     * @param capability index into the batch's capabilities
     */
    public record Operation(int capability, RegisterRequest request) {}

    /** A message with what travels behind it. */
    public record Encoded<M>(M message, List<PayloadBuffer> payload) {}

    /** Builds the frame of many operations. */
    public static Encoded<SectorBatchRequest> encodeRequests(
            List<SignedCapability> capabilities, List<Operation> operations) {
        var batch = SectorBatchRequest.newBuilder().addAllCapabilities(capabilities);
        var payload = new ArrayList<PayloadBuffer>();
        for (var operation : operations) {
            batch.addOps(encode(operation.capability(), operation.request(), payload));
        }
        return new Encoded<>(batch.build(), payload);
    }

    /** Reads the operations of a frame; every index into the capabilities is valid. */
    public static List<Operation> decodeRequests(SectorBatchRequest batch, PayloadBuffer payload)
            throws GarbledFrameException {
        var reader = new PayloadReader(payload);
        var operations = new ArrayList<Operation>(batch.getOpsCount());
        for (var op : batch.getOpsList()) {
            int capability = op.getCapability();
            if (capability < 0 || capability >= batch.getCapabilitiesCount()) {
                throw new GarbledFrameException("an operation without a capability");
            }
            operations.add(new Operation(capability, decode(op, reader)));
        }
        reader.checkEnd();
        return operations;
    }

    /** Builds the frame of the answers, in the order of the operations. */
    public static Encoded<SectorBatchReply> encodeReplies(List<SectorAnswer> answers) {
        var batch = SectorBatchReply.newBuilder();
        var payload = new ArrayList<PayloadBuffer>();
        for (var answer : answers) {
            batch.addResults(encode(answer, payload));
        }
        return new Encoded<>(batch.build(), payload);
    }

    /**
     * Reads the answers to so many operations.
     *
     * @param operations how many were sent
     */
    public static List<SectorAnswer> decodeReplies(
            SectorBatchReply batch, PayloadBuffer payload, int operations)
            throws GarbledFrameException {
        if (batch.getResultsCount() != operations) {
            throw new GarbledFrameException(
                    batch.getResultsCount() + " answers to " + operations + " operations");
        }
        var reader = new PayloadReader(payload);
        var answers = new ArrayList<SectorAnswer>(operations);
        for (var result : batch.getResultsList()) {
            answers.add(decode(result, reader));
        }
        reader.checkEnd();
        return answers;
    }

    // ---- requests ----

    private static SectorOp encode(
            int capability, RegisterRequest request, List<PayloadBuffer> payload) {
        var op =
                SectorOp.newBuilder()
                        .setCapability(capability)
                        .setChunk(request.chunk().value())
                        .setEpoch(request.epoch());
        switch (request) {
            case RegisterRequest.Promise promise -> {
                var body = PromiseOp.newBuilder();
                if (promise.hint() != null) {
                    body.setHint(encode(promise.hint()));
                }
                op.setPromise(body);
            }
            case RegisterRequest.Stamps stamps -> op.setStamps(encode(stamps.range()));
            case RegisterRequest.Fetch fetch -> op.setFetch(encode(fetch.run()));
            case RegisterRequest.Stage stage ->
                    op.setStage(
                            FixesOp.newBuilder().addAllFixes(encodeValues(stage.fixes(), payload)));
            case RegisterRequest.Install install ->
                    op.setInstall(
                            InstallOp.newBuilder()
                                    .addAllFixes(encodeValues(install.fixes(), payload))
                                    .setDigest(encode(install.digest())));
            case RegisterRequest.Write write ->
                    op.setWrite(
                            WriteOp.newBuilder()
                                    .setFirst(write.run().first())
                                    .setCount(write.run().count())
                                    .setStamp(encode(write.timestamp()))
                                    .setRepair(write.repair())
                                    .setHole(collect(write.run(), write.payload(), payload)));
            case RegisterRequest.Read read -> op.setRead(encode(read.run()));
            case RegisterRequest.Probe _ -> op.setProbe(PROBE);
        }
        return op.build();
    }

    private static RegisterRequest decode(SectorOp op, PayloadReader payload)
            throws GarbledFrameException {
        var chunk = new ChunkId(op.getChunk());
        long epoch = op.getEpoch();
        return switch (op.getOpCase()) {
            case PROMISE ->
                    new RegisterRequest.Promise(
                            chunk,
                            epoch,
                            op.getPromise().hasHint() ? decode(op.getPromise().getHint()) : null);
            case STAMPS -> new RegisterRequest.Stamps(chunk, epoch, decode(op.getStamps()));
            case FETCH -> new RegisterRequest.Fetch(chunk, epoch, decode(op.getFetch()));
            case STAGE ->
                    new RegisterRequest.Stage(
                            chunk, epoch, decodeValues(op.getStage().getFixesList(), payload));
            case INSTALL ->
                    new RegisterRequest.Install(
                            chunk,
                            epoch,
                            decodeValues(op.getInstall().getFixesList(), payload),
                            decode(op.getInstall().getDigest()));
            case WRITE -> decodeWrite(chunk, epoch, op.getWrite(), payload);
            case READ -> new RegisterRequest.Read(chunk, epoch, decode(op.getRead()));
            case PROBE -> new RegisterRequest.Probe(chunk, epoch);
            case OP_NOT_SET -> throw new GarbledFrameException("an operation without content");
        };
    }

    private static RegisterRequest decodeWrite(
            ChunkId chunk, long epoch, WriteOp write, PayloadReader payload)
            throws GarbledFrameException {
        var run = run(write.getFirst(), write.getCount());
        var bytes = write.getHole() ? null : payload.next(run);
        return new RegisterRequest.Write(
                chunk, epoch, run, decode(write.getStamp()), bytes, write.getRepair());
    }

    // ---- replies ----

    private static SectorResult encode(SectorAnswer answer, List<PayloadBuffer> payload) {
        var result = SectorResult.newBuilder();
        switch (answer) {
            case SectorAnswer.Replied(var reply) -> encode(reply, result, payload);
            case SectorAnswer.CapabilityRefused(boolean renewable) ->
                    result.setCapabilityRefused(renewable ? 1 : 2);
        }
        return result.build();
    }

    private static void encode(
            RegisterReply reply, SectorResult.Builder result, List<PayloadBuffer> payload) {
        switch (reply) {
            case RegisterReply.Promised(long sealed, var digest) ->
                    result.setPromised(encode(sealed, digest));
            case RegisterReply.StampsAnswer(var stamps, long sealed, var digest) ->
                    result.setStamps(
                            StampsResult.newBuilder()
                                    .addAllStamps(encodeStamps(stamps))
                                    .setState(encode(sealed, digest)));
            case RegisterReply.Values(var values) ->
                    result.setValues(
                            ValuesResult.newBuilder().addAllValues(encodeValues(values, payload)));
            case RegisterReply.Staged _ -> result.setStaged(EMPTY);
            case RegisterReply.Applied(int allocatedDelta) -> result.setApplied(allocatedDelta);
            case RegisterReply.Have(long sealed, var digest) ->
                    result.setHave(encode(sealed, digest));
            case RegisterReply.Stored(int allocatedDelta) -> result.setStored(allocatedDelta);
            case RegisterReply.ProbeOk _ -> result.setProbeOk(EMPTY);
            case RegisterReply.Stale(long promised) -> result.setStale(promised);
            case RegisterReply.Unsealed(long sealed) -> result.setUnsealed(sealed);
            case RegisterReply.Refused(var reason) -> result.setRefused(reason.ordinal());
        }
    }

    private static SectorAnswer decode(SectorResult result, PayloadReader payload)
            throws GarbledFrameException {
        if (result.getResultCase() == SectorResult.ResultCase.CAPABILITY_REFUSED) {
            return new SectorAnswer.CapabilityRefused(result.getCapabilityRefused() == 1);
        }
        return new SectorAnswer.Replied(decodeReply(result, payload));
    }

    private static RegisterReply decodeReply(SectorResult result, PayloadReader payload)
            throws GarbledFrameException {
        return switch (result.getResultCase()) {
            case PROMISED -> {
                var state = decode(result.getPromised());
                yield new RegisterReply.Promised(state.sealed(), state.digest());
            }
            case STAMPS -> {
                var state = decode(result.getStamps().getState());
                yield new RegisterReply.StampsAnswer(
                        decodeStamps(result.getStamps().getStampsList()),
                        state.sealed(),
                        state.digest());
            }
            case VALUES -> {
                var values = decodeValues(result.getValues().getValuesList(), payload);
                checkAscending(values.stream().map(ValueRun::run).toList());
                yield new RegisterReply.Values(values);
            }
            case STAGED -> new RegisterReply.Staged();
            case APPLIED -> new RegisterReply.Applied(result.getApplied());
            case HAVE -> {
                var state = decode(result.getHave());
                yield new RegisterReply.Have(state.sealed(), state.digest());
            }
            case STORED -> new RegisterReply.Stored(result.getStored());
            case PROBE_OK -> new RegisterReply.ProbeOk();
            case STALE -> new RegisterReply.Stale(result.getStale());
            case UNSEALED -> new RegisterReply.Unsealed(result.getUnsealed());
            case REFUSED -> new RegisterReply.Refused(reason(result.getRefused()));
            case CAPABILITY_REFUSED, RESULT_NOT_SET ->
                    throw new GarbledFrameException("an answer without content");
        };
    }

    private static RegisterReply.Reason reason(int ordinal) throws GarbledFrameException {
        if (ordinal < 0 || ordinal >= REASONS.length) {
            throw new GarbledFrameException("a refusal for reason " + ordinal);
        }
        return REASONS[ordinal];
    }

    // ---- values ----

    private static List<StampedRun> encodeValues(
            List<ValueRun> values, List<PayloadBuffer> payload) {
        var encoded = new ArrayList<StampedRun>(values.size());
        for (var value : values) {
            encoded.add(
                    encode(
                            value.run(),
                            value.timestamp(),
                            collect(value.run(), value.payload(), payload)));
        }
        return encoded;
    }

    private static List<ValueRun> decodeValues(List<StampedRun> encoded, PayloadReader payload)
            throws GarbledFrameException {
        var values = new ArrayList<ValueRun>(encoded.size());
        for (var value : encoded) {
            var run = run(value.getFirst(), value.getCount());
            var bytes = value.getHole() ? null : payload.next(run);
            values.add(new ValueRun(run, decode(value.getStamp()), bytes));
        }
        return values;
    }

    private static List<StampedRun> encodeStamps(List<StampRun> stamps) {
        var encoded = new ArrayList<StampedRun>(stamps.size());
        for (var stamp : stamps) {
            encoded.add(encode(stamp.run(), stamp.timestamp(), stamp.hole()));
        }
        return encoded;
    }

    private static List<StampRun> decodeStamps(List<StampedRun> encoded)
            throws GarbledFrameException {
        var stamps = new ArrayList<StampRun>(encoded.size());
        for (var stamp : encoded) {
            stamps.add(
                    new StampRun(
                            run(stamp.getFirst(), stamp.getCount()),
                            decode(stamp.getStamp()),
                            stamp.getHole()));
        }
        checkAscending(stamps.stream().map(StampRun::run).toList());
        return stamps;
    }

    private static void checkAscending(List<SectorRun> runs) throws GarbledFrameException {
        int end = 0;
        for (var run : runs) {
            if (run.first() < end) {
                throw new GarbledFrameException("runs that overlap or go back at " + run);
            }
            end = run.end();
        }
    }

    /** Collects the bytes of a value, with a count for the call; answers whether it is a hole. */
    private static boolean collect(
            SectorRun run, @Nullable Payload bytes, List<PayloadBuffer> payload) {
        if (bytes == null) {
            return true;
        }
        Invariant.check(
                bytes.length() == run.count() * Payload.STORED_SECTOR_BYTES,
                "the bytes of a value are whole stored sectors of its run");
        payload.add(((PayloadBuffer) bytes).retain());
        return false;
    }

    private static StampedRun encode(SectorRun run, Timestamp timestamp, boolean hole) {
        return StampedRun.newBuilder()
                .setFirst(run.first())
                .setCount(run.count())
                .setStamp(encode(timestamp))
                .setHole(hole)
                .build();
    }

    private static Stamp encode(Timestamp timestamp) {
        return Stamp.newBuilder()
                .setEpoch(timestamp.epoch())
                .setCounter(timestamp.counter())
                .setSession(timestamp.session())
                .build();
    }

    private static Timestamp decode(Stamp stamp) {
        return new Timestamp(stamp.getEpoch(), stamp.getCounter(), stamp.getSession());
    }

    private static Run encode(SectorRun run) {
        return Run.newBuilder().setFirst(run.first()).setCount(run.count()).build();
    }

    private static SectorRun decode(Run run) throws GarbledFrameException {
        return run(run.getFirst(), run.getCount());
    }

    private static SectorRun run(int first, int count) throws GarbledFrameException {
        if (first < 0 || count <= 0 || first > CHUNK_SECTORS_MAX - count) {
            throw new GarbledFrameException("bad run: first " + first + ", count " + count);
        }
        return new SectorRun(first, count);
    }

    /** A hint as a message. */
    public static NodeProto.Hint encode(Hint hint) {
        return encode(hint.sealed(), hint.digest());
    }

    /** A hint from its message. */
    public static Hint decode(NodeProto.Hint hint) {
        return new Hint(hint.getSealed(), decode(hint.getDigest()));
    }

    private static NodeProto.Hint encode(long sealed, Digest digest) {
        return NodeProto.Hint.newBuilder().setSealed(sealed).setDigest(encode(digest)).build();
    }

    private static DigestValue encode(Digest digest) {
        return DigestValue.newBuilder().setHigh(digest.high()).setLow(digest.low()).build();
    }

    private static Digest decode(DigestValue digest) {
        return new Digest(digest.getHigh(), digest.getLow());
    }

    /** Cuts a payload into the values of a batch, from front to end. */
    private static final class PayloadReader {
        private final PayloadBuffer payload;
        private int offset;

        PayloadReader(PayloadBuffer payload) {
            this.payload = payload;
        }

        PayloadBuffer next(SectorRun run) throws GarbledFrameException {
            int length = run.count() * Payload.STORED_SECTOR_BYTES;
            if (length > payload.length() - offset) {
                throw new GarbledFrameException("the payload ends before the values do");
            }
            var value = payload.slice(offset, length);
            offset += length;
            return value;
        }

        void checkEnd() throws GarbledFrameException {
            if (offset != payload.length()) {
                throw new GarbledFrameException(
                        (payload.length() - offset) + " bytes of payload belong to nothing");
            }
        }
    }
}

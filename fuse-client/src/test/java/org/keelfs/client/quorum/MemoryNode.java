package org.keelfs.client.quorum;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.keelfs.buffer.BufferPool;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.register.Membership;
import org.keelfs.register.MemoryReplicaTable;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.ReplicaEffects;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaRegister;
import org.keelfs.register.ValueRun;
import org.keelfs.rpc.RpcClient;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.GarbledFrameException;
import org.keelfs.wire.RegisterCodec;
import org.keelfs.wire.SectorAnswer;
import org.keelfs.wire.proto.NodeProto.Capability;
import org.keelfs.wire.proto.NodeProto.SectorBatchRequest;

/** A storage node without a disk and a network: the real register machine behind the real codec. */
public final class MemoryNode implements RpcClient {
    /** How it behaves. */
    public enum Mood {
        WELL,
        /** Connections are refused. */
        DOWN,
        /** Requests vanish. */
        SILENT,
        /** Writes find no room. */
        FULL
    }

    public final AtomicLong frames = new AtomicLong();
    public final AtomicLong operations = new AtomicLong();
    public final AtomicLong refused = new AtomicLong();
    public final AtomicLong asked = new AtomicLong();

    /** What each frame carried, in the order of arrival: "Promise Read". */
    public final Queue<String> kinds = new ConcurrentLinkedQueue<>();

    public volatile Mood mood = Mood.WELL;

    /** Operations that it refuses besides. */
    public volatile Predicate<RegisterRequest> refusal = _ -> false;

    /** Between an operation and its answer, ms. */
    public volatile long replyAfterMs;

    private final String name;
    private final ScheduledExecutorService timer;
    private final BufferPool pool;
    private final Random random;
    private final MemoryReplicaTable table = new MemoryReplicaTable();
    private final ReplicaRegister<Integer> register = new ReplicaRegister<>(table);
    private long position;

    /** Bytes on the heap whose count does not matter. */
    private record HeapPayload(ByteBuffer memory) implements PayloadBuffer {
        @Override
        public ByteBuffer bytes() {
            return memory.duplicate();
        }

        @Override
        public int length() {
            return memory.remaining();
        }

        @Override
        public PayloadBuffer slice(int offset, int length) {
            return new HeapPayload(memory.slice(offset, length));
        }

        @Override
        public PayloadBuffer retain() {
            return this;
        }

        @Override
        public void release() {
            // left to the collector
        }
    }

    public MemoryNode(String name, ScheduledExecutorService timer, BufferPool pool, long seed) {
        this.name = name;
        this.timer = timer;
        this.pool = pool;
        this.random = new Random(seed);
    }

    @Override
    public CompletableFuture<RpcReply> call(
            RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs) {
        asked.incrementAndGet();
        var joined = join(payload);
        payload.forEach(PayloadBuffer::release);
        var result = new CompletableFuture<RpcReply>();
        if (mood == Mood.DOWN) {
            result.completeExceptionally(
                    new RpcException(RpcStatus.UNREACHABLE, name + " refuses connections"));
            return result;
        }
        if (mood == Mood.SILENT) {
            fail(result, RpcStatus.DEADLINE, timeoutMs);
            return result;
        }
        int delayUs;
        synchronized (random) {
            delayUs = random.nextInt(300);
        }
        timer.schedule(
                () -> answer((SectorBatchRequest) body, joined, result),
                delayUs,
                TimeUnit.MICROSECONDS);
        return result;
    }

    private void fail(CompletableFuture<RpcReply> result, RpcStatus status, long afterMs) {
        timer.schedule(
                () -> result.completeExceptionally(new RpcException(status, name + ": " + status)),
                afterMs,
                TimeUnit.MILLISECONDS);
    }

    private static PayloadBuffer join(List<PayloadBuffer> pieces) {
        int length = pieces.stream().mapToInt(Payload::length).sum();
        var joined = ByteBuffer.allocate(length);
        pieces.forEach(piece -> joined.put(piece.bytes()));
        return new HeapPayload(joined.flip());
    }

    private void answer(
            SectorBatchRequest batch, PayloadBuffer payload, CompletableFuture<RpcReply> result) {
        if (mood == Mood.DOWN || mood == Mood.SILENT) {
            fail(result, RpcStatus.UNREACHABLE, 0);
            return;
        }
        List<SectorAnswer> answers;
        try {
            answers = carryOut(batch, payload);
        } catch (GarbledFrameException | InvalidProtocolBufferException | RuntimeException e) {
            result.completeExceptionally(new RpcException(RpcStatus.FAILED, e.toString()));
            return;
        }
        var encoded = RegisterCodec.encodeReplies(answers);
        var bytes = join(encoded.payload());
        PayloadBuffer reply = pool.allocate(bytes.length());
        if (bytes.length() > 0) {
            reply.bytes().put(bytes.bytes());
        }
        var answer = new RpcReply(ByteBuffer.wrap(encoded.message().toByteArray()), reply);
        if (replyAfterMs > 0) {
            timer.schedule(() -> end(result, answer), replyAfterMs, TimeUnit.MILLISECONDS);
        } else {
            end(result, answer);
        }
    }

    private static void end(CompletableFuture<RpcReply> result, RpcReply answer) {
        if (!result.complete(answer)) {
            answer.release();
        }
    }

    private synchronized List<SectorAnswer> carryOut(
            SectorBatchRequest batch, PayloadBuffer payload)
            throws GarbledFrameException, InvalidProtocolBufferException {
        frames.incrementAndGet();
        var operations = RegisterCodec.decodeRequests(batch, payload);
        this.operations.addAndGet(operations.size());
        kinds.add(
                operations.stream()
                        .map(operation -> operation.request().getClass().getSimpleName())
                        .collect(Collectors.joining(" ")));
        var answers = new SectorAnswer[operations.size()];
        for (int i = 0; i < answers.length; i++) {
            var operation = operations.get(i);
            var capability =
                    Capability.parseFrom(
                            batch.getCapabilities(operation.capability()).getCapability());
            var membership = new Membership(true, capability.getCreatedEpoch());
            if (capability.getExpiresMs() < System.currentTimeMillis()) {
                refused.incrementAndGet();
                answers[i] = new SectorAnswer.CapabilityRefused(true);
            } else if (refuses(operation.request())) {
                answers[i] =
                        new SectorAnswer.Replied(
                                new RegisterReply.Refused(RegisterReply.Reason.NO_SPACE));
            } else {
                register.onRequest(i, operation.request(), membership, new Effects(answers));
            }
        }
        return List.of(answers);
    }

    private boolean refuses(RegisterRequest request) {
        return (mood == Mood.FULL && request instanceof RegisterRequest.Write)
                || refusal.test(request);
    }

    private final class Effects implements ReplicaEffects<Integer> {
        private final SectorAnswer[] answers;

        Effects(SectorAnswer[] answers) {
            this.answers = answers;
        }

        @Override
        public long append(ReplicaRecord record) {
            table.apply(record, ++position);
            return position;
        }

        @Override
        public void reply(Integer request, RegisterReply reply, long at) {
            answers[request] = new SectorAnswer.Replied(reply);
        }

        @Override
        public void replyValues(Integer request, ChunkId chunk, SectorRun run, long at) {
            answers[request] =
                    new SectorAnswer.Replied(new RegisterReply.Values(table.values(chunk, run)));
        }
    }

    /** All that this node holds of a sector, for tests. */
    public synchronized List<ValueRun> values(ChunkId chunk, SectorRun run) {
        return new ArrayList<>(table.values(chunk, run));
    }

    /** Flips a bit of a stored sector. */
    public synchronized void damage(ChunkId chunk, int sector) {
        for (ValueRun value : table.values(chunk, new SectorRun(sector, 1))) {
            var bytes = ((HeapPayload) value.payload()).memory();
            bytes.put(bytes.position() + 100, (byte) (bytes.get(bytes.position() + 100) ^ 4));
        }
    }

    public synchronized List<ChunkId> chunks() {
        return table.chunks();
    }

    @Override
    public String address() {
        return name;
    }

    @Override
    public boolean isConnected() {
        return mood != Mood.DOWN;
    }

    @Override
    public void close() {
        // nothing is open
    }
}

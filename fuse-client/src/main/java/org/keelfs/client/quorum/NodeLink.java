package org.keelfs.client.quorum;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.NodeId;
import org.keelfs.model.Payload;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.ValueRun;
import org.keelfs.rpc.RpcClient;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.wire.GarbledFrameException;
import org.keelfs.wire.RegisterCodec;
import org.keelfs.wire.SectorAnswer;
import org.keelfs.wire.proto.NodeProto.SectorBatchReply;
import org.keelfs.wire.proto.NodeProto.SignedCapability;

/**
 * Operations to one storage node: those that come while enough frames are on their way wait, and
 * leave together in the next. Thread-safe; never blocks.
 */
final class NodeLink {
    /** Bytes of values, both ways, in one frame: a run of 1 MiB and small things beside it. */
    private static final int FRAME_BYTES_MAX = 256 * Payload.STORED_SECTOR_BYTES + (64 << 10);

    /** Operations of one frame; some 60 bytes each. */
    private static final int FRAME_OPERATIONS_MAX = 1024;

    /**
     * Frames on their way: two hide a round trip behind sending, two more a slow group commit.
     * Operations without bytes have as many to themselves: probes never wait for megabytes.
     */
    private static final int FRAMES_IN_FLIGHT_MAX = 4;

    /**
     * So many leave at once, however little they carry: one lone reader does not wait for another.
     */
    private static final int FRAMES_FREE = 2;

    /** Waiting bytes and operations that are worth a frame of their own beside others. */
    private static final int FULL_BYTES = 128 << 10;

    private static final int FULL_OPERATIONS = 16;

    /** A node that failed is asked last for so long. */
    private static final long SUSPECT_NS = 3_000_000_000L;

    private final NodeId node;
    private final RpcClient client;
    private final long attemptMs;

    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private final ArrayDeque<Operation> small = new ArrayDeque<>();

    @GuardedBy("lock")
    private final ArrayDeque<Operation> large = new ArrayDeque<>();

    @GuardedBy("lock")
    private int largeBytes;

    @GuardedBy("lock")
    private int largeFrames;

    @GuardedBy("lock")
    private int smallFrames;

    /** Time of the last failure with no success since; 0 for none. */
    private volatile long failedNs;

    private record Operation(
            CapabilitySource capabilities, RegisterRequest request, AnswerSink sink, int bytes) {}

    private record Frame(List<Operation> operations, boolean isLarge) {}

    NodeLink(NodeId node, RpcClient client, long attemptMs) {
        this.node = node;
        this.client = client;
        this.attemptMs = attemptMs;
    }

    String address() {
        return client.address();
    }

    /** Whether it should rather not be asked. */
    boolean isSuspect() {
        long failed = failedNs;
        return failed != 0 && System.nanoTime() - failed < SUSPECT_NS;
    }

    /** The node was silent for longer than it should. */
    void onSilence() {
        failedNs = System.nanoTime() | 1;
    }

    /**
     * Sends as soon as there is room, in this order and as a rule in one frame; holds the bytes of
     * the requests until then.
     */
    void send(CapabilitySource capabilities, List<RegisterRequest> requests, AnswerSink sink) {
        requests.forEach(NodeLink::retain);
        lock.lock();
        try {
            for (RegisterRequest request : requests) {
                int bytes = bytesOf(request);
                (bytes == 0 ? small : large)
                        .addLast(new Operation(capabilities, request, sink, bytes));
                largeBytes += bytes;
            }
        } finally {
            lock.unlock();
        }
        drain();
    }

    private void drain() {
        for (Frame frame = nextFrame(); frame != null; frame = nextFrame()) {
            transmit(frame);
        }
    }

    private @Nullable Frame nextFrame() {
        lock.lock();
        try {
            boolean isLarge = !large.isEmpty() && hasRoom(largeFrames, largeBytes, large.size());
            if (!isLarge && (small.isEmpty() || !hasRoom(smallFrames, 0, small.size()))) {
                return null;
            }
            var operations = new ArrayList<Operation>();
            while (!small.isEmpty() && operations.size() < FRAME_OPERATIONS_MAX) {
                operations.add(small.removeFirst());
            }
            int bytes = 0;
            while (isLarge && !large.isEmpty() && operations.size() < FRAME_OPERATIONS_MAX) {
                int next = large.getFirst().bytes;
                if (bytes != 0 && bytes + next > FRAME_BYTES_MAX) {
                    break;
                }
                bytes += next;
                largeBytes -= next;
                operations.add(large.removeFirst());
            }
            if (isLarge) {
                largeFrames++;
            } else {
                smallFrames++;
            }
            return new Frame(operations, isLarge);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Whether another frame may go. Few small operations wait while others are on their way, and
     * then leave together: each frame costs both sides, and the node a group commit.
     */
    private static boolean hasRoom(int frames, int bytes, int operations) {
        boolean full = bytes >= FULL_BYTES || operations >= FULL_OPERATIONS;
        return frames < FRAMES_FREE || (full && frames < FRAMES_IN_FLIGHT_MAX);
    }

    private void transmit(Frame frame) {
        var capabilities = new ArrayList<SignedCapability>();
        Map<SignedCapability, Integer> indexes = new IdentityHashMap<>();
        var operations = new ArrayList<RegisterCodec.Operation>(frame.operations.size());
        for (Operation operation : frame.operations) {
            SignedCapability capability = operation.capabilities.capability(node);
            int index =
                    indexes.computeIfAbsent(
                            capability,
                            c -> {
                                capabilities.add(c);
                                return capabilities.size() - 1;
                            });
            operations.add(new RegisterCodec.Operation(index, operation.request));
        }
        var encoded = RegisterCodec.encodeRequests(capabilities, operations);
        frame.operations.forEach(operation -> release(operation.request));
        var call = client.call(RpcMethod.SECTORS, encoded.message(), encoded.payload(), attemptMs);
        var _ = call.whenComplete((reply, thrown) -> onReply(frame, reply, thrown));
    }

    private void onReply(Frame frame, @Nullable RpcReply reply, @Nullable Throwable thrown) {
        lock.lock();
        try {
            if (frame.isLarge) {
                largeFrames--;
            } else {
                smallFrames--;
            }
        } finally {
            lock.unlock();
        }
        // First, so that the node has work while answers are looked at.
        drain();
        if (reply == null) {
            fail(frame, thrown);
            return;
        }
        try {
            failedNs = 0;
            answer(frame, reply);
        } finally {
            reply.release();
        }
    }

    private void answer(Frame frame, RpcReply reply) {
        List<SectorAnswer> answers;
        try {
            answers =
                    RegisterCodec.decodeReplies(
                            reply.decode(SectorBatchReply.parser()),
                            reply.payload(),
                            frame.operations.size());
        } catch (GarbledFrameException | RuntimeException e) {
            fail(frame, e);
            return;
        }
        for (int i = 0; i < answers.size(); i++) {
            Operation operation = frame.operations.get(i);
            operation.sink.onAnswer(node, operation.request, answers.get(i), reply.payload());
        }
    }

    private void fail(Frame frame, @Nullable Throwable thrown) {
        onSilence();
        Throwable cause =
                thrown instanceof CompletionException && thrown.getCause() != null
                        ? thrown.getCause()
                        : thrown;
        String why =
                node
                        + " at "
                        + address()
                        + ": "
                        + (cause == null ? "no answer" : cause.getMessage());
        for (Operation operation : frame.operations) {
            operation.sink.onFailure(node, operation.request, why);
        }
    }

    /** Bytes of values that the request carries or asks for. */
    private static int bytesOf(RegisterRequest request) {
        return switch (request) {
            case RegisterRequest.Write write ->
                    write.payload() == null ? 0 : write.payload().length();
            case RegisterRequest.Read read -> stored(read.run().count());
            case RegisterRequest.Fetch fetch -> stored(fetch.run().count());
            case RegisterRequest.Stage stage -> bytesOf(stage.fixes());
            case RegisterRequest.Install install -> bytesOf(install.fixes());
            case RegisterRequest.Promise _, RegisterRequest.Stamps _, RegisterRequest.Probe _ -> 0;
        };
    }

    private static int stored(int sectors) {
        return sectors * Payload.STORED_SECTOR_BYTES;
    }

    private static int bytesOf(List<ValueRun> fixes) {
        int bytes = 0;
        for (ValueRun fix : fixes) {
            bytes += fix.payload() == null ? 0 : fix.payload().length();
        }
        return bytes;
    }

    private static void retain(RegisterRequest request) {
        payloads(request).forEach(PayloadBuffer::retain);
    }

    private static void release(RegisterRequest request) {
        payloads(request).forEach(PayloadBuffer::release);
    }

    private static List<PayloadBuffer> payloads(RegisterRequest request) {
        return switch (request) {
            case RegisterRequest.Write write ->
                    write.payload() == null ? List.of() : List.of((PayloadBuffer) write.payload());
            case RegisterRequest.Stage stage -> payloads(stage.fixes());
            case RegisterRequest.Install install -> payloads(install.fixes());
            default -> List.of();
        };
    }

    private static List<PayloadBuffer> payloads(List<ValueRun> fixes) {
        return fixes.stream()
                .filter(fix -> !fix.isHole())
                .map(fix -> (PayloadBuffer) fix.payload())
                .toList();
    }

    void close() {
        client.close();
    }
}

package org.keelfs.node.service;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.InvariantViolation;
import org.keelfs.buffer.BufferPool;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.Timestamp;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.store.SectorStore;
import org.keelfs.node.store.StoreFailedException;
import org.keelfs.node.store.StoredSectors;
import org.keelfs.register.Membership;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.ReplicaRegister;
import org.keelfs.register.StampRun;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.security.capability.CapabilityRights;
import org.keelfs.security.capability.CapabilityVerdict;
import org.keelfs.security.capability.CapabilityVerifier;
import org.keelfs.wire.GarbledFrameException;
import org.keelfs.wire.RegisterCodec;
import org.keelfs.wire.SectorAnswer;
import org.keelfs.wire.proto.NodeProto.Capability;
import org.keelfs.wire.proto.NodeProto.SectorBatchRequest;
import org.keelfs.wire.proto.NodeProto.SignedCapability;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Frames of sector operations: capability, then {@link ReplicaRegister} under the chunk's lock on
 * the event loop, its records to the log; the reply leaves, whole, on the committer's thread when
 * all it says is durable. Next: {@link SectorFrame}. Any thread.
 */
public final class SectorService {
    private static final Logger LOG = LoggerFactory.getLogger(SectorService.class);

    /**
     * Reads up to this size happen on the event loop: from the page cache they cost less than a
     * hand-over.
     */
    private static final int READ_INLINE_BYTES_MAX = 64 << 10;

    private final SectorStore store;
    private final ChunkIndex index;
    private final CapabilityCache capabilities;
    private final BufferPool pool;
    private final Executor readers;
    private final Consumer<Throwable> onFatal;
    private final ReplicaRegister<Integer> register;
    private final ChunkCopier copier;
    private final LongAdder frames = new LongAdder();
    private final LongAdder operations = new LongAdder();
    private final LongAdder bytesIn = new LongAdder();
    private final LongAdder bytesOut = new LongAdder();
    private volatile int node;

    /**
     * @param readers takes reads that are too long for the event loop
     * @param copier brings the contents that copies begin with
     * @param onFatal told of bugs: the process is to halt
     */
    public SectorService(
            SectorStore store,
            ChunkIndex index,
            CapabilityVerifier verifier,
            ServerClock clock,
            BufferPool pool,
            Executor readers,
            ChunkCopier copier,
            Consumer<Throwable> onFatal) {
        this.store = store;
        this.index = index;
        this.capabilities = new CapabilityCache(verifier, clock);
        this.pool = pool;
        this.readers = readers;
        this.onFatal = onFatal;
        this.register = new ReplicaRegister<>(index);
        this.copier = copier;
    }

    /** The number of this node, from its registration; before that it is a member of nothing. */
    public void onRegistered(int nodeNumber) {
        node = nodeNumber;
    }

    /** Takes a frame; on its connection's event loop. */
    public void onSectors(RpcRequest request) {
        var batch = request.decode(SectorBatchRequest.parser());
        var payload = request.payload();
        if (!store.commit().hasRoom(payload.length())) {
            request.fail(RpcStatus.BUSY, "too many bytes wait for the disk");
            return;
        }
        List<RegisterCodec.Operation> ops;
        try {
            ops = RegisterCodec.decodeRequests(batch, payload);
        } catch (GarbledFrameException e) {
            request.fail(RpcStatus.REFUSED, String.valueOf(e.getMessage()));
            return;
        }
        if (StoredSectors.firstBad(payload.bytes(), 0)
                < payload.length() / Payload.STORED_SECTOR_BYTES) {
            request.fail(RpcStatus.REFUSED, "a stored sector does not match its checksum");
            return;
        }
        frames.increment();
        operations.add(ops.size());
        bytesIn.add(payload.length());
        var allowed = verify(batch.getCapabilitiesList(), request);
        process(request, ops, allowed, new HashMap<>());
    }

    /**
     * Carries a frame out, behind the copies of frozen chunks that it has to wait for.
     *
     * @param copies what came of those that were tried for it
     */
    private void process(
            RpcRequest request,
            List<RegisterCodec.Operation> ops,
            CapabilityVerdict[] allowed,
            Map<ChunkId, ChunkCopier.Outcome> copies) {
        for (var operation : ops) {
            if (allowed[operation.capability()] instanceof CapabilityVerdict.Valid(var capability)
                    && capability.getOrigin() != 0
                    && !copies.containsKey(operation.request().chunk())
                    && allows(capability, operation.request())) {
                var chunk = operation.request().chunk();
                var membership = membership(capability, null);
                var origin = membership.origin();
                if (origin != null && copier.wants(operation.request(), membership)) {
                    copier.copy(
                            chunk,
                            origin,
                            outcome -> {
                                copies.put(chunk, outcome);
                                process(request, ops, allowed, copies);
                            });
                    return;
                }
            }
        }
        carryOut(request, ops, allowed, copies);
    }

    private void carryOut(
            RpcRequest request,
            List<RegisterCodec.Operation> ops,
            CapabilityVerdict[] allowed,
            Map<ChunkId, ChunkCopier.Outcome> copies) {
        var payload = request.payload();
        var frame = new SectorFrame(request, index, store.log(), ops.size());
        try {
            boolean space = payload.length() == 0 || store.hasSpace(payload.length());
            for (int i = 0; i < ops.size(); i++) {
                var operation = ops.get(i);
                var copied = copies.get(operation.request().chunk());
                onOperation(i, operation, allowed[operation.capability()], copied, space, frame);
            }
            bytesOut.add(frame.readBytes());
            finish(frame);
        } catch (StoreFailedException e) {
            frame.abandon(RpcStatus.FAILED, "the store of this node has failed");
        } catch (InvariantViolation e) {
            frame.abandon(RpcStatus.FAILED, "a bug; the node's log says more");
            onFatal.accept(e);
        }
    }

    private CapabilityVerdict[] verify(List<SignedCapability> signed, RpcRequest request) {
        var verdicts = new CapabilityVerdict[signed.size()];
        for (int i = 0; i < verdicts.length; i++) {
            verdicts[i] = capabilities.verify(signed.get(i), request.peer());
            if (verdicts[i] instanceof CapabilityVerdict.Invalid(String why)) {
                LOG.warn("capability of {} refused: {}", request.peer().address(), why);
            }
        }
        return verdicts;
    }

    private void onOperation(
            int i,
            RegisterCodec.Operation operation,
            CapabilityVerdict verdict,
            ChunkCopier.@Nullable Outcome copied,
            boolean space,
            SectorFrame frame) {
        var request = operation.request();
        switch (verdict) {
            case CapabilityVerdict.Expired _ ->
                    frame.answer(i, new SectorAnswer.CapabilityRefused(true));
            case CapabilityVerdict.Invalid _ ->
                    frame.answer(i, new SectorAnswer.CapabilityRefused(false));
            case CapabilityVerdict.Valid(Capability capability) -> {
                if (!allows(capability, request)) {
                    LOG.warn(
                            "{} of {} refused: beyond its capability",
                            request.getClass().getSimpleName(),
                            request.chunk());
                    frame.answer(i, new SectorAnswer.CapabilityRefused(false));
                } else if (!space && hasBytes(request)) {
                    frame.reply(i, new RegisterReply.Refused(RegisterReply.Reason.NO_SPACE), 0);
                } else {
                    run(i, honest(request, capability), membership(capability, copied), frame);
                }
            }
        }
    }

    /** Where the origin's replica is behind, it is as if there were none. */
    private Membership membership(Capability capability, ChunkCopier.@Nullable Outcome copied) {
        return new Membership(
                capability.getMembersList().contains(node),
                capability.getCreatedEpoch(),
                capability.getOrigin() == 0 || copied == ChunkCopier.Outcome.BEHIND
                        ? null
                        : new Membership.Origin(
                                new ChunkId(capability.getOrigin()),
                                capability.getOriginEpoch(),
                                capability.getCopiedEpoch()));
    }

    private void run(int i, RegisterRequest request, Membership membership, SectorFrame frame) {
        var lock = index.lock(request.chunk());
        lock.lock();
        try {
            register.onRequest(i, request, membership, frame);
        } finally {
            lock.unlock();
        }
    }

    private boolean allows(Capability capability, RegisterRequest request) {
        int any =
                switch (request) {
                    case RegisterRequest.Read _ -> CapabilityRights.READ;
                    case RegisterRequest.Probe _ -> CapabilityRights.READ | CapabilityRights.WRITE;
                    // Who may seal decides what stands here anyway.
                    case RegisterRequest.Write write when write.repair() ->
                            CapabilityRights.WRITE | CapabilityRights.SEAL;
                    case RegisterRequest.Write write ->
                            (capability.getRights() & CapabilityRights.WRITE) == 0
                                            && restores(write)
                                    ? CapabilityRights.READ
                                    : CapabilityRights.WRITE;
                    case RegisterRequest.Promise _,
                            RegisterRequest.Stamps _,
                            RegisterRequest.Fetch _,
                            RegisterRequest.Stage _,
                            RegisterRequest.Install _ ->
                            CapabilityRights.SEAL | CapabilityRights.HEAL;
                };
        return isPlausible(request)
                && capability.getChunk() == request.chunk().value()
                && request.epoch() <= capability.getEpoch()
                && (capability.getRights() & any) != 0;
    }

    /**
     * A value is first written in its timestamp's epoch, so none is newer than the operation. A
     * client that says otherwise could make a sector unwritable for all later ones.
     */
    private static boolean isPlausible(RegisterRequest request) {
        return !(request instanceof RegisterRequest.Write write)
                || (write.timestamp().isAfter(Timestamp.ZERO)
                        && Long.compareUnsigned(write.timestamp().epoch(), write.epoch()) <= 0);
    }

    /**
     * Whether a WRITE only brings bytes for values that are here already: who reads may give a
     * damaged sector back, and can change no version by it.
     */
    private boolean restores(RegisterRequest.Write write) {
        if (write.payload() == null) {
            return false;
        }
        var lock = index.lock(write.chunk());
        lock.lock();
        try {
            return index.stamps(write.chunk(), write.run())
                    .equals(List.of(new StampRun(write.run(), write.timestamp(), false)));
        } finally {
            lock.unlock();
        }
    }

    /** A hint counts only if the metadata server gave it (R4): one made up would lose data. */
    private static RegisterRequest honest(RegisterRequest request, Capability capability) {
        if (request instanceof RegisterRequest.Promise(var chunk, long epoch, var hint)
                && hint != null
                && !(capability.hasHint()
                        && RegisterCodec.decode(capability.getHint()).equals(hint))) {
            return new RegisterRequest.Promise(chunk, epoch, null);
        }
        return request;
    }

    private static boolean hasBytes(RegisterRequest request) {
        return switch (request) {
            case RegisterRequest.Write write -> write.payload() != null;
            case RegisterRequest.Stage stage ->
                    stage.fixes().stream().anyMatch(fix -> !fix.isHole());
            case RegisterRequest.Install install ->
                    install.fixes().stream().anyMatch(fix -> !fix.isHole());
            case RegisterRequest.Promise _,
                    RegisterRequest.Stamps _,
                    RegisterRequest.Fetch _,
                    RegisterRequest.Read _,
                    RegisterRequest.Probe _ ->
                    false;
        };
    }

    private void finish(SectorFrame frame) {
        var commit = store.commit();
        if (frame.readBytes() == 0) {
            commit.onDurable(frame.position(), () -> frame.complete(pool));
        } else if (frame.position() <= commit.durablePosition()
                && frame.readBytes() <= READ_INLINE_BYTES_MAX) {
            frame.complete(pool);
        } else {
            commit.onDurable(frame.position(), () -> handOver(frame));
        }
    }

    private void handOver(SectorFrame frame) {
        try {
            readers.execute(() -> frame.complete(pool));
        } catch (RejectedExecutionException e) {
            frame.abandon(RpcStatus.BUSY, "too many reads wait for the disk");
        }
    }

    /** Frames taken since the start. */
    public long frameCount() {
        return frames.sum();
    }

    /** Operations in them. */
    public long operationCount() {
        return operations.sum();
    }

    /** Bytes of stored sectors received. */
    public long bytesReceived() {
        return bytesIn.sum();
    }

    /** Bytes of stored sectors read. */
    public long bytesRead() {
        return bytesOut.sum();
    }
}

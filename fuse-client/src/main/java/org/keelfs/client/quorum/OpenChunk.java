package org.keelfs.client.quorum;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.StampRun;
import org.keelfs.wire.proto.MetadataProto.Layout;
import org.keelfs.wire.proto.MetadataProto.Replica;
import org.keelfs.wire.proto.NodeProto.SignedCapability;

/** One chunk in one epoch: its grant, its session once it is OPEN, and the capabilities for it. */
final class OpenChunk implements ChunkIo.Chunk, RoundDriver.ChunkLink {
    /**
     * Right after a read without a majority the next ones do not wait as long: the kernel tries the
     * pages of the same call one by one, and each would take its full time.
     */
    private static final long MAJORITY_LOST_NS = 2_000_000_000L;

    private static final long RENEW_MARGIN_MAX_MS = 10_000;

    private final Shared shared;
    private final InodeId inode;
    private final long index;
    private final ChunkGrant grant;
    private final long keyId;
    private final byte[] wrappedKey;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<NodeId, AtomicInteger> onTheirWay = new ConcurrentHashMap<>();
    private volatile Map<NodeId, SignedCapability> capabilities;

    /** Server time from which on a use asks for fresh capabilities. */
    private volatile long renewAtMs;

    /** Shared by other files, or about to be: a holder of WRITE may read with it. */
    private volatile boolean frozen;

    private volatile long usedNs = System.nanoTime();

    /** When a read last found no majority; 0 for never. */
    private volatile long majorityLostNs;

    private volatile @Nullable ChunkSession session;

    /** The lease that it was opened under is gone. */
    private volatile boolean forgotten;

    /** Runs of writes that are under way. */
    @GuardedBy("lock")
    private final List<SectorRun> writing = new ArrayList<>();

    /** Sectors encrypted under this epoch's key. */
    private final AtomicLong sectorsEncrypted = new AtomicLong();

    /** What all chunks of a mount share. */
    record Shared(
            Layouts layouts,
            NodeConnections nodes,
            RoundTicker ticker,
            QuorumConfig config,
            CapabilityRenewal renewal) {}

    /** Asks for fresh capabilities of a chunk, in the background. */
    @FunctionalInterface
    interface CapabilityRenewal {
        void renew(OpenChunk chunk);
    }

    OpenChunk(Shared shared, Layout layout, ChunkGrant grant) {
        this.shared = shared;
        this.inode = new InodeId(layout.getInode());
        this.index = layout.getChunkIndex();
        this.grant = grant;
        this.keyId = layout.getKeyId();
        this.wrappedKey = layout.getWrappedKey().toByteArray();
        this.capabilities = capabilitiesOf(layout);
        this.renewAtMs = renewAt(layout);
        this.frozen = layout.getFrozen();
    }

    private static Map<NodeId, SignedCapability> capabilitiesOf(Layout layout) {
        var map = new HashMap<NodeId, SignedCapability>();
        for (Replica replica : layout.getReplicasList()) {
            map.put(new NodeId(replica.getNode()), replica.getCapability());
        }
        return map;
    }

    /** Takes the capabilities of a later layout of the same epoch. */
    void renew(Layout layout) {
        capabilities = capabilitiesOf(layout);
        renewAtMs = renewAt(layout);
        frozen = layout.getFrozen();
    }

    boolean isFrozen() {
        return frozen;
    }

    private long renewAt(Layout layout) {
        long leftMs = layout.getExpiresMs() - shared.layouts().serverTimeMs();
        return layout.getExpiresMs() - Math.clamp(leftMs / 4, 0, RENEW_MARGIN_MAX_MS);
    }

    /** The chunk is OPEN. */
    void open(ChunkSession opened) {
        session = opened;
    }

    /** Only of a chunk that is OPEN. */
    ChunkSession session() {
        ChunkSession opened = session;
        if (opened == null) {
            throw new IllegalStateException(grant.chunk() + " is used before it is OPEN");
        }
        return opened;
    }

    InodeId inode() {
        return inode;
    }

    long index() {
        return index;
    }

    ChunkGrant grant() {
        return grant;
    }

    /**
     * Somebody uses it: capabilities that would soon expire are renewed before nodes refuse them.
     */
    void touch() {
        usedNs = System.nanoTime();
        if (shared.layouts().serverTimeMs() >= renewAtMs) {
            shared.renewal().renew(this);
        }
    }

    long usedNs() {
        return usedNs;
    }

    /**
     * Whether nothing would be lost by asking for it anew, in a fresh epoch if this one was
     * written.
     */
    boolean isIdle(long sinceNs) {
        if (usedNs - sinceNs > 0 || onTheirWay.values().stream().anyMatch(n -> n.get() > 0)) {
            return false;
        }
        lock.lock();
        try {
            return !session().inDoubt() && session().behind().isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** The lease is gone: what failed under it is never written again under another (R6). */
    void forget() {
        forgotten = true;
    }

    boolean isForgotten() {
        return forgotten;
    }

    /** A write of this run goes out; the session's key has done so much more. */
    void onWriting(SectorRun run, boolean encrypted) {
        lock.lock();
        try {
            writing.add(run);
        } finally {
            lock.unlock();
        }
        if (encrypted
                && sectorsEncrypted.addAndGet(run.count()) >= shared.config().epochSectorsMax()) {
            endEpoch();
        }
    }

    void onWritten(SectorRun run) {
        lock.lock();
        try {
            writing.remove(run);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends this session's part in the epoch, so that the next use asks for a fresh one: its seal
     * settles what is in doubt, and compares the replicas where nobody remembers what they missed.
     */
    void endEpoch() {
        lock.lock();
        try {
            session().onStale(grant.epoch());
        } finally {
            lock.unlock();
        }
    }

    /**
     * Whether only a fresh epoch helps a read: no replica is left whose contents are known
     * (decision 0002), or writes are in doubt that nobody is sending any more.
     */
    boolean needsFreshEpoch(List<StampRun> unsettled) {
        lock.lock();
        try {
            boolean fresh = session().needsFreshEpoch();
            for (StampRun stamp : unsettled) {
                fresh |= isNobodyWriting(stamp.run());
            }
            return fresh;
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private boolean isNobodyWriting(SectorRun run) {
        for (SectorRun under : writing) {
            if (under.first() < run.end() && run.first() < under.end()) {
                return false;
            }
        }
        return true;
    }

    /** A read of it found no majority just now. */
    void onMajorityLost() {
        majorityLostNs = System.nanoTime() | 1;
    }

    /** Whether one more read would most likely wait in vain. */
    boolean isMajorityLost() {
        long lost = majorityLostNs;
        return lost != 0 && System.nanoTime() - lost < MAJORITY_LOST_NS;
    }

    /** The epoch that ended this one, 0 while none is known. */
    long stale() {
        lock.lock();
        try {
            return session().stale();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public ChunkId id() {
        return grant.chunk();
    }

    @Override
    public long epoch() {
        return grant.epoch();
    }

    @Override
    public long keyId() {
        return keyId;
    }

    @Override
    public byte[] wrappedKey() {
        return wrappedKey;
    }

    @Override
    public SignedCapability capability(NodeId node) {
        SignedCapability capability = capabilities.get(node);
        if (capability == null) {
            throw new FsException(Errno.EIO, "no capability for " + grant.chunk() + " at " + node);
        }
        return capability;
    }

    @Override
    public ReentrantLock lock() {
        return lock;
    }

    @Override
    public NodeConnections nodes() {
        return shared.nodes();
    }

    @Override
    public RoundTicker ticker() {
        return shared.ticker();
    }

    @Override
    public void onSent(NodeId to) {
        onTheirWay.computeIfAbsent(to, _ -> new AtomicInteger()).incrementAndGet();
    }

    @Override
    public void onSettled(NodeId from) {
        onTheirWay.computeIfAbsent(from, _ -> new AtomicInteger()).decrementAndGet();
    }

    /** Whether this node has yet to answer something: it may merely be a little late. */
    boolean isAwaited(NodeId node) {
        AtomicInteger count = onTheirWay.get(node);
        return count != null && count.get() > 0;
    }

    @Override
    public void onCapabilityRefused(NodeId node, boolean renewable) {
        shared.renewal().renew(this);
    }
}

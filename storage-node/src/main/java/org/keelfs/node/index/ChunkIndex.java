package org.keelfs.node.index;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.ChunkId;
import org.keelfs.model.SectorRun;
import org.keelfs.node.store.GroupCommit;
import org.keelfs.node.store.LiveBytes;
import org.keelfs.node.store.LogRecord;
import org.keelfs.node.store.RunWords;
import org.keelfs.node.store.SectorIndex;
import org.keelfs.register.Digest;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaState;
import org.keelfs.register.ReplicaTable;
import org.keelfs.register.StampRun;
import org.keelfs.register.ValueRun;

/**
 * The state of every chunk at this node and the places of its sectors in the log: the table that
 * {@link org.keelfs.register.ReplicaRegister} sees. Chunks in use are kept in memory up to a byte
 * bound, all of them in RocksDB as of the last checkpoint; the log holds the rest.
 *
 * <p>Chunks are spread over stripes; all that concerns a chunk happens under {@link #lock} of its
 * stripe, an append and its effect here in one piece, so that each chunk's records are applied in
 * log order.
 */
public final class ChunkIndex implements SectorIndex, ReplicaTable {
    /* A checkpoint takes the log's end P, then each stripe in turn: its changed entries are encoded under the lock,
     * written when the log is durable up to the last of them, and kept in memory until then. Entries may so be newer
     * than P; each carries the position of its last record, and replay skips what it has. P is written last. */

    /** Enough that two event loops, the committer and a checkpoint seldom meet. */
    private static final int STRIPES = 64;

    private final IndexFile file;
    private final ChunkStripe[] stripes = new ChunkStripe[STRIPES];
    private final LongAdder chunkCount = new LongAdder();
    private final LongAdder damagedSectors = new LongAdder();

    /** Empty but after the loss of log records, and then not more than the chunks. */
    private final Set<Long> damagedChunks = ConcurrentHashMap.newKeySet();

    private @Nullable GroupCommit commit;
    private LiveBytes live = (_, _) -> {};

    // Node-wide. Raised under the lock of the chunk whose deletion carries it; read by any thread.
    private volatile long floor;
    private volatile long floorPosition;
    private final Object floorLock = new Object();

    /**
     * Opens the table.
     *
     * @param memoryBytesMax bound on chunks kept in memory
     * @param cacheBytes block cache of RocksDB
     */
    public ChunkIndex(Path directory, long memoryBytesMax, long cacheBytes) throws IOException {
        this.file = new IndexFile(directory, cacheBytes);
        for (int i = 0; i < STRIPES; i++) {
            stripes[i] = new ChunkStripe(file, memoryBytesMax / STRIPES);
        }
        this.floor = file.floor();
    }

    // ---- recovery ----

    @Override
    public long checkpointPosition() {
        return file.checkpointPosition();
    }

    @Override
    public void load(LiveBytes live) {
        this.live = live;
        file.forEach(
                (bytes, chunk) -> {
                    var entry = ChunkEntry.decode(chunk, bytes);
                    entry.countLive(live);
                    noteDamage(entry);
                    chunkCount.increment();
                });
    }

    @Override
    public void replay(LogRecord record) {
        switch (record.kind()) {
            case COMMIT_MARK -> {}
            case FLOOR -> raiseFloor(record.epoch(), record.position());
            default -> {
                var stripe = stripe(record.chunk());
                stripe.lock.lock();
                try {
                    var entry = stripe.enter(record.chunk());
                    if (record.position() > entry.position) {
                        apply(stripe, entry, record);
                    }
                } finally {
                    stripe.lock.unlock();
                }
            }
        }
    }

    @Override
    public void start(GroupCommit commit, LiveBytes live) {
        this.commit = commit;
        this.live = live;
    }

    @Override
    public void markAllDamaged() {
        forEachChunk(
                chunk -> {
                    var id = new ChunkId(chunk);
                    lock(id).lock();
                    try {
                        var state = state(id);
                        if (state != null && state.status() == ReplicaState.Status.LIVE) {
                            var damaged =
                                    new ReplicaState(
                                            ReplicaState.Status.DAMAGED,
                                            state.promised(),
                                            0,
                                            Digest.EMPTY);
                            var _ = append(new ReplicaRecord.State(id, damaged));
                        }
                    } finally {
                        lock(id).unlock();
                    }
                });
    }

    // ---- appending ----

    /**
     * Guards all that concerns this chunk (and others). Held for moments only, never over a wait.
     */
    public ReentrantLock lock(ChunkId chunk) {
        return stripe(chunk.value()).lock;
    }

    /**
     * Appends what the machine decided and shows it from now on; the caller holds the chunk's lock.
     * Takes a count of its own of each payload.
     */
    public long append(ReplicaRecord record) {
        var values = LogRecord.values(record);
        return append(LogRecord.of(record), values);
    }

    private long append(LogRecord record, List<ValueRun> values) {
        if (record.kind() == LogRecord.Kind.FLOOR) {
            synchronized (floorLock) {
                long position = commit().append(record);
                raiseFloor(record.epoch(), position);
                return position;
            }
        }
        var stripe = stripe(record.chunk());
        Invariant.check(stripe.lock.isHeldByCurrentThread(), "appends hold the chunk's lock");
        var entry = stripe.enter(record.chunk());
        long position = append(record, LogRecord.payload(values));
        apply(stripe, entry, record);
        return position;
    }

    private long append(LogRecord record, PayloadBuffer[] payload) {
        for (var buffer : payload) {
            var _ = buffer.retain();
        }
        try {
            return commit().append(record, payload);
        } catch (RuntimeException e) {
            for (var buffer : payload) {
                buffer.release();
            }
            throw e;
        }
    }

    @Override
    public void move(long chunk, List<ValueRun> values) {
        var stripe = stripe(chunk);
        stripe.lock.lock();
        try {
            if (stripe.entry(chunk).state != null) {
                var _ = append(LogRecord.move(chunk, values), values);
            }
        } finally {
            stripe.lock.unlock();
        }
    }

    private void raiseFloor(long epoch, long position) {
        if (epoch > floor) {
            floorPosition = position;
            floor = epoch;
        }
    }

    private void apply(ChunkStripe stripe, ChunkEntry entry, LogRecord record) {
        boolean known = entry.state != null;
        entry.apply(record, live);
        noteDamage(entry);
        if (known != (entry.state != null)) {
            chunkCount.add(known ? -1 : 1);
        }
        stripe.onChanged(entry, durable());
    }

    private void noteDamage(ChunkEntry entry) {
        var state = entry.state;
        if (state != null && state.status() == ReplicaState.Status.DAMAGED) {
            damagedChunks.add(entry.chunk);
        } else if (!damagedChunks.isEmpty()) {
            damagedChunks.remove(entry.chunk);
        }
    }

    private GroupCommit commit() {
        var ready = commit;
        if (ready == null) {
            throw new IllegalStateException("appended to before recovery was over");
        }
        return ready;
    }

    // ---- what the machine sees; the caller holds the chunk's lock ----

    @Override
    public @Nullable ReplicaState state(ChunkId chunk) {
        return entry(chunk).state;
    }

    @Override
    public long floor() {
        return floor;
    }

    @Override
    public List<StampRun> stamps(ChunkId chunk, SectorRun range) {
        var stamps = new ArrayList<StampRun>();
        var runs = entry(chunk).runs;
        long[] words = runs.words();
        for (int i = runs.indexFrom(range.first()); i < runs.count(); i++) {
            int first = Math.max(range.first(), RunWords.first(words, i));
            int end = Math.min(range.end(), RunWords.end(words, i));
            if (first >= end) {
                break;
            }
            addStamp(stamps, first, end, words, i);
        }
        return stamps;
    }

    /** Runs of one timestamp may lie in several places: they are one here. */
    private static void addStamp(List<StampRun> stamps, int first, int end, long[] words, int i) {
        var timestamp = RunWords.timestamp(words, i);
        boolean hole = RunWords.isHole(words, i);
        if (!stamps.isEmpty()) {
            var last = stamps.getLast();
            if (last.run().end() == first
                    && last.hole() == hole
                    && last.timestamp().equals(timestamp)) {
                var joined = SectorRun.between(last.run().first(), end);
                stamps.set(stamps.size() - 1, new StampRun(joined, timestamp, hole));
                return;
            }
        }
        stamps.add(new StampRun(SectorRun.between(first, end), timestamp, hole));
    }

    @Override
    public List<StampRun> staged(ChunkId chunk, long epoch) {
        var stamps = new ArrayList<StampRun>();
        for (long[] words : entry(chunk).stagedWords(epoch)) {
            for (int i = 0; i < words.length / RunWords.WORDS; i++) {
                var run = new SectorRun(RunWords.first(words, i), RunWords.count(words, i));
                stamps.add(
                        new StampRun(run, RunWords.timestamp(words, i), RunWords.isHole(words, i)));
            }
        }
        return stamps;
    }

    @Override
    public long position(ChunkId chunk) {
        return entry(chunk).position;
    }

    @Override
    public long sealPosition(ChunkId chunk) {
        return entry(chunk).sealPosition;
    }

    @Override
    public boolean damaged(ChunkId chunk, SectorRun range) {
        var runs = entry(chunk).runs;
        for (int i = runs.indexFrom(range.first());
                i < runs.count() && RunWords.first(runs.words(), i) < range.end();
                i++) {
            if (RunWords.isDamaged(runs.words(), i)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public long position(ChunkId chunk, SectorRun range) {
        long position = 0;
        var runs = entry(chunk).runs;
        for (int i = runs.indexFrom(range.first());
                i < runs.count() && RunWords.first(runs.words(), i) < range.end();
                i++) {
            // The log is durable record by record: one byte of it durable is all of it durable.
            position = Math.max(position, RunWords.place(runs.words(), i) + 1);
        }
        return position;
    }

    @Override
    public long floorPosition() {
        return floorPosition;
    }

    // ---- what drivers see ----

    /**
     * Runs in place of a range, cut to it, with their places; the caller holds the chunk's lock.
     */
    public long[] places(ChunkId chunk, SectorRun range) {
        var list = new WordList();
        var runs = entry(chunk).runs;
        long[] words = runs.words();
        for (int i = runs.indexFrom(range.first()); i < runs.count(); i++) {
            int first = Math.max(range.first(), RunWords.first(words, i));
            int end = Math.min(range.end(), RunWords.end(words, i));
            if (first >= end) {
                break;
            }
            list.add(words, i, first, end);
        }
        return list.words();
    }

    @Override
    public long[] runsIn(long chunk, int segment) {
        var stripe = stripe(chunk);
        stripe.lock.lock();
        try {
            return stripe.entry(chunk).runsIn(segment);
        } finally {
            stripe.lock.unlock();
        }
    }

    @Override
    public boolean markDamaged(long chunk, int first, int sectorCount, long place) {
        var stripe = stripe(chunk);
        stripe.lock.lock();
        try {
            var entry = stripe.entry(chunk);
            if (!entry.runs.markDamaged(first, sectorCount, place, live)) {
                return false;
            }
            entry.dirty = true;
            damagedSectors.add(sectorCount);
            stripe.onChanged(entry, durable());
            return true;
        } finally {
            stripe.lock.unlock();
        }
    }

    /** Number of chunks known here, tombstones included. */
    public long chunkCount() {
        return chunkCount.sum();
    }

    /** Sectors found damaged since the start. */
    public long damagedSectorCount() {
        return damagedSectors.sum();
    }

    /** Some of the chunks that wait for an INSTALL of a later epoch (R12). */
    public List<Long> damagedChunks(int max) {
        return damagedChunks.stream().limit(max).toList();
    }

    @Override
    public void forEachChunk(LongConsumer action) {
        var seen = new HashSet<Long>();
        for (var stripe : stripes) {
            stripe.addChunks(seen);
        }
        for (long chunk : seen) {
            if (isKnown(chunk)) {
                action.accept(chunk);
            }
        }
        file.forEach(
                (_, chunk) -> {
                    if (!seen.contains(chunk)) {
                        action.accept(chunk);
                    }
                });
    }

    private boolean isKnown(long chunk) {
        var stripe = stripe(chunk);
        stripe.lock.lock();
        try {
            return stripe.entry(chunk).state != null;
        } finally {
            stripe.lock.unlock();
        }
    }

    // ---- memory ----

    private ChunkStripe stripe(long chunk) {
        // Chunk numbers ascend: neighbours belong to different stripes.
        return stripes[(int) Long.remainderUnsigned(chunk, STRIPES)];
    }

    private ChunkEntry entry(ChunkId chunk) {
        return stripe(chunk.value()).entry(chunk.value());
    }

    /** During recovery all that is replayed is durable. */
    private long durable() {
        var ready = commit;
        return ready == null ? Long.MAX_VALUE : ready.durablePosition();
    }

    // ---- checkpoints ----

    @Override
    public long checkpoint() throws InterruptedException {
        long position = commit().appendedPosition();
        long floorNow;
        synchronized (floorLock) {
            floorNow = floor;
        }
        for (var stripe : stripes) {
            flush(stripe);
        }
        // Before the log is durable up to there, the checkpoint would claim what may be lost.
        commit().awaitDurable(commit().appendedPosition());
        file.checkpoint(position, floorNow);
        return position;
    }

    private void flush(ChunkStripe stripe) throws InterruptedException {
        var flush = stripe.beginFlush();
        if (!flush.changes().isEmpty()) {
            commit().awaitDurable(flush.position());
            file.write(flush.changes());
            stripe.endFlush(flush, durable());
        }
    }

    /** Laws of every chunk in memory. */
    public void invariants() {
        for (var stripe : stripes) {
            stripe.invariants();
        }
    }

    @Override
    public void close() {
        file.close();
    }
}

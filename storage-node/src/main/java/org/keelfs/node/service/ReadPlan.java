package org.keelfs.node.service;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.BudgetExceededException;
import org.keelfs.buffer.BufferPool;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.store.LogPosition;
import org.keelfs.node.store.RunWords;
import org.keelfs.node.store.Segment;
import org.keelfs.node.store.SegmentLog;
import org.keelfs.node.store.SegmentUnavailableException;
import org.keelfs.node.store.StoredSectors;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.ValueRun;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the bytes of one answer lie in the log, as of the moment in which the machine answered. It
 * holds the segments, so that compaction cannot take them away before {@link #fetch}. One thread at
 * a time.
 */
final class ReadPlan {
    private static final Logger LOG = LoggerFactory.getLogger(ReadPlan.class);

    private final int operation;
    private final ChunkId chunk;
    private final long[] words;
    private final Segment[] segments;
    private final int sectorCount;

    private ReadPlan(int operation, ChunkId chunk, long[] words, Segment[] segments, int sectors) {
        this.operation = operation;
        this.chunk = chunk;
        this.words = words;
        this.segments = segments;
        this.sectorCount = sectors;
    }

    /**
     * Plans a read; null when some sector is known to be damaged. The caller holds the chunk's
     * lock.
     */
    static @Nullable ReadPlan of(
            int operation, ChunkId chunk, SectorRun run, ChunkIndex index, SegmentLog log) {
        long[] words = index.places(chunk, run);
        int count = words.length / RunWords.WORDS;
        var held = new ArrayList<Segment>();
        int sectors = 0;
        for (int i = 0; i < count; i++) {
            if (RunWords.isHole(words, i)) {
                continue;
            }
            var segment = log.segment(LogPosition.segment(RunWords.place(words, i)));
            if (RunWords.isDamaged(words, i) || segment == null || !segment.retain()) {
                held.forEach(Segment::release);
                return null;
            }
            held.add(segment);
            sectors += RunWords.count(words, i);
        }
        return new ReadPlan(operation, chunk, words, held.toArray(Segment[]::new), sectors);
    }

    /** Index of the operation in its frame. */
    int operation() {
        return operation;
    }

    int bytes() {
        return sectorCount * Payload.STORED_SECTOR_BYTES;
    }

    /** An answer and the memory of its bytes, of which it holds one count. */
    record Fetched(RegisterReply reply, PayloadBuffer memory) {}

    /**
     * Reads and checks the bytes; the log is durable up to what the plan needs. Bad sectors are
     * marked in the index, so that a WRITE of their value repairs them. Throws {@link
     * BudgetExceededException} when there is no memory, or no file can be opened now.
     */
    Fetched fetch(BufferPool pool, ChunkIndex index) {
        return fetch(pool.allocate(bytes()), index);
    }

    /** The same into memory of {@link #bytes}, of which it takes over the count. */
    Fetched fetch(PayloadBuffer memory, ChunkIndex index) {
        try {
            return fill(memory, index);
        } catch (RuntimeException e) {
            memory.release();
            throw e;
        }
    }

    private Fetched fill(PayloadBuffer memory, ChunkIndex index) {
        var values = new ArrayList<ValueRun>();
        boolean damaged = false;
        int offset = 0;
        int next = 0;
        for (int i = 0; i < words.length / RunWords.WORDS; i++) {
            var run = new SectorRun(RunWords.first(words, i), RunWords.count(words, i));
            @Nullable PayloadBuffer bytes = null;
            if (!RunWords.isHole(words, i)) {
                int length = run.count() * Payload.STORED_SECTOR_BYTES;
                bytes = memory.slice(offset, length);
                offset += length;
                damaged |= !read(segments[next++], run, RunWords.place(words, i), bytes, index);
            }
            values.add(new ValueRun(run, RunWords.timestamp(words, i), bytes));
        }
        if (damaged) {
            memory.release();
            return new Fetched(
                    new RegisterReply.Refused(RegisterReply.Reason.DAMAGED), PayloadBuffer.EMPTY);
        }
        return new Fetched(new RegisterReply.Values(List.copyOf(values)), memory);
    }

    private boolean read(
            Segment segment, SectorRun run, long place, PayloadBuffer bytes, ChunkIndex index) {
        try {
            segment.readFully(bytes.bytes(), LogPosition.offset(place));
        } catch (SegmentUnavailableException e) {
            throw new BudgetExceededException(e.getMessage() + "; nothing is damaged");
        } catch (IOException e) {
            LOG.warn(
                    "sectors {} of chunk {} cannot be read at {}: {}; a WRITE of them repairs it",
                    run,
                    chunk,
                    LogPosition.describe(place),
                    e.toString());
            var _ = index.markDamaged(chunk.value(), run.first(), run.count(), place);
            return false;
        }
        boolean good = true;
        int bad = StoredSectors.firstBad(bytes.bytes(), 0);
        while (bad < run.count()) {
            good = false;
            LOG.warn(
                    "sector {} of chunk {} is damaged at {}; a WRITE of it repairs it",
                    run.first() + bad,
                    chunk,
                    LogPosition.describe(place));
            var _ =
                    index.markDamaged(
                            chunk.value(),
                            run.first() + bad,
                            1,
                            place + (long) bad * Payload.STORED_SECTOR_BYTES);
            bad = StoredSectors.firstBad(bytes.bytes(), bad + 1);
        }
        return good;
    }

    /** Lets go of the segments; after the last fetch, or instead of it. */
    void release() {
        for (var segment : segments) {
            segment.release();
        }
    }
}

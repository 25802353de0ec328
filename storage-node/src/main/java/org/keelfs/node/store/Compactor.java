package org.keelfs.node.store;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.BufferPool;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.register.ValueRun;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives space back: deletes segments in which nothing is live, copies the live sectors of sparse
 * ones to the end of the log, punches larger dead ranges out of the others. A copy keeps its
 * timestamp and only says where the sector lies now, so that it can never change which version
 * counts.
 *
 * <p>Confined to the maintenance thread.
 */
final class Compactor {
    private static final Logger LOG = LoggerFactory.getLogger(Compactor.class);

    /** Below this live share a segment is copied: each byte copied frees at least one. */
    private static final double SPARSE_SHARE = 0.5;

    /** With the disk nearly full even little is worth a copy. */
    private static final double SPARSE_SHARE_WHEN_FULL = 0.9;

    /** Small segments, as each start leaves one, that are left alone. */
    private static final int SMALL_SEGMENTS_MAX = 8;

    /** Sectors copied at a time. */
    private static final int COPIED_SECTORS_MAX = 64;

    /** Dead ranges worth a call to punch them out. */
    private static final long PUNCHED_BYTES_MIN = 1 << 20;

    /** A segment is surveyed for dead ranges again when so much of it died since. */
    private static final long SURVEY_BYTES = 8 << 20;

    /** How long to wait for memory to copy with. */
    private static final long MEMORY_TIMEOUT_MS = 60_000;

    private final StoreFiles files;
    private final SegmentLog log;
    private final GroupCommit commit;
    private final SectorIndex index;
    private final RecordCodec codec;
    private final BufferPool pool;

    /** Live bytes of a segment when its dead ranges were punched out last. */
    private final Map<Integer, Long> surveyed = new HashMap<>();

    Compactor(
            StoreFiles files,
            SegmentLog log,
            GroupCommit commit,
            SectorIndex index,
            byte[] seed,
            BufferPool pool) {
        this.files = files;
        this.log = log;
        this.commit = commit;
        this.index = index;
        this.codec = new RecordCodec(seed);
        this.pool = pool;
    }

    /** Segments in which nothing is live now, the one being written left out. */
    List<Segment> deadSegments() {
        int tail = LogPosition.segment(commit.appendedPosition());
        return log.segments().stream()
                .filter(s -> s.number() < tail && s.liveBytes() == 0)
                .toList();
    }

    /**
     * Deletes what was dead before a checkpoint: recovery starts behind it, the index points
     * elsewhere.
     */
    void delete(List<Segment> dead, long checkpoint) throws IOException {
        boolean any = false;
        for (var segment : dead) {
            if (segment.number() < LogPosition.segment(checkpoint)) {
                log.delete(segment);
                surveyed.remove(segment.number());
                any = true;
            }
        }
        if (any) {
            files.forceDirectory();
        }
    }

    /**
     * Copies one sparse segment, if there is one; true when a checkpoint can now free something.
     */
    boolean run(boolean full) throws IOException, InterruptedException {
        long checkpoint = index.checkpointPosition();
        var segment = sparsest(full, checkpoint);
        if (segment != null) {
            copy(segment);
            return true;
        }
        punchOne(checkpoint);
        return !deadSegments().isEmpty();
    }

    private List<Segment> complete(long checkpoint) {
        return log.segments().stream()
                .filter(s -> s.number() < LogPosition.segment(checkpoint) && s.isBegun())
                .toList();
    }

    private @Nullable Segment sparsest(boolean full, long checkpoint) {
        double limit = full ? SPARSE_SHARE_WHEN_FULL : SPARSE_SHARE;
        var complete = complete(checkpoint);
        long small = complete.stream().filter(this::isSmall).count();
        Segment best = null;
        double bestShare = limit;
        for (var segment : complete) {
            long live = segment.liveBytes();
            boolean merge = small > SMALL_SEGMENTS_MAX && isSmall(segment);
            long of = merge ? log.segmentBytes() : Math.max(1, segment.writtenBytes());
            double share = (double) live / of;
            if (live > 0 && share < bestShare) {
                best = segment;
                bestShare = share;
            }
        }
        return best;
    }

    private boolean isSmall(Segment segment) {
        return segment.writtenBytes() < log.segmentBytes() / 4;
    }

    private void copy(Segment segment) throws IOException, InterruptedException {
        long before = segment.liveBytes();
        for (long chunk : chunksOf(segment)) {
            copyChunk(segment, chunk);
        }
        if (segment.liveBytes() > 0) {
            // Some header could not be read: ask the index for what lies there.
            var left = new ArrayList<Long>();
            index.forEachChunk(
                    chunk -> {
                        if (index.runsIn(chunk, segment.number()).length > 0) {
                            left.add(chunk);
                        }
                    });
            for (long chunk : left) {
                copyChunk(segment, chunk);
            }
        }
        commit.awaitDurable(commit.appendedPosition());
        LOG.debug("segment {} compacted: {} bytes were live", segment.number(), before);
    }

    private Set<Long> chunksOf(Segment segment) throws IOException {
        var chunks = new LinkedHashSet<Long>();
        forEachRecord(
                segment,
                record -> {
                    if (record.sectorCount() > 0) {
                        chunks.add(record.chunk());
                    }
                });
        return chunks;
    }

    @FunctionalInterface
    private interface RecordAction {
        void accept(LogRecord record) throws IOException;
    }

    private void forEachRecord(Segment segment, RecordAction action) throws IOException {
        try (var open = segment.use()) {
            var scanner = new SegmentScanner(open.file(), segment.number(), codec);
            long offset = RecordCodec.SEGMENT_HEADER_BYTES;
            while (offset < scanner.size()) {
                var record = scanner.record(offset);
                if (record == null) {
                    offset += RecordCodec.ALIGNMENT;
                } else {
                    action.accept(record);
                    offset = LogPosition.offset(record.position());
                }
            }
        }
    }

    private void copyChunk(Segment segment, long chunk) throws IOException, InterruptedException {
        long[] words = index.runsIn(chunk, segment.number());
        for (int i = 0; i < words.length / RunWords.WORDS; i++) {
            int first = RunWords.first(words, i);
            int end = RunWords.end(words, i);
            for (int at = first; at < end; at += COPIED_SECTORS_MAX) {
                int count = Math.min(COPIED_SECTORS_MAX, end - at);
                long place =
                        RunWords.place(words, i)
                                + (long) (at - first) * Payload.STORED_SECTOR_BYTES;
                copySectors(
                        segment,
                        chunk,
                        new ValueRun(new SectorRun(at, count), RunWords.timestamp(words, i), null),
                        place);
            }
        }
    }

    private void copySectors(Segment segment, long chunk, ValueRun run, long place)
            throws IOException, InterruptedException {
        int first = run.run().first();
        int count = run.run().count();
        int length = count * Payload.STORED_SECTOR_BYTES;
        while (!commit.hasRoom(length)) {
            commit.awaitDurable(commit.appendedPosition());
        }
        PayloadBuffer bytes = pool.allocate(length, MEMORY_TIMEOUT_MS);
        try {
            var target = bytes.bytes();
            segment.readFully(target, LogPosition.offset(place));
            var sectors = bytes.bytes();
            var good = new ArrayList<ValueRun>();
            int from = 0;
            while (from < count) {
                int bad = StoredSectors.firstBad(sectors, from);
                if (bad > from) {
                    good.add(
                            new ValueRun(
                                    SectorRun.between(first + from, first + bad),
                                    run.timestamp(),
                                    bytes.sectors(from, bad - from)));
                }
                if (bad < count) {
                    LOG.warn(
                            "damaged sector {} of chunk {} found while compacting",
                            first + bad,
                            Long.toUnsignedString(chunk));
                    var _ =
                            index.markDamaged(
                                    chunk,
                                    first + bad,
                                    1,
                                    place + (long) bad * Payload.STORED_SECTOR_BYTES);
                }
                from = bad + 1;
            }
            if (!good.isEmpty()) {
                index.move(chunk, good);
            }
        } finally {
            bytes.release();
        }
    }

    private void punchOne(long checkpoint) throws IOException, InterruptedException {
        for (var segment : complete(checkpoint)) {
            long live = segment.liveBytes();
            long before = surveyed.getOrDefault(segment.number(), (long) segment.writtenBytes());
            if (live > 0 && before - live >= Math.min(SURVEY_BYTES, log.segmentBytes() / 4)) {
                surveyed.put(segment.number(), live);
                punch(segment);
                return;
            }
        }
    }

    /** Punches out ranges of whole records of which no sector is live. */
    private void punch(Segment segment) throws IOException, InterruptedException {
        Map<Long, long[]> runs = new HashMap<>();
        var dead = new ArrayList<long[]>();
        forEachRecord(
                segment,
                record -> {
                    long[] words =
                            runs.computeIfAbsent(
                                    record.chunk(), c -> index.runsIn(c, segment.number()));
                    long start = LogPosition.offset(record.start());
                    long end = LogPosition.offset(record.position());
                    if (record.sectorCount() > 0 && isLive(words, record)) {
                        return;
                    }
                    if (!dead.isEmpty() && dead.getLast()[1] == start) {
                        dead.getLast()[1] = end;
                    } else {
                        dead.add(new long[] {start, end});
                    }
                });
        // What replaced these sectors is durable before they go.
        commit.awaitDurable(commit.appendedPosition());
        for (long[] range : dead) {
            if (range[1] - range[0] >= PUNCHED_BYTES_MIN) {
                files.punch(Segment.name(segment.number()), range[0], range[1] - range[0]);
            }
        }
    }

    private static boolean isLive(long[] words, LogRecord record) {
        for (int i = 0; i < words.length / RunWords.WORDS; i++) {
            long place = RunWords.place(words, i);
            long end = place + (long) RunWords.count(words, i) * Payload.STORED_SECTOR_BYTES;
            if (place < record.position() && end > record.start()) {
                return true;
            }
        }
        return false;
    }
}

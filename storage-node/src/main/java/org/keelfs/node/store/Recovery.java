package org.keelfs.node.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the log from the last checkpoint on and says what counts (DESIGN section 5).
 *
 * <p>First pass: find every whole record, every bad place, and the highest durable position that a
 * record proves (a record carries the one known when it was written, and an idle log adds a mark).
 * A bad place below the proven position is damage: acknowledged data is lost there. The first bad
 * place at or above it is the torn tail of a crash: the log is cut there. A record with a whole
 * header and bad sectors below the proven position loses just these sectors, and it is known which.
 *
 * <p>Second pass: replay in log order, whatever the timestamps are. What is kept but not proven is
 * written again in place before it is forced: after a force that failed, the system may show bytes
 * that it will never write unless they are written anew.
 */
final class Recovery {
    private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);

    /** Marks a found record whose sectors are not all good; places are multiples of 64. */
    private static final long BAD_SECTORS = 1;

    private static final int REWRITE_BYTES = 1 << 20;

    private final StoreFiles files;
    private final RecordCodec codec;
    private final long checkpoint;
    private final TreeMap<Integer, Long> sizes = new TreeMap<>();

    private long[] found = new long[1024];
    private int foundCount;
    private long[] bad = new long[16];
    private int badCount;
    private long proven;
    private long end;

    /**
     * Result of a recovery.
     *
     * @param end position at which the log ends
     * @param nextSegment number of the segment in which it goes on
     * @param damaged acknowledged records are known to be lost (R12)
     * @param records number of records replayed
     */
    record Outcome(long end, int nextSegment, boolean damaged, int records) {}

    /**
     * @param checkpoint position up to which the index holds everything, 0 without a checkpoint
     * @param proven position known from elsewhere to be durable
     */
    Recovery(StoreFiles files, byte[] seed, long checkpoint, long proven) {
        this.files = files;
        this.codec = new RecordCodec(seed);
        this.checkpoint = checkpoint;
        this.proven = Math.max(proven, checkpoint);
    }

    Outcome run(Consumer<LogRecord> replay) throws IOException {
        for (var name : files.list()) {
            int number = Segment.number(name);
            if (number >= 0) {
                sizes.put(number, 0L);
            }
        }
        scan();
        long cut = Long.MAX_VALUE;
        boolean damaged = false;
        for (int i = 0; i < badCount; i++) {
            if (bad[i] >= proven) {
                cut = Math.min(cut, bad[i]);
            } else {
                damaged = true;
                LOG.error(
                        "the log is damaged at {}, below what was durable ({}): acknowledged data is"
                                + " lost; this store comes back as a new node",
                        LogPosition.describe(bad[i]),
                        LogPosition.describe(proven));
            }
        }
        for (int i = 0; i < foundCount; i++) {
            if ((found[i] & BAD_SECTORS) != 0 && found[i] >= proven) {
                cut = Math.min(cut, found[i] & -RecordCodec.ALIGNMENT);
            }
        }
        if (cut < Long.MAX_VALUE) {
            LOG.info("torn tail of the log cut at {}", LogPosition.describe(cut));
            cutAt(cut);
        }
        // Before the index sees any of it: it may reach the disk earlier than the next force.
        rewriteUnproven();
        int replayed = replay(cut, replay);
        int next = sizes.isEmpty() ? 1 : sizes.lastKey() + 1;
        next = Math.max(next, LogPosition.segment(checkpoint) + 1);
        return new Outcome(Math.max(end, checkpoint), next, damaged, replayed);
    }

    private void scan() throws IOException {
        // Where the log ended according to the records seen so far.
        long reached = checkpoint;
        int first = LogPosition.segment(checkpoint);
        for (int number : sizes.tailMap(first, true).keySet()) {
            try (var file = files.open(Segment.name(number))) {
                var scanner = new SegmentScanner(file, number, codec);
                sizes.put(number, scanner.size());
                long offset = RecordCodec.SEGMENT_HEADER_BYTES;
                if (number == first) {
                    offset = LogPosition.offset(checkpoint);
                    if (scanner.size() < offset) {
                        addBad(LogPosition.of(number, (int) scanner.size()));
                    }
                } else if (scanner.previousEnd() < 0) {
                    addBad(LogPosition.of(number, 0));
                } else if (scanner.previousEnd() != reached && reached > 0) {
                    // Something between this segment and what we have of the one before is missing.
                    addBad(reached);
                }
                reached = scanSegment(scanner, number, offset, reached);
            }
        }
        if (reached < proven) {
            addBad(reached);
        }
    }

    private long scanSegment(SegmentScanner scanner, int number, long from, long reachedBefore)
            throws IOException {
        long offset = from;
        boolean inBad = false;
        long reached = reachedBefore;
        while (offset < scanner.size()) {
            var record = scanner.record(offset);
            if (record != null) {
                proven = Math.max(proven, scanner.durable(offset));
            }
            if (record == null || !scanner.isWhole(record)) {
                if (!inBad) {
                    addBad(LogPosition.of(number, (int) offset));
                    inBad = true;
                }
                offset += RecordCodec.ALIGNMENT;
                continue;
            }
            inBad = false;
            boolean whole = record.sectorCount() == 0 || scanner.verified(record) == record;
            addFound(record.start() | (whole ? 0 : BAD_SECTORS));
            offset = LogPosition.offset(record.position());
            reached = record.position();
        }
        return reached;
    }

    private int replay(long cut, Consumer<LogRecord> replay) throws IOException {
        int replayed = 0;
        int i = 0;
        while (i < foundCount) {
            int number = LogPosition.segment(found[i]);
            try (var file = files.open(Segment.name(number))) {
                var scanner = new SegmentScanner(file, number, codec);
                for (; i < foundCount && LogPosition.segment(found[i]) == number; i++) {
                    long place = found[i] & -RecordCodec.ALIGNMENT;
                    if (place >= cut) {
                        return replayed;
                    }
                    var record = scanner.record(LogPosition.offset(place));
                    if (record == null) {
                        throw new IOException(
                                "record changed while it was read: " + LogPosition.describe(place));
                    }
                    if ((found[i] & BAD_SECTORS) != 0) {
                        record = scanner.verified(record);
                        LOG.warn(
                                "damaged sectors of chunk {} in the log at {}",
                                Long.toUnsignedString(record.chunk()),
                                LogPosition.describe(place));
                    }
                    replay.accept(record);
                    end = record.position();
                    replayed++;
                }
            }
        }
        return replayed;
    }

    /**
     * Takes everything from this place on away, the last file first so that a crash leaves no gap.
     */
    private void cutAt(long cut) throws IOException {
        int number = LogPosition.segment(cut);
        for (int later : sizes.descendingMap().headMap(number, false).keySet().stream().toList()) {
            files.delete(Segment.name(later));
            files.forceDirectory();
            sizes.remove(later);
        }
        int offset = LogPosition.offset(cut);
        if (offset < RecordCodec.SEGMENT_HEADER_BYTES) {
            files.delete(Segment.name(number));
            files.forceDirectory();
            sizes.remove(number);
        } else if (sizes.containsKey(number) && sizes.getOrDefault(number, 0L) > offset) {
            try (var file = files.open(Segment.name(number))) {
                file.truncate(offset);
                file.force();
            }
            sizes.put(number, (long) offset);
        }
    }

    private void rewriteUnproven() throws IOException {
        for (var segment : sizes.tailMap(LogPosition.segment(proven), true).entrySet()) {
            int number = segment.getKey();
            long from = number == LogPosition.segment(proven) ? LogPosition.offset(proven) : 0;
            if (number < LogPosition.segment(checkpoint) || from >= segment.getValue()) {
                continue;
            }
            try (var file = files.open(Segment.name(number))) {
                rewrite(file, from, segment.getValue());
                file.force();
            }
        }
    }

    private static void rewrite(StoreFile file, long from, long to) throws IOException {
        var buffer = ByteBuffer.allocate(REWRITE_BYTES);
        long at = from;
        while (at < to) {
            buffer.clear().limit((int) Math.min(REWRITE_BYTES, to - at));
            file.readFully(buffer, at);
            buffer.flip();
            var one = new ByteBuffer[] {buffer};
            while (buffer.hasRemaining()) {
                long n = file.write(one, 1, at);
                if (n <= 0) {
                    throw new IOException("no bytes written at offset " + at);
                }
                at += n;
            }
        }
    }

    private void addFound(long place) {
        if (foundCount == found.length) {
            found = Arrays.copyOf(found, foundCount * 2);
        }
        found[foundCount++] = place;
    }

    private void addBad(long place) {
        if (badCount == bad.length) {
            bad = Arrays.copyOf(bad, badCount * 2);
        }
        bad[badCount++] = place;
    }
}

package org.keelfs.node.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.Payload;

/**
 * The files of the log: where the next record goes, writing batches of records, the open segments.
 * {@link #place} belongs to the lock of {@link GroupCommit}, writing to its thread; segments are
 * found by any thread.
 */
public final class SegmentLog implements Segment.Files {
    /**
     * Smaller records are copied together, so that a batch of them is one range of memory to write.
     */
    private static final int COPIED_RECORD_BYTES_MAX = 64 << 10;

    /** Room for headers and small records of one write call. */
    private static final int SCRATCH_BYTES = 1 << 20;

    /** Buffers of one gathering write: below Linux's limit of 1024. */
    private static final int BUFFERS_MAX = 512;

    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(RecordCodec.ALIGNMENT);

    private final StoreFiles files;
    private final OpenSegments open;
    private final RecordCodec codec;
    private final int segmentBytes;
    private final ConcurrentSkipListMap<Integer, Segment> segments = new ConcurrentSkipListMap<>();
    private final ByteBuffer scratch = ByteBuffer.allocateDirect(SCRATCH_BYTES);
    private final ByteBuffer[] buffers = new ByteBuffer[BUFFERS_MAX];

    /** Place of the next record. */
    private long tail;

    // Of the write in progress.
    private int bufferCount;
    private int scratchStart;

    /** Place behind the last record written. */
    private long writtenEnd;

    /** The file of the last segment begun here: the one that is written. */
    private OpenSegments.@Nullable Open writing;

    /** It was written to and not forced since. */
    private boolean unforced;

    /**
     * A log whose next record begins a segment of its own.
     *
     * @param end position at which the recovered log ends
     * @param nextSegment number of the segment to begin
     */
    SegmentLog(
            StoreFiles files,
            OpenSegments open,
            byte[] seed,
            int segmentBytes,
            long end,
            int nextSegment) {
        this.files = files;
        this.open = open;
        this.codec = new RecordCodec(seed);
        this.segmentBytes = segmentBytes;
        this.writtenEnd = end;
        this.tail = LogPosition.of(nextSegment, RecordCodec.SEGMENT_HEADER_BYTES);
    }

    /** Takes in a segment found by recovery. */
    void adopt(int number) throws IOException {
        var segment = new Segment(number, this);
        try (var file = files.openToRead(Segment.name(number))) {
            segment.written((int) file.size());
        }
        segment.begun();
        segments.put(number, segment);
    }

    /** A record with its payload on its way to the disk; holds one count of each buffer. */
    record Entry(LogRecord record, PayloadBuffer[] payload, int headerBytes, int recordBytes) {
        static Entry of(LogRecord record, PayloadBuffer[] payload) {
            int bytes = 0;
            for (var buffer : payload) {
                bytes += buffer.length();
            }
            Invariant.check(
                    bytes == record.sectorCount() * Payload.STORED_SECTOR_BYTES,
                    "payload is as long as the runs say");
            return new Entry(
                    record,
                    payload,
                    RecordCodec.headerBytes(record),
                    RecordCodec.recordBytes(record));
        }
    }

    /** Gives the record its place behind all others. */
    void place(Entry entry) {
        int bytes = entry.recordBytes();
        Invariant.check(
                bytes <= segmentBytes - RecordCodec.SEGMENT_HEADER_BYTES,
                "a record of %d bytes fits into a segment",
                bytes);
        if (LogPosition.offset(tail) + bytes > segmentBytes) {
            tail = LogPosition.of(LogPosition.segment(tail) + 1, RecordCodec.SEGMENT_HEADER_BYTES);
        }
        int number = LogPosition.segment(tail);
        if (!segments.containsKey(number)) {
            segments.put(number, new Segment(number, this));
        }
        entry.record().placeAt(tail, entry.headerBytes(), bytes);
        tail += bytes;
    }

    /** The segment of this number; null when it is not part of the log. */
    public @Nullable Segment segment(int number) {
        return segments.get(number);
    }

    /** All segments, ascending. */
    List<Segment> segments() {
        return List.copyOf(segments.values());
    }

    int segmentBytes() {
        return segmentBytes;
    }

    /** Bytes of all segments, dead ones included. */
    public long writtenBytes() {
        long sum = 0;
        for (var segment : segments.values()) {
            sum += segment.writtenBytes();
        }
        return sum;
    }

    /** Counts sectors at a place as live, or with a negative count as dead. */
    public void addLive(long place, int sectorCount) {
        var segment = segments.get(LogPosition.segment(place));
        if (segment != null) {
            segment.addLiveBytes((long) sectorCount * Payload.STORED_SECTOR_BYTES);
        }
    }

    /** Writes a batch and makes it durable. The records carry the durable position known now. */
    void writeAndForce(List<Entry> batch, long durable) throws IOException {
        int from = 0;
        while (from < batch.size()) {
            int number = LogPosition.segment(batch.get(from).record().start());
            int to = from + 1;
            while (to < batch.size()
                    && LogPosition.segment(batch.get(to).record().start()) == number) {
                to++;
            }
            write(number, batch.subList(from, to), durable);
            from = to;
        }
        forceWritten();
    }

    /** Writes a record without waiting for it to be durable. */
    void writeOnly(Entry entry, long durable) throws IOException {
        write(LogPosition.segment(entry.record().start()), List.of(entry), durable);
    }

    /** Makes all that was written durable. */
    void forceWritten() throws IOException {
        if (unforced) {
            writing().file().force();
            unforced = false;
        }
    }

    long writtenEnd() {
        return writtenEnd;
    }

    private void write(int number, List<Entry> entries, long durable) throws IOException {
        var segment = segments.get(number);
        if (segment == null) {
            throw new IllegalStateException("no segment " + number);
        }
        if (!segment.isBegun()) {
            // In log order: a segment's first byte says that the one before it is complete.
            forceWritten();
            begin(segment);
        }
        unforced = true;
        startWrite();
        long at = entries.getFirst().record().start();
        for (var entry : entries) {
            if (!fits(entry)) {
                at = flush(segment, at);
            }
            add(entry, durable);
        }
        long end = flush(segment, at);
        segment.written(LogPosition.offset(end));
        writtenEnd = end;
    }

    private OpenSegments.Open writing() {
        var file = writing;
        if (file == null) {
            throw new IllegalStateException("no segment is begun");
        }
        return file;
    }

    private void begin(Segment segment) throws IOException {
        letGoOfWritten();
        var file = open.create(segment.number());
        writing = file;
        startWrite();
        codec.encodeSegmentHeader(segment.number(), writtenEnd, scratch);
        var _ = flush(segment, LogPosition.of(segment.number(), 0));
        file.file().force();
        // Without this the file itself may be gone after a power cut, whatever was forced into it.
        files.forceDirectory();
        segment.begun();
    }

    /** A complete segment is open only as long as it is read. */
    private void letGoOfWritten() {
        var file = writing;
        if (file != null) {
            writing = null;
            file.close();
        }
    }

    private void startWrite() {
        scratch.clear();
        scratchStart = 0;
        bufferCount = 0;
    }

    private boolean fits(Entry entry) {
        int copied =
                entry.recordBytes() <= COPIED_RECORD_BYTES_MAX
                        ? entry.recordBytes()
                        : entry.headerBytes();
        return copied <= scratch.remaining()
                && bufferCount + entry.payload().length + 4 <= BUFFERS_MAX;
    }

    private void add(Entry entry, long durable) {
        var record = entry.record();
        int padding =
                entry.recordBytes()
                        - entry.headerBytes()
                        - record.sectorCount() * Payload.STORED_SECTOR_BYTES;
        if (entry.recordBytes() <= COPIED_RECORD_BYTES_MAX) {
            codec.encodeHeader(record, durable, scratch);
            for (var payload : entry.payload()) {
                scratch.put(payload.bytes());
            }
            scratch.put(ZEROS.slice(0, padding));
            return;
        }
        if (entry.headerBytes() <= scratch.remaining()) {
            codec.encodeHeader(record, durable, scratch);
            closeScratchRange();
        } else {
            closeScratchRange();
            var header = ByteBuffer.allocate(entry.headerBytes());
            codec.encodeHeader(record, durable, header);
            buffers[bufferCount++] = header.flip();
        }
        for (var payload : entry.payload()) {
            buffers[bufferCount++] = payload.bytes();
            if (bufferCount == BUFFERS_MAX - 1) {
                joinBuffers();
            }
        }
        buffers[bufferCount++] = ZEROS.slice(0, padding);
    }

    /**
     * A record of more pieces than one call takes: copied together. Rare: an INSTALL of hundreds of
     * runs.
     */
    private void joinBuffers() {
        int bytes = 0;
        for (int i = 0; i < bufferCount; i++) {
            bytes += buffers[i].remaining();
        }
        var joined = ByteBuffer.allocate(bytes);
        for (int i = 0; i < bufferCount; i++) {
            joined.put(buffers[i]);
        }
        buffers[0] = joined.flip();
        bufferCount = 1;
    }

    private void closeScratchRange() {
        if (scratch.position() > scratchStart) {
            buffers[bufferCount++] = scratch.slice(scratchStart, scratch.position() - scratchStart);
            scratchStart = scratch.position();
        }
    }

    /** Writes what was gathered; returns the place behind it. */
    private long flush(Segment segment, long place) throws IOException {
        closeScratchRange();
        long offset = LogPosition.offset(place);
        int from = 0;
        while (from < bufferCount) {
            if (!buffers[from].hasRemaining()) {
                from++;
                continue;
            }
            if (from > 0) {
                System.arraycopy(buffers, from, buffers, 0, bufferCount - from);
                bufferCount -= from;
                from = 0;
            }
            long n = writing().file().write(buffers, bufferCount, offset);
            if (n <= 0) {
                throw new IOException(
                        "segment " + segment.number() + " took no bytes at offset " + offset);
            }
            offset += n;
        }
        startWrite();
        return LogPosition.of(segment.number(), (int) offset);
    }

    /**
     * Takes a segment out of the log. Its file is deleted when the last reader that holds it has
     * finished: it may have to open it yet.
     */
    void delete(Segment segment) throws IOException {
        segments.remove(segment.number());
        segment.retire();
    }

    @Override
    public OpenSegments.Open use(int number) throws IOException {
        return open.use(number);
    }

    @Override
    public void onReleased(Segment segment) throws IOException {
        open.forget(segment.number());
        if (segment.isRetired()) {
            files.delete(Segment.name(segment.number()));
        }
    }

    void close() {
        letGoOfWritten();
        for (var segment : segments.values()) {
            segment.release();
        }
        segments.clear();
    }
}

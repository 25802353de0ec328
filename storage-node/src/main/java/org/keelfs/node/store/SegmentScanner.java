package org.keelfs.node.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.Payload;

/**
 * Reads one segment's records in their order through a window; for recovery and compaction. One
 * thread.
 */
final class SegmentScanner {
    /** Holds the largest record whole, so that each byte is read once. */
    private static final int WINDOW_BYTES = RecordCodec.RECORD_BYTES_MAX + (1 << 20);

    private final StoreFile file;
    private final int number;
    private final RecordCodec codec;
    private final long size;
    private final ByteBuffer window;
    private long windowStart;

    SegmentScanner(StoreFile file, int number, RecordCodec codec) throws IOException {
        this.file = file;
        this.number = number;
        this.codec = codec;
        this.size = file.size();
        this.window = ByteBuffer.allocate((int) Math.min(WINDOW_BYTES, Math.max(size, 1)));
        window.limit(0);
    }

    long size() {
        return size;
    }

    /** Where the log ended when the segment was begun; -1 when the header is not whole. */
    long previousEnd() throws IOException {
        if (size < RecordCodec.SEGMENT_HEADER_BYTES) {
            return -1;
        }
        return codec.decodeSegmentHeader(number, bytes(0, RecordCodec.SEGMENT_HEADER_BYTES));
    }

    /** The record whose header starts at the offset; null when there is none, or not all of it. */
    @Nullable LogRecord record(long offset) throws IOException {
        if (offset + RecordCodec.HEADER_BYTES_MIN > size) {
            return null;
        }
        int headerBytes = RecordCodec.peekHeaderBytes(bytes(offset, RecordCodec.HEADER_BYTES_MIN));
        if (headerBytes == 0 || offset + headerBytes > size) {
            return null;
        }
        return codec.decodeHeader(LogPosition.of(number, (int) offset), bytes(offset, headerBytes));
    }

    /** Durable position in the header of the record just decoded at this offset. */
    long durable(long offset) throws IOException {
        return RecordCodec.durable(bytes(offset, RecordCodec.HEADER_BYTES_MIN));
    }

    /** Whether the file holds the whole record. */
    boolean isWhole(LogRecord record) {
        return LogPosition.offset(record.position()) <= size;
    }

    /**
     * The record's runs with the sectors marked damaged whose bytes do not match their checksum;
     * the record itself when there are none. The file holds the whole record.
     */
    LogRecord verified(LogRecord record) throws IOException {
        @Nullable RunCutter cutter = null;
        for (int i = 0; i < record.runCount(); i++) {
            if (RunWords.isHole(record.runs(), i)) {
                continue;
            }
            int count = RunWords.count(record.runs(), i);
            var sectors =
                    bytes(
                            LogPosition.offset(RunWords.place(record.runs(), i)),
                            count * Payload.STORED_SECTOR_BYTES);
            int bad = StoredSectors.firstBad(sectors, 0);
            while (bad < count) {
                if (cutter == null) {
                    cutter = new RunCutter(record);
                }
                cutter.damaged(i, bad);
                bad = StoredSectors.firstBad(sectors, bad + 1);
            }
        }
        return cutter == null ? record : cutter.record();
    }

    private ByteBuffer bytes(long offset, int length) throws IOException {
        long windowEnd = windowStart + window.limit();
        if (offset < windowStart || offset + length > windowEnd) {
            window.clear();
            window.limit((int) Math.min(window.capacity(), size - offset));
            windowStart = offset;
            file.readFully(window, offset);
        }
        return window.slice((int) (offset - windowStart), length).order(ByteOrder.LITTLE_ENDIAN);
    }
}

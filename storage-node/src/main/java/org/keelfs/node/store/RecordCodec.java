package org.keelfs.node.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.Payload;
import org.keelfs.register.Digest;
import org.keelfs.register.ReplicaState;

/**
 * Bytes of the log (little endian). A record starts at a multiple of {@link #ALIGNMENT}:
 *
 * <pre>
 * offset size
 *      0    4  magic "KLR1"
 *      4    4  CRC-32C of (store's log seed, place of the record, bytes 8 to the end of the header)
 *      8    4  bytes of the record, a multiple of 64
 *     12    4  bytes of the header
 *     16    8  durable position known when the record was written
 *     24    1  kind
 *     25    1  status
 *     26    2  0
 *     28    4  number of runs
 *     32    8  chunk
 *     40    8  promised
 *     48    8  sealed
 *     56   16  digest
 *     72    8  epoch (STAGE, FLOOR)
 *     80 32*n  runs: first 4, count * 2 + hole 4, timestamp 24
 *      -       stored sectors of the runs that are no holes, in their order; each carries its own CRC
 *      -       zeros up to the next multiple of 64
 * </pre>
 *
 * The seed is random and never leaves the node, so bytes that a client stores cannot pass for a
 * record, nor can a record that lies elsewhere. A segment starts with:
 *
 * <pre>
 *      0    4  magic "KLSG"
 *      4    4  CRC-32C of (seed, place, bytes 8 to 64)
 *      8    4  version 1
 *     12    4  segment number
 *     16    8  position at which the log ended when the segment was begun
 *     24   40  0
 * </pre>
 *
 * <p>Confined to one thread.
 */
final class RecordCodec {
    /**
     * Records start at multiples of this: where a search for the next one after damage has to look.
     */
    static final int ALIGNMENT = 64;

    static final int SEGMENT_HEADER_BYTES = 64;
    static final int HEADER_BYTES_MIN = 80;

    /**
     * Largest record: an INSTALL of a frame's payload and a run for each of a chunk's 16384
     * sectors.
     */
    static final int RECORD_BYTES_MAX = 4 << 20;

    private static final int RECORD_MAGIC = 0x31524c4b;
    private static final int SEGMENT_MAGIC = 0x47534c4b;
    private static final int VERSION = 1;
    private static final int RUN_BYTES = 32;
    private static final LogRecord.Kind[] KINDS = LogRecord.Kind.values();
    private static final ReplicaState.Status[] STATUSES = ReplicaState.Status.values();

    private final byte[] seed;
    private final CRC32C crc = new CRC32C();
    private final byte[] placeBytes = new byte[Long.BYTES];

    RecordCodec(byte[] seed) {
        this.seed = seed.clone();
    }

    static int headerBytes(LogRecord record) {
        return HEADER_BYTES_MIN + record.runCount() * RUN_BYTES;
    }

    static int recordBytes(LogRecord record) {
        long bytes =
                headerBytes(record) + (long) record.sectorCount() * Payload.STORED_SECTOR_BYTES;
        long aligned = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (aligned > RECORD_BYTES_MAX) {
            throw new IllegalArgumentException("record of " + aligned + " bytes is too large");
        }
        return (int) aligned;
    }

    /** Writes the header at the buffer's position and moves it behind. */
    void encodeHeader(LogRecord record, long durable, ByteBuffer out) {
        int start = out.position();
        int headerBytes = headerBytes(record);
        var state = record.state();
        out.order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(RECORD_MAGIC).putInt(0).putInt(recordBytes(record)).putInt(headerBytes);
        out.putLong(durable);
        out.put((byte) record.kind().ordinal()).put((byte) state.status().ordinal());
        out.putShort((short) 0).putInt(record.runCount());
        out.putLong(record.chunk()).putLong(state.promised()).putLong(state.sealed());
        out.putLong(state.digest().high()).putLong(state.digest().low());
        out.putLong(record.epoch());
        long[] runs = record.runs();
        for (int i = 0; i < record.runCount(); i++) {
            out.putInt(RunWords.first(runs, i));
            out.putInt(RunWords.count(runs, i) * 2 + (RunWords.isHole(runs, i) ? 1 : 0));
            int word = i * RunWords.WORDS;
            out.putLong(runs[word + 1]).putLong(runs[word + 2]).putLong(runs[word + 3]);
        }
        out.putInt(start + 4, checksum(record.start(), out, start, headerBytes));
    }

    /** Size of the header that starts at the buffer's position, or 0 where none can. */
    static int peekHeaderBytes(ByteBuffer in) {
        in.order(ByteOrder.LITTLE_ENDIAN);
        int at = in.position();
        if (in.remaining() < HEADER_BYTES_MIN || in.getInt(at) != RECORD_MAGIC) {
            return 0;
        }
        int headerBytes = in.getInt(at + 12);
        int recordBytes = in.getInt(at + 8);
        boolean sane =
                headerBytes >= HEADER_BYTES_MIN
                        && headerBytes <= recordBytes
                        && recordBytes <= RECORD_BYTES_MAX
                        && recordBytes % ALIGNMENT == 0;
        return sane ? headerBytes : 0;
    }

    /**
     * The record whose whole header starts at the buffer's position, which must be at this place of
     * the log; null when it is none. The position stays.
     */
    @Nullable LogRecord decodeHeader(long place, ByteBuffer in) {
        int headerBytes = peekHeaderBytes(in);
        int at = in.position();
        if (headerBytes == 0
                || in.remaining() < headerBytes
                || in.getInt(at + 4) != checksum(place, in, at, headerBytes)) {
            return null;
        }
        int kind = in.get(at + 24);
        int status = in.get(at + 25);
        int runCount = in.getInt(at + 28);
        if (kind < 0
                || kind >= KINDS.length
                || status < 0
                || status >= STATUSES.length
                || headerBytes != HEADER_BYTES_MIN + (long) runCount * RUN_BYTES) {
            return null;
        }
        var state =
                new ReplicaState(
                        STATUSES[status],
                        in.getLong(at + 40),
                        in.getLong(at + 48),
                        new Digest(in.getLong(at + 56), in.getLong(at + 64)));
        long[] runs = decodeRuns(in, at + HEADER_BYTES_MIN, runCount);
        var record =
                new LogRecord(
                        KINDS[kind],
                        in.getLong(at + 32),
                        state,
                        in.getLong(at + 72),
                        runs,
                        runCount);
        int recordBytes = in.getInt(at + 8);
        record.placeAt(place, headerBytes, recordBytes);
        return record;
    }

    /** Durable position in the header at the buffer's position. */
    static long durable(ByteBuffer in) {
        return in.getLong(in.position() + 16);
    }

    private static long[] decodeRuns(ByteBuffer in, int start, int runCount) {
        long[] runs = new long[runCount * RunWords.WORDS];
        int at = start;
        for (int i = 0; i < runCount; i++) {
            int word = i * RunWords.WORDS;
            int countAndHole = in.getInt(at + 4);
            boolean hole = (countAndHole & 1) != 0;
            runs[word] = RunWords.header(in.getInt(at), countAndHole >>> 1, hole, false);
            runs[word + 1] = in.getLong(at + 8);
            runs[word + 2] = in.getLong(at + 16);
            runs[word + 3] = in.getLong(at + 24);
            at += RUN_BYTES;
        }
        return runs;
    }

    /** Writes a segment's header at the buffer's position and moves it behind. */
    void encodeSegmentHeader(int segment, long previousEnd, ByteBuffer out) {
        int start = out.position();
        out.order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(SEGMENT_MAGIC).putInt(0).putInt(VERSION).putInt(segment).putLong(previousEnd);
        while (out.position() < start + SEGMENT_HEADER_BYTES) {
            out.putLong(0);
        }
        long place = LogPosition.of(segment, 0);
        out.putInt(start + 4, checksum(place, out, start, SEGMENT_HEADER_BYTES));
    }

    /** Where the log ended when this segment was begun; -1 when the header is not whole. */
    long decodeSegmentHeader(int segment, ByteBuffer in) {
        in.order(ByteOrder.LITTLE_ENDIAN);
        int at = in.position();
        if (in.remaining() < SEGMENT_HEADER_BYTES
                || in.getInt(at) != SEGMENT_MAGIC
                || in.getInt(at + 8) != VERSION
                || in.getInt(at + 12) != segment
                || in.getInt(at + 4)
                        != checksum(LogPosition.of(segment, 0), in, at, SEGMENT_HEADER_BYTES)) {
            return -1;
        }
        return in.getLong(at + 16);
    }

    private int checksum(long place, ByteBuffer bytes, int start, int length) {
        for (int i = 0; i < Long.BYTES; i++) {
            placeBytes[i] = (byte) (place >>> (8 * i));
        }
        crc.reset();
        crc.update(seed);
        crc.update(placeBytes);
        crc.update(bytes.slice(start + 8, length - 8));
        return (int) crc.getValue();
    }
}

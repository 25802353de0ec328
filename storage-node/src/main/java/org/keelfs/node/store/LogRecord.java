package org.keelfs.node.store;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.Payload;
import org.keelfs.model.Timestamp;
import org.keelfs.register.Digest;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaState;
import org.keelfs.register.ValueRun;

/**
 * One record of the log: what {@link ReplicaRecord} says, or a record of the store's own, with the
 * places of its stored sectors once it has its place. The same class is applied to the index when
 * it is appended and when it is replayed. Not changed after {@link #placeAt}.
 */
public final class LogRecord {
    /** What a record does. Numbers on disk are the ordinals: append only. */
    public enum Kind {
        STATE,
        PUT,
        STAGE,
        INSTALL,
        TOMBSTONE,
        DROP,
        FLOOR,
        /**
         * New bytes for sectors whose timestamps stay: compaction, and repair of damaged sectors.
         */
        MOVE,
        /** Nothing but a proof of what was durable. */
        COMMIT_MARK,
        UNSTAGE
    }

    private static final ReplicaState NO_STATE =
            new ReplicaState(ReplicaState.Status.LIVE, 0, 0, Digest.EMPTY);

    private final Kind kind;
    private final long chunk;
    private final ReplicaState state;
    private final long epoch;
    private final long[] runs;
    private final int runCount;
    private final int sectorCount;
    private long start;
    private long end;

    LogRecord(Kind kind, long chunk, ReplicaState state, long epoch, long[] runs, int runCount) {
        this.kind = kind;
        this.chunk = chunk;
        this.state = state;
        this.epoch = epoch;
        this.runs = runs;
        this.runCount = runCount;
        int sectors = 0;
        for (int i = 0; i < runCount; i++) {
            sectors += RunWords.isHole(runs, i) ? 0 : RunWords.count(runs, i);
        }
        this.sectorCount = sectors;
    }

    /** Of what the machine wants durable; its payload is asked for apart, with {@link #payload}. */
    public static LogRecord of(ReplicaRecord record) {
        return switch (record) {
            case ReplicaRecord.State r ->
                    new LogRecord(Kind.STATE, r.chunk().value(), r.state(), 0, new long[0], 0);
            case ReplicaRecord.Put r ->
                    ofValues(Kind.PUT, r.chunk().value(), r.state(), 0, r.values());
            case ReplicaRecord.Stage r ->
                    ofValues(Kind.STAGE, r.chunk().value(), r.state(), r.epoch(), r.fixes());
            case ReplicaRecord.Unstage r ->
                    new LogRecord(Kind.UNSTAGE, r.chunk().value(), NO_STATE, 0, new long[0], 0);
            case ReplicaRecord.Install r ->
                    ofValues(Kind.INSTALL, r.chunk().value(), r.state(), 0, r.fixes());
            case ReplicaRecord.Tombstone r ->
                    new LogRecord(Kind.TOMBSTONE, r.chunk().value(), r.state(), 0, new long[0], 0);
            case ReplicaRecord.Drop r ->
                    new LogRecord(Kind.DROP, r.chunk().value(), NO_STATE, 0, new long[0], 0);
            case ReplicaRecord.Floor r ->
                    new LogRecord(Kind.FLOOR, 0, NO_STATE, r.epoch(), new long[0], 0);
        };
    }

    /** New bytes for sectors of a chunk that keep their timestamps. */
    public static LogRecord move(long chunk, List<ValueRun> values) {
        return ofValues(Kind.MOVE, chunk, NO_STATE, 0, values);
    }

    static LogRecord commitMark() {
        return new LogRecord(Kind.COMMIT_MARK, 0, NO_STATE, 0, new long[0], 0);
    }

    private static LogRecord ofValues(
            Kind kind, long chunk, ReplicaState state, long epoch, List<ValueRun> values) {
        long[] runs = new long[values.size() * RunWords.WORDS];
        for (int i = 0; i < values.size(); i++) {
            var value = values.get(i);
            var run = value.run();
            RunWords.set(runs, i, run.first(), run.count(), value.timestamp(), value.isHole(), 0);
        }
        return new LogRecord(kind, chunk, state, epoch, runs, values.size());
    }

    /** The stored sectors of a machine's record, in the order of its runs. */
    public static List<ValueRun> values(ReplicaRecord record) {
        return switch (record) {
            case ReplicaRecord.Put r -> r.values();
            case ReplicaRecord.Stage r -> r.fixes();
            case ReplicaRecord.Install r -> r.fixes();
            case ReplicaRecord.State _,
                    ReplicaRecord.Unstage _,
                    ReplicaRecord.Tombstone _,
                    ReplicaRecord.Drop _,
                    ReplicaRecord.Floor _ ->
                    List.of();
        };
    }

    /** The buffers behind the values, holes left out. */
    public static PayloadBuffer[] payload(List<ValueRun> values) {
        int count = 0;
        for (var value : values) {
            count += value.isHole() ? 0 : 1;
        }
        var buffers = new PayloadBuffer[count];
        int i = 0;
        for (var value : values) {
            @Nullable Payload payload = value.payload();
            if (payload != null) {
                buffers[i++] = (PayloadBuffer) payload;
            }
        }
        return buffers;
    }

    /** Says where in the log the record lies, and so where each of its stored sectors does. */
    void placeAt(long start, int headerBytes, int recordBytes) {
        this.start = start;
        this.end = start + recordBytes;
        long place = start + headerBytes;
        for (int i = 0; i < runCount; i++) {
            if (RunWords.isHole(runs, i)) {
                RunWords.setPlace(runs, i, start);
            } else {
                RunWords.setPlace(runs, i, place);
                place += (long) RunWords.count(runs, i) * Payload.STORED_SECTOR_BYTES;
            }
        }
    }

    /** The same record at the same place with its runs cut otherwise. */
    LogRecord withRuns(long[] cut, int count) {
        var same = new LogRecord(kind, chunk, state, epoch, cut, count);
        same.start = start;
        same.end = end;
        return same;
    }

    public Kind kind() {
        return kind;
    }

    public long chunk() {
        return chunk;
    }

    /**
     * The chunk's state from this record on; without meaning for DROP, FLOOR, MOVE, UNSTAGE and
     * marks.
     */
    public ReplicaState state() {
        return state;
    }

    /** Of STAGE: the epoch of the INSTALL it is for. Of FLOOR: the floor. */
    public long epoch() {
        return epoch;
    }

    /** The runs, as {@link RunWords}; a run of timestamp zero in an INSTALL removes its sectors. */
    public long[] runs() {
        return runs;
    }

    public int runCount() {
        return runCount;
    }

    /** Stored sectors behind the header. */
    public int sectorCount() {
        return sectorCount;
    }

    /** Place of the record's first byte. */
    public long start() {
        return start;
    }

    /** Position: the record is durable once the log is durable up to here. */
    public long position() {
        return end;
    }

    /** Whether run {@code i} takes sectors away. */
    public boolean removes(int i) {
        return RunWords.isHole(runs, i) && RunWords.timestamp(runs, i).equals(Timestamp.ZERO);
    }
}

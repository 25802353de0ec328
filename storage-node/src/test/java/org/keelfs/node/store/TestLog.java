package org.keelfs.node.store;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.Digest;
import org.keelfs.register.ReplicaState;
import org.keelfs.register.ValueRun;

/** A recovered log on a disk in memory, without an index. */
final class TestLog implements AutoCloseable {
    static final byte[] SEED =
            "sixteen bytes ab".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    static final int SEGMENT_BYTES = 64 << 10;

    /** Of {@link OpenSegments}: few, so that files come and go. */
    static final int OPEN_MAX = 3;

    final MemoryFiles files;
    final List<LogRecord> replayed = new ArrayList<>();
    final Recovery.Outcome outcome;
    final SegmentLog log;
    final GroupCommit commit;
    final AtomicReference<Throwable> failure = new AtomicReference<>();

    TestLog(MemoryFiles files) throws IOException {
        this.files = files;
        this.outcome = recover(files, replayed);
        this.log =
                new SegmentLog(
                        files,
                        new OpenSegments(files, OPEN_MAX),
                        SEED,
                        SEGMENT_BYTES,
                        outcome.end(),
                        outcome.nextSegment());
        for (var name : files.list()) {
            if (Segment.number(name) >= 0) {
                log.adopt(Segment.number(name));
            }
        }
        this.commit =
                new GroupCommit(log, outcome.end(), 8 << 20, TestLog::startThread, failure::set);
    }

    static void startThread(String name, Runnable loop) {
        var thread = new Thread(loop, name);
        thread.setDaemon(true);
        thread.start();
    }

    static Recovery.Outcome recover(MemoryFiles files, List<LogRecord> replayed)
            throws IOException {
        return new Recovery(files, SEED, 0, 0)
                .run(
                        record -> {
                            if (record.kind() != LogRecord.Kind.COMMIT_MARK) {
                                replayed.add(record);
                            }
                        });
    }

    /**
     * A record of some sectors, holes and state, made from a number that tells it from all others.
     */
    static LogRecord record(int number, List<PayloadBuffer> payload) {
        var random = new Random(number);
        var values = new ArrayList<ValueRun>();
        int first = random.nextInt(100);
        for (int i = random.nextInt(4); i > 0; i--) {
            var run = new SectorRun(first, 1 + random.nextInt(3));
            var bytes = random.nextInt(4) == 0 ? null : TestSectors.of(run.count(), number);
            values.add(new ValueRun(run, new Timestamp(1, number + 1L, i), bytes));
            first = run.end() + random.nextInt(2);
        }
        payload.addAll(List.of(LogRecord.payload(values)));
        var state =
                new ReplicaState(
                        ReplicaState.Status.LIVE, number, number, new Digest(number, ~number));
        var move = LogRecord.move(number, values);
        return new LogRecord(
                LogRecord.Kind.PUT, number, state, number, move.runs(), move.runCount());
    }

    long append(int number) {
        var payload = new ArrayList<PayloadBuffer>();
        var record = record(number, payload);
        return commit.append(record, payload.toArray(PayloadBuffer[]::new));
    }

    /** Whether a replayed record is the one of this number, to the last word. */
    static boolean isRecord(LogRecord record, int number) {
        var expected = record(number, new ArrayList<>());
        if (record.chunk() != number
                || !record.state().equals(expected.state())
                || record.runCount() != expected.runCount()) {
            return false;
        }
        for (int i = 0; i < record.runCount(); i++) {
            for (int word = 0; word < RunWords.WORDS - 1; word++) {
                int at = i * RunWords.WORDS + word;
                if (record.runs()[at] != expected.runs()[at]) {
                    return false;
                }
            }
        }
        return true;
    }

    @Override
    public void close() {
        commit.close();
        log.close();
    }
}

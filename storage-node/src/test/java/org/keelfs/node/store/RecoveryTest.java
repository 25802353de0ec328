package org.keelfs.node.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.model.Payload;

/** What is left of a log after cuts, flips, failures and crashes. */
@Timeout(120)
class RecoveryTest {
    /** Enough to have holes, several runs, and records without sectors among them. */
    private static final int RECORDS = 4;

    /** Not a divisor of anything: a second recovery is tried at places of all kinds. */
    private static final int AGAIN_EVERY = 37;

    private static final String FIRST_SEGMENT = Segment.name(1);

    /**
     * A log of so many records, each durable before the next, closed in order: it ends with a mark.
     */
    private static MemoryFiles closedLog(int records) throws Exception {
        var files = new MemoryFiles();
        try (var log = new TestLog(files)) {
            for (int i = 0; i < records; i++) {
                log.commit.awaitDurable(log.append(i));
            }
        }
        return files;
    }

    private static void assertRecords(List<LogRecord> records, int count, Object context) {
        assertEquals(count, records.size(), () -> "records " + context);
        for (int i = 0; i < count; i++) {
            assertTrue(TestLog.isRecord(records.get(i), i), "record " + i + " " + context);
        }
    }

    private static MemoryFiles with(byte[] segment) {
        var files = new MemoryFiles();
        files.put(FIRST_SEGMENT, segment);
        return files;
    }

    @Test
    void aLogCutAtAnyByteKeepsTheRecordsInFrontOfTheCut() throws Exception {
        var whole = closedLog(RECORDS);
        byte[] bytes = whole.bytes(FIRST_SEGMENT);
        var all = new ArrayList<LogRecord>();
        var _ = TestLog.recover(whole, all);
        assertRecords(all, RECORDS, "uncut");
        for (int cut = 0; cut < bytes.length; cut++) {
            int kept = 0;
            while (kept < RECORDS && LogPosition.offset(all.get(kept).position()) <= cut) {
                kept++;
            }
            var files = with(Arrays.copyOf(bytes, cut));
            var replayed = new ArrayList<LogRecord>();
            var outcome = TestLog.recover(files, replayed);
            assertFalse(outcome.damaged(), "cut at " + cut);
            assertRecords(replayed, kept, "cut at " + cut);
            if (cut % AGAIN_EVERY == 0) {
                var again = new ArrayList<LogRecord>();
                assertFalse(TestLog.recover(files, again).damaged(), "again, cut at " + cut);
                assertRecords(again, kept, "again, cut at " + cut);
            }
        }
    }

    @Test
    void aFlippedByteOfADurableRecordIsDamageNotATornTail() throws Exception {
        byte[] bytes = closedLog(3).bytes(FIRST_SEGMENT);
        var all = new ArrayList<LogRecord>();
        var _ = TestLog.recover(with(bytes), all);
        int end = LogPosition.offset(all.getLast().position());
        for (int at = 0; at < end; at++) {
            byte[] flipped = bytes.clone();
            flipped[at] ^= (byte) (1 << (at % 8));
            var replayed = new ArrayList<LogRecord>();
            var outcome = TestLog.recover(with(flipped), replayed);
            checkFlip(at, all, outcome, replayed);
        }
    }

    private static void checkFlip(
            int at, List<LogRecord> all, Recovery.Outcome outcome, List<LogRecord> replayed) {
        int record = 0;
        while (record < all.size() && LogPosition.offset(all.get(record).position()) <= at) {
            record++;
        }
        var hit = all.get(record);
        int header = LogPosition.offset(hit.start()) + RecordCodec.headerBytes(hit);
        int data = header + hit.sectorCount() * Payload.STORED_SECTOR_BYTES;
        String context = "flip at " + at;
        if (at < RecordCodec.SEGMENT_HEADER_BYTES || at < header) {
            assertTrue(outcome.damaged(), context);
            return;
        }
        assertFalse(outcome.damaged(), context);
        assertEquals(all.size(), replayed.size(), context);
        if (at < data) {
            int place = LogPosition.offset(hit.start()) + RecordCodec.headerBytes(hit);
            int sector = (at - place) / Payload.STORED_SECTOR_BYTES;
            assertEquals(List.of(sector), damagedSectors(replayed.get(record)), context);
        }
    }

    private static List<Integer> damagedSectors(LogRecord record) {
        var damaged = new ArrayList<Integer>();
        int sector = 0;
        for (int i = 0; i < record.runCount(); i++) {
            if (RunWords.isHole(record.runs(), i)) {
                continue;
            }
            for (int j = 0; j < RunWords.count(record.runs(), i); j++) {
                if (RunWords.isDamaged(record.runs(), i)) {
                    damaged.add(sector);
                }
                sector++;
            }
        }
        return damaged;
    }

    @Test
    void aLostSegmentInTheMiddleIsDamage() throws Exception {
        var files = closedLog(40);
        assertTrue(files.list().size() >= 3);
        files.delete(Segment.name(2));
        assertTrue(TestLog.recover(files, new ArrayList<>()).damaged());
    }

    @Test
    void aPowerCutLosesNothingAcknowledgedAndTearsNothing() throws Exception {
        for (int seed = 0; seed < 60; seed++) {
            crashAgainAndAgain(seed, true);
            crashAgainAndAgain(seed, false);
        }
    }

    private static void crashAgainAndAgain(int seed, boolean powerCut) throws Exception {
        var random = new Random(seed);
        var files = new MemoryFiles();
        int next = 0;
        for (int life = 0; life < 4; life++) {
            String context = "seed " + seed + ", life " + life;
            var acknowledged = new AtomicInteger(next);
            try (var log = new TestLog(files)) {
                assertFalse(log.outcome.damaged(), context);
                assertTrue(log.replayed.size() >= next, context);
                next = log.replayed.size();
                assertRecords(log.replayed, next, context);
                files.writeMax = random.nextBoolean() ? Long.MAX_VALUE : 1 + random.nextInt(5000);
                acknowledged.set(next);
                for (int i = random.nextInt(20); i > 0; i--) {
                    int number = next++;
                    long position = log.append(number);
                    log.commit.onDurable(
                            position, () -> acknowledged.accumulateAndGet(number + 1, Math::max));
                    if (random.nextInt(3) == 0) {
                        log.commit.awaitDurable(position);
                    }
                }
                int sure = acknowledged.get();
                files = powerCut ? files.crash(random) : files.kill();
                next = sure;
            }
        }
    }

    @Test
    void aFailedForceEndsTheStoreAndIsNotTriedAgain() throws Exception {
        var files = new MemoryFiles();
        try (var log = new TestLog(files)) {
            log.commit.awaitDurable(log.append(0));
            files.forcesLeft = 0;
            var ran = new AtomicInteger();
            log.commit.onDurable(log.append(1), ran::incrementAndGet);
            assertThrows(
                    StoreFailedException.class,
                    () -> log.commit.awaitDurable(log.commit.appendedPosition()));
            files.forcesLeft = -1;
            assertNotNull(log.failure.get());
            assertThrows(StoreFailedException.class, () -> log.append(2));
            assertEquals(0, ran.get());
        }
        var replayed = new ArrayList<LogRecord>();
        assertFalse(TestLog.recover(files.kill(), replayed).damaged());
        assertTrue(replayed.size() >= 1);
    }

    @Test
    void aWriteThatFailsHalfwayEndsTheStoreAndLeavesATornTail() throws Exception {
        for (int budget = 0; budget < 9000; budget += 500) {
            var files = new MemoryFiles();
            try (var log = new TestLog(files)) {
                log.commit.awaitDurable(log.append(0));
                files.writeBudget = budget;
                assertThrows(
                        StoreFailedException.class,
                        () -> {
                            for (int i = 1; i < 10; i++) {
                                log.commit.awaitDurable(log.append(i));
                            }
                        });
                assertNotNull(log.failure.get());
            }
            var after = files.kill();
            var replayed = new ArrayList<LogRecord>();
            assertFalse(TestLog.recover(after, replayed).damaged(), "budget " + budget);
            assertTrue(replayed.size() >= 1);
            assertRecords(replayed, replayed.size(), "budget " + budget);
        }
    }

    @Test
    void anotherStoresLogIsNotTakenForThisOne() throws IOException, Exception {
        byte[] bytes = closedLog(2).bytes(FIRST_SEGMENT);
        var replayed = new ArrayList<LogRecord>();
        new Recovery(with(bytes), new byte[16], 0, 0).run(replayed::add);
        assertEquals(List.of(), replayed);
    }
}

package org.keelfs.node.store;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Whatever is done to the bytes of a log, recovery answers, and replays nothing that was not
 * appended.
 */
class RecoveryFuzzer {
    private static final int RECORDS = 8;
    private static final byte[] WHOLE = whole();

    private static byte[] whole() {
        var files = new MemoryFiles();
        try (var log = new TestLog(files)) {
            for (int i = 0; i < RECORDS; i++) {
                log.commit.awaitDurable(log.append(i));
            }
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return files.bytes(Segment.name(1));
    }

    /** Each byte of the input overwrites, cuts or moves something. */
    @FuzzTest(maxDuration = "10s")
    void recoveryAnswers(byte[] input) throws IOException {
        byte[] bytes = WHOLE.clone();
        int size = bytes.length;
        var random = new Random(Arrays.hashCode(input));
        for (byte action : input) {
            int at = random.nextInt(bytes.length);
            switch (action & 3) {
                case 0 -> bytes[at] ^= action;
                case 1 -> size = Math.min(size, at);
                case 2 -> System.arraycopy(WHOLE, random.nextInt(at + 1), bytes, at, 1);
                default -> {
                    int length = Math.min(64 * (1 + (action >>> 4 & 7)), bytes.length - at);
                    int from = random.nextInt(bytes.length - length + 1);
                    System.arraycopy(WHOLE, from, bytes, at, length);
                }
            }
        }
        var files = new MemoryFiles();
        files.put(Segment.name(1), Arrays.copyOf(bytes, size));
        var replayed = new ArrayList<LogRecord>();
        var _ = TestLog.recover(files, replayed);
        int last = -1;
        for (var record : replayed) {
            if (record.chunk() <= last || !sane(record)) {
                throw new IllegalStateException("replayed what was never appended");
            }
            last = (int) record.chunk();
        }
    }

    @Test
    void someThousandInputsOfFixedSeeds() throws IOException {
        for (int seed = 0; seed < 2_000; seed++) {
            var random = new Random(seed);
            byte[] input = new byte[1 + random.nextInt(12)];
            random.nextBytes(input);
            recoveryAnswers(input);
        }
    }

    private static boolean sane(LogRecord record) {
        return record.chunk() < RECORDS
                && record.state()
                        .equals(TestLog.record((int) record.chunk(), new ArrayList<>()).state());
    }
}

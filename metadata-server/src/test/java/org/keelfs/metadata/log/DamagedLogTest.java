package org.keelfs.metadata.log;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.metadata.store.StoreBudget;
import org.keelfs.metadata.store.StoreException;
import org.keelfs.model.InodeId;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.VolumeRow;

/**
 * Bits that flip in the log (decision 0066): what was forced is there, or the server does not
 * start.
 */
class DamagedLogTest {
    private static final int FORCED = 40;
    private static final int ALL = 60;

    /** So small that a table is written out, and a log begun, before all records are there. */
    private static final StoreBudget TINY = new StoreBudget(1 << 20, 600 << 10, 1 << 20);

    @TempDir Path scratch;

    private final List<Throwable> fatal = new ArrayList<>();

    @AfterEach
    void nothingFailed() {
        assertEquals(List.of(), fatal);
    }

    private LocalLog open(Path directory, StoreBudget budget) {
        return LocalLog.open(directory, budget, Thread.ofPlatform().factory(), fatal::add);
    }

    /** One record of the log: its number, in a row of some length. */
    private record Put(int number, int bytes) implements MetadataCommand<Boolean> {
        @Override
        public Boolean apply(Tables tables) {
            byte[] filling = new byte[bytes];
            new Random(number).nextBytes(filling);
            tables.putVolume(new VolumeRow(number, "v", 1 << 20, 3, filling, InodeId.ROOT));
            return true;
        }
    }

    /** Writes records; what kill -9 leaves when a part of them was forced. */
    private Path killed(StoreBudget budget, int bytes) throws Exception {
        Path copy = scratch.resolve("killed");
        try (LocalLog log = open(scratch.resolve("db"), budget)) {
            byte[] proven = new byte[0];
            for (int number = 1; number <= ALL; number++) {
                long position =
                        log.submit(new Put(number, bytes)).get(30, TimeUnit.SECONDS).position();
                if (number == FORCED) {
                    var _ = log.force(position).get(30, TimeUnit.SECONDS);
                    proven = Files.readAllBytes(scratch.resolve("db/forced-records"));
                }
            }
            write(copy, contents(scratch.resolve("db")));
            // The committer may have forced more since.
            Files.write(copy.resolve("forced-records"), proven);
        }
        return copy;
    }

    private static Map<String, byte[]> contents(Path directory) throws IOException {
        var contents = new HashMap<String, byte[]>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                contents.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return contents;
    }

    private static void write(Path directory, Map<String, byte[]> contents) throws IOException {
        Files.createDirectories(directory);
        for (var file : contents.entrySet()) {
            Files.write(directory.resolve(file.getKey()), file.getValue());
        }
    }

    private static List<Path> logs(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(f -> f.toString().endsWith(".log")).sorted().toList();
        }
    }

    private static void flip(Path file, int at) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[at] ^= 4;
        Files.write(file, bytes);
    }

    /** Records from the first on; none is there behind the first that is missing. */
    private static int survivors(LocalLog log) {
        int survivors = 0;
        while (has(log, survivors + 1)) {
            survivors++;
        }
        for (int number = survivors + 1; number <= ALL; number++) {
            assertEquals(false, has(log, number), "a middle is missing");
        }
        return survivors;
    }

    private static boolean has(LocalLog log, int number) {
        return log.read(tables -> tables.volume(number)) != null;
    }

    @Test
    void aLogDamagedBeforeWhatWasForcedIsRefusedAndNotTouched() throws Exception {
        Path copy = killed(StoreBudget.SMALL, 100);
        Path file = logs(copy).getLast();
        int middle = (int) Files.size(file) / 3;
        flip(file, middle);
        byte[] damaged = Files.readAllBytes(file);
        for (int start = 0; start < 2; start++) {
            var refused = assertThrows(StoreException.class, () -> open(copy, StoreBudget.SMALL));
            String message = refused.getMessage();
            assertTrue(message.contains(copy.toString()), message);
            assertTrue(message.contains("damaged before its end"), message);
            assertTrue(message.contains("restore"), message);
        }
        assertArrayEquals(damaged, Files.readAllBytes(file));
        flip(file, middle);
        try (LocalLog mended = open(copy, StoreBudget.SMALL)) {
            assertEquals(ALL, survivors(mended));
        }
    }

    @Test
    void aRecordTornBehindWhatWasForcedIsCutOff() throws Exception {
        Path copy = killed(StoreBudget.SMALL, 100);
        Path file = logs(copy).getLast();
        flip(file, (int) (Files.size(file) * 9 / 10));
        int left;
        try (LocalLog log = open(copy, StoreBudget.SMALL)) {
            left = survivors(log);
            assertTrue(left >= FORCED && left < ALL, "left: " + left);
            var _ = log.submit(new Put(left + 1, 100)).get(30, TimeUnit.SECONDS);
        }
        try (LocalLog log = open(copy, StoreBudget.SMALL)) {
            assertEquals(left + 1, survivors(log));
        }
    }

    @Test
    void aLogThatIsGoneIsRefused() throws Exception {
        Path copy = killed(StoreBudget.SMALL, 100);
        Files.delete(logs(copy).getLast());
        assertThrows(StoreException.class, () -> open(copy, StoreBudget.SMALL));
    }

    @Test
    void whateverBitFlipsInTheLogsOfTablesWrittenOutWhatWasForcedIsThereOrItIsRefused()
            throws Exception {
        Path copy = killed(TINY, 10_000);
        Map<String, byte[]> before = contents(copy);
        var random = new Random(5);
        int refused = 0;
        int opened = 0;
        for (int round = 0; round < 24; round++) {
            Path damaged = scratch.resolve("damaged" + round);
            write(damaged, before);
            List<Path> logs = logs(damaged);
            Path file = logs.get(random.nextInt(logs.size()));
            int size = (int) Files.size(file);
            if (size == 0) {
                continue;
            }
            int at = random.nextInt(size);
            flip(file, at);
            try (LocalLog log = open(damaged, TINY)) {
                opened++;
                int left = survivors(log);
                assertTrue(left >= FORCED, left + " left after " + file + " at " + at);
            } catch (StoreException e) {
                refused++;
            }
        }
        assertTrue(refused > 0 && opened > 0, refused + " refused, " + opened + " opened");
    }
}

package org.keelfs.it.fault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.it.check.History;
import org.keelfs.it.check.LinearizabilityChecker;
import org.keelfs.it.check.Operation;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.ClusterDirectory;
import org.keelfs.it.cluster.DirectIo;

/**
 * Three mounts read, write and append to one file at once in SHARED mode, one of them dies on the
 * way. A longer run: {@code -Dkeelfs.shared.operations=N} for each thread.
 */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SharedFileTest {
    private static final int MOUNTS = 3;
    private static final int OPERATIONS = Integer.getInteger("keelfs.shared.operations", 120);
    private static final int SECTOR = 4096;

    /** Registers of one aligned sector, then registers of 8 bytes across two sectors each. */
    private static final int WHOLE = 24 * Math.max(1, OPERATIONS / 120);

    private static final int PARTIAL = WHOLE;

    /** Appends go behind all of them. */
    private static final long LOG_AT = (WHOLE + 2L * PARTIAL) * SECTOR;

    private static final int RECORD = 100;

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private final History history = new History();
    private final Map<Integer, AtomicInteger> uses = new ConcurrentHashMap<>();
    private final AtomicLong values = new AtomicLong();

    /** Records whose append was answered, and those nobody knows of. */
    private final Map<String, Boolean> answered = new ConcurrentHashMap<>();

    @Test
    void readsWritesAndAppendsFromThreeMountsAreAsIfDoneOneAfterAnother() throws Exception {
        try (Cluster cluster =
                Cluster.builder()
                        .mounts(MOUNTS)
                        .termMs(8000)
                        .setting("lease-margin-ms", "1000")
                        .setting("renew-ms", "1000")
                        .start(directory.resolve("run"))) {
            Path file = cluster.mount(1).resolve("shared");
            Files.write(file, new byte[(int) LOG_AT]);
            run(cluster);
            Path here = cluster.mount(1).resolve("shared");
            checkLog(Files.readAllBytes(here));
            assertNull(history.check());
            assertTrue(history.answered() > OPERATIONS, "answered: " + history.answered());
            assertTrue(
                    cluster.log("metadata1").contains("is SHARED from now on"),
                    "the file never was SHARED");
        }
    }

    private void run(Cluster cluster) throws Exception {
        List<Future<Void>> workers = new ArrayList<>();
        var half = new CountDownLatch(MOUNTS * OPERATIONS);
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            for (int mount = 1; mount <= MOUNTS; mount++) {
                Path file = cluster.mount(mount).resolve("shared");
                for (int i = 0; i < 2; i++) {
                    int client = 10 * mount + i;
                    boolean dies = mount == MOUNTS;
                    workers.add(threads.submit(worker(client, file, half, dies)));
                }
            }
            assertTrue(half.await(200, TimeUnit.SECONDS), "half of it took too long");
            cluster.kill9("mount" + MOUNTS);
            for (Future<Void> worker : workers) {
                worker.get();
            }
        }
    }

    private Callable<Void> worker(int client, Path file, CountDownLatch half, boolean dies) {
        return () -> {
            var random = new Random(client);
            try (FileChannel direct =
                    FileChannel.open(
                            file,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE,
                            DirectIo.option())) {
                for (int i = 0; i < OPERATIONS; i++) {
                    step(client, i, file, direct, random);
                    half.countDown();
                }
            } catch (IOException e) {
                if (!dies) {
                    throw e;
                }
            }
            return null;
        };
    }

    private void step(int client, int i, Path file, FileChannel direct, Random random)
            throws IOException {
        int what = random.nextInt(10);
        if (what < 2) {
            append(client + "-" + i, file);
            return;
        }
        boolean whole = what < 6;
        int register = random.nextInt(WHOLE) + (whole ? 0 : WHOLE);
        int used = uses.computeIfAbsent(register, _ -> new AtomicInteger()).incrementAndGet();
        if (used > LinearizabilityChecker.OPERATIONS_MAX) {
            return;
        }
        if (random.nextBoolean()) {
            write(client, register, file, direct);
        } else {
            read(client, register, file, direct);
        }
    }

    // ---- registers ----

    private void write(int client, int register, Path file, FileChannel direct) throws IOException {
        long value = values.incrementAndGet();
        Operation operation;
        synchronized (history) {
            operation = history.invokeWrite(client, register, value);
            history.sent(operation, 1);
        }
        try {
            if (register < WHOLE) {
                ByteBuffer sector = sector();
                while (sector.hasRemaining()) {
                    sector.putLong(value);
                }
                assertEquals(SECTOR, direct.write(sector.flip(), (long) register * SECTOR));
            } else {
                try (FileChannel plain = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    ByteBuffer bytes = ByteBuffer.allocate(8).putLong(value).flip();
                    assertEquals(8, plain.write(bytes, partialAt(register)));
                }
            }
        } catch (IOException e) {
            synchronized (history) {
                history.unknown(operation);
            }
            throw e;
        }
        synchronized (history) {
            history.done(operation);
        }
    }

    private void read(int client, int register, Path file, FileChannel direct) throws IOException {
        Operation operation;
        synchronized (history) {
            operation = history.invokeRead(client, register);
        }
        long value;
        if (register < WHOLE) {
            ByteBuffer sector = sector();
            assertEquals(SECTOR, direct.read(sector, (long) register * SECTOR));
            value = sector.flip().getLong();
            while (sector.hasRemaining()) {
                assertEquals(value, sector.getLong(), "half a sector of another write");
            }
        } else {
            try (FileChannel plain = FileChannel.open(file, StandardOpenOption.READ)) {
                ByteBuffer bytes = ByteBuffer.allocate(8);
                assertEquals(8, plain.read(bytes, partialAt(register)));
                value = bytes.flip().getLong();
            }
        }
        synchronized (history) {
            history.done(operation, value);
        }
    }

    /** Four bytes in one sector and four in the next. */
    private static long partialAt(int register) {
        return (WHOLE + 2L * (register - WHOLE)) * SECTOR + SECTOR - 4;
    }

    private static ByteBuffer sector() {
        return ByteBuffer.allocateDirect(2 * SECTOR)
                .alignedSlice(SECTOR)
                .slice(0, SECTOR)
                .order(ByteOrder.BIG_ENDIAN);
    }

    // ---- appends ----

    private void append(String name, Path file) throws IOException {
        String record = (name + " ").repeat(RECORD).substring(0, RECORD - 1) + "\n";
        answered.put(record, false);
        try (FileChannel log =
                FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            byte[] bytes = record.getBytes(StandardCharsets.US_ASCII);
            assertEquals(RECORD, log.write(ByteBuffer.wrap(bytes)));
        }
        answered.put(record, true);
    }

    /** Every record that was answered is there once, those in doubt at most once, and all whole. */
    private void checkLog(byte[] contents) {
        assertEquals(0, (contents.length - LOG_AT) % RECORD, "a record is not whole");
        Map<String, Integer> found = new HashMap<>();
        for (int at = (int) LOG_AT; at < contents.length; at += RECORD) {
            String record = new String(contents, at, RECORD, StandardCharsets.US_ASCII);
            found.merge(record, 1, Integer::sum);
        }
        found.forEach(
                (record, count) -> {
                    assertEquals(1, count, record + " is there more than once");
                    assertTrue(answered.containsKey(record), "nobody wrote " + record);
                });
        answered.forEach(
                (record, done) -> assertTrue(!done || found.containsKey(record), record + " lost"));
    }
}

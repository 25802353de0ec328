package org.keelfs.it.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.keelfs.it.cluster.Shell;

/**
 * Measures directories side by side: {@code DirectoryBench [--rounds=N] [--size-mib=N]
 * LABEL=DIR...}. Every workload runs on each directory in turn, round after round, so that the
 * machine's noise hits all alike; prints medians and their ratio to the first directory. Higher is
 * better. Needs fio.
 */
public final class DirectoryBench {
    private static final Duration FIO_TIMEOUT = Duration.ofMinutes(5);
    private static final int SMALL_FILES = 2_000;
    private static final int SMALL_BYTES = 4096;
    private static final int SECONDS = 5;

    /** One thing to measure; returns a rate. */
    private interface Workload {
        double run(Path directory) throws IOException;
    }

    private record Named(String name, String unit, Workload workload) {}

    private final int sizeMib;
    private final ObjectMapper json = new ObjectMapper();

    private DirectoryBench(int sizeMib) {
        this.sizeMib = sizeMib;
    }

    public static void main(String[] args) throws IOException {
        int rounds = 3;
        int sizeMib = 512;
        Map<String, Path> directories = new LinkedHashMap<>();
        for (String arg : args) {
            String[] halves = arg.split("=", 2);
            if (halves.length != 2) {
                System.err.println(
                        "usage: DirectoryBench [--rounds=N] [--size-mib=N] LABEL=DIR...");
                System.exit(2);
            } else if (halves[0].equals("--rounds")) {
                rounds = Integer.parseInt(halves[1]);
            } else if (halves[0].equals("--size-mib")) {
                sizeMib = Integer.parseInt(halves[1]);
            } else {
                directories.put(halves[0], Files.createTempDirectory(Path.of(halves[1]), "bench-"));
            }
        }
        try {
            new DirectoryBench(sizeMib).compare(directories, rounds);
        } finally {
            directories.values().forEach(DirectoryBench::removeAll);
        }
    }

    private List<Named> workloads() {
        return List.of(
                new Named("write 1 MiB, fsync at the end", "MiB/s", this::sequentialWrite),
                new Named("read 1 MiB, caches dropped", "MiB/s", this::sequentialRead),
                new Named("read 4 KiB random, O_DIRECT", "1/s", d -> randomRead(d, 1)),
                new Named("read 4 KiB random, 4 jobs", "1/s", d -> randomRead(d, 4)),
                new Named("write 4 KiB random, fdatasync each", "1/s", this::syncedWrite),
                new Named("create 4 KiB files", "1/s", DirectoryBench::create),
                new Named("stat, caches dropped", "1/s", d -> stat(d, true)),
                new Named("stat, warm", "1/s", d -> stat(d, false)),
                new Named("remove files", "1/s", DirectoryBench::remove));
    }

    private void compare(Map<String, Path> directories, int rounds) throws IOException {
        StringBuilder head = new StringBuilder(String.format("%-36s %-6s", "workload", "unit"));
        directories.keySet().forEach(label -> head.append(String.format(" %18s", label)));
        System.out.println(head);
        for (Named named : workloads()) {
            Map<String, List<Double>> rates = new LinkedHashMap<>();
            for (int round = 0; round < rounds; round++) {
                for (var d : directories.entrySet()) {
                    rates.computeIfAbsent(d.getKey(), l -> new ArrayList<>())
                            .add(named.workload.run(d.getValue()));
                }
            }
            System.out.println(row(named, rates));
        }
    }

    private static String row(Named named, Map<String, List<Double>> rates) {
        StringBuilder row = new StringBuilder(String.format("%-36s %-6s", named.name, named.unit));
        double first = 0;
        for (List<Double> values : rates.values()) {
            double median = values.stream().sorted().toList().get(values.size() / 2);
            first = first == 0 ? median : first;
            row.append(String.format(Locale.ROOT, " %10.0f x%-6.2f", median, median / first));
        }
        return row.toString();
    }

    // ---- big files, by fio ----

    private JsonNode fio(Path directory, String options) throws IOException {
        String command =
                "fio --name=b --filename="
                        + directory.resolve("big")
                        + " --output-format=json --size="
                        + sizeMib
                        + "M "
                        + options;
        String out = Shell.bash(directory, Map.of(), command, FIO_TIMEOUT).orThrow();
        return json.readTree(out.substring(out.indexOf('{'))).at("/jobs/0");
    }

    private double sequentialWrite(Path d) throws IOException {
        Files.deleteIfExists(d.resolve("big"));
        return fio(d, "--rw=write --bs=1M --end_fsync=1").at("/write/bw").asDouble() / 1024;
    }

    private double sequentialRead(Path d) throws IOException {
        dropCaches();
        return fio(d, "--rw=read --bs=1M").at("/read/bw").asDouble() / 1024;
    }

    private double randomRead(Path d, int jobs) throws IOException {
        dropCaches();
        // tmpfs knows O_DIRECT from Linux 6.6 on only.
        String options =
                "--rw=randread --bs=4k --direct=1 --time_based --group_reporting --runtime="
                        + SECONDS
                        + " --numjobs="
                        + jobs;
        return fio(d, options).at("/read/iops").asDouble();
    }

    private double syncedWrite(Path d) throws IOException {
        String options = "--rw=randwrite --bs=4k --fdatasync=1 --time_based --runtime=" + SECONDS;
        return fio(d, options).at("/write/iops").asDouble();
    }

    private static void dropCaches() throws IOException {
        Path file = Path.of("/proc/sys/vm/drop_caches");
        if (Files.isWritable(file)) {
            Files.writeString(file, "3");
        }
    }

    // ---- small files ----

    private static double perSecond(int count, long sinceNs) {
        return count * 1e9 / (System.nanoTime() - sinceNs);
    }

    private static double create(Path d) throws IOException {
        Path small = d.resolve("small");
        removeAll(small);
        Files.createDirectory(small);
        byte[] content = new byte[SMALL_BYTES];
        long start = System.nanoTime();
        for (int i = 0; i < SMALL_FILES; i++) {
            Files.write(small.resolve("f" + i), content);
        }
        return perSecond(SMALL_FILES, start);
    }

    private static double stat(Path d, boolean cold) throws IOException {
        if (!Files.isDirectory(d.resolve("small"))) {
            double _ = create(d);
        }
        if (cold) {
            dropCaches();
        }
        long start = System.nanoTime();
        long bytes = 0;
        for (int i = 0; i < SMALL_FILES; i++) {
            bytes += Files.size(d.resolve("small").resolve("f" + i));
        }
        if (bytes != (long) SMALL_FILES * SMALL_BYTES) {
            throw new IllegalStateException(d + ": small files of " + bytes + " bytes");
        }
        return perSecond(SMALL_FILES, start);
    }

    private static double remove(Path d) throws IOException {
        if (!Files.isDirectory(d.resolve("small"))) {
            double _ = create(d);
        }
        long start = System.nanoTime();
        removeAll(d.resolve("small"));
        return perSecond(SMALL_FILES, start);
    }

    private static void removeAll(Path directory) {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

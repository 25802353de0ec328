package org.keelfs.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "bench",
        description = {
            "Measures a directory, mounted or not, with one thread: big and small reads and writes,"
                    + " creating and looking at small files.",
            "scripts/bench measures more, with several threads."
        })
final class BenchCommand implements Callable<Integer> {
    private static final int MIB = 1 << 20;
    private static final int PAGE = 4096;

    @Parameters(paramLabel = "DIR", description = "Directory to work in; all is removed again.")
    Path directory = Path.of("");

    @Option(
            names = "--size-mib",
            paramLabel = "MIB",
            defaultValue = "256",
            description = "Size of the big file; default: ${DEFAULT-VALUE}.")
    int sizeMib;

    @Option(
            names = "--files",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Number of small files; default: ${DEFAULT-VALUE}.")
    int files;

    @Option(
            names = "--operations",
            paramLabel = "N",
            defaultValue = "2000",
            description = "Number of 4 KiB operations; default: ${DEFAULT-VALUE}.")
    int operations;

    @Option(
            names = "--seed",
            paramLabel = "SEED",
            defaultValue = "1",
            description = "Seed of contents and offsets; default: ${DEFAULT-VALUE}.")
    long seed;

    @Override
    public Integer call() throws IOException {
        if (sizeMib < 1 || files < 1 || operations < 1) {
            throw new CliException(ExitCode.USAGE, "sizes and numbers are at least 1");
        }
        if (!Files.isDirectory(directory)) {
            throw new CliException(ExitCode.NOT_FOUND, "no such directory: " + directory);
        }
        Path work = Files.createTempDirectory(directory, "keelfs-bench-");
        try {
            bigFile(work.resolve("big"));
            smallFiles(work);
        } finally {
            remove(work);
        }
        return ExitCode.OK;
    }

    private interface Work {
        void run(int index) throws IOException;
    }

    private void bigFile(Path big) throws IOException {
        byte[] bytes = new byte[MIB];
        var random = new SplittableRandom(seed);
        random.nextBytes(bytes);
        ByteBuffer block = ByteBuffer.allocateDirect(MIB).put(bytes);
        ByteBuffer page = ByteBuffer.allocateDirect(PAGE);
        long pages = (long) sizeMib * (MIB / PAGE);
        try (var file =
                FileChannel.open(
                        big,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            measure(
                    "write 1 MiB blocks, fsync at the end",
                    sizeMib,
                    MIB,
                    i -> {
                        file.write(block.clear(), (long) i * MIB);
                        if (i == sizeMib - 1) {
                            file.force(false);
                        }
                    });
            measure(
                    "read 1 MiB blocks",
                    sizeMib,
                    MIB,
                    i -> file.read(block.clear(), (long) i * MIB));
            measure(
                    "read 4 KiB at random",
                    operations,
                    PAGE,
                    _ -> file.read(page.clear(), random.nextLong(pages) * PAGE));
            measure(
                    "write 4 KiB at random, fsync each",
                    operations,
                    PAGE,
                    _ -> {
                        file.write(page.clear(), random.nextLong(pages) * PAGE);
                        file.force(false);
                    });
        }
    }

    private void smallFiles(Path work) throws IOException {
        byte[] content = new byte[PAGE];
        measure("create 4 KiB files", files, 0, i -> Files.write(work.resolve("f" + i), content));
        measure("stat them", files, 0, i -> Files.size(work.resolve("f" + i)));
        measure("read them", files, 0, i -> Files.readAllBytes(work.resolve("f" + i)));
        measure("remove them", files, 0, i -> Files.delete(work.resolve("f" + i)));
    }

    private static void measure(String what, int count, int bytesEach, Work work)
            throws IOException {
        long startNs = System.nanoTime();
        for (int i = 0; i < count; i++) {
            work.run(i);
        }
        double seconds = Math.max(System.nanoTime() - startNs, 1) / 1e9;
        String bandwidth =
                bytesEach == 0
                        ? ""
                        : String.format("%10.1f MB/s", (double) count * bytesEach / seconds / 1e6);
        System.out.printf("%-38s %10.0f /s %s%n", what, count / seconds, bandwidth);
        System.out.flush();
    }

    private static void remove(Path work) throws IOException {
        try (Stream<Path> all = Files.walk(work)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}

package org.keelfs.it.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.keelfs.it.cluster.DirectIo;

/**
 * What one file takes from several mounts at once: {@code SharedFileBench SECONDS MOUNT…}. For 1,
 * 2, … of the mounts, one program on each: operations per second of all together, once through
 * handles that the kernel caches (the lease goes to and fro) and once through handles that it does
 * not (SHARED mode, where there is more than one mount).
 */
public final class SharedFileBench {
    private static final int SECTOR = 4096;

    /** Sectors that are read and written at random: few, so that mounts meet. */
    private static final int SECTORS = 256;

    private enum Kind {
        READ,
        ALIGNED_WRITE,
        UNALIGNED_WRITE,
        APPEND
    }

    private SharedFileBench() {}

    /** Prints a table. */
    public static void main(String[] arguments)
            throws IOException, InterruptedException, ExecutionException {
        int seconds = Integer.parseInt(arguments[0]);
        List<Path> mounts = new ArrayList<>();
        for (int i = 1; i < arguments.length; i++) {
            mounts.add(Path.of(arguments[i]));
        }
        System.out.printf("%-16s %-8s %8s %14s%n", "operation", "handles", "mounts", "per second");
        for (Kind kind : Kind.values()) {
            for (boolean cached : new boolean[] {true, false}) {
                for (int count = 1; count <= mounts.size(); count++) {
                    double rate = run(mounts.subList(0, count), kind, cached, seconds);
                    System.out.printf(
                            "%-16s %-8s %8d %14.1f%n",
                            kind, cached ? "cached" : "direct", count, rate);
                }
            }
        }
    }

    private static double run(List<Path> mounts, Kind kind, boolean cached, int seconds)
            throws IOException, InterruptedException, ExecutionException {
        String name = "bench-" + System.nanoTime();
        Files.write(mounts.getFirst().resolve(name), new byte[SECTORS * SECTOR]);
        List<FileChannel> kept = new ArrayList<>();
        List<FileChannel> handles = new ArrayList<>();
        long operations = 0;
        long startNs = 0;
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            if (!cached) {
                contend(mounts, name, kept);
            }
            for (Path mount : mounts) {
                handles.add(open(mount.resolve(name), kind));
            }
            startNs = System.nanoTime();
            long endNs = startNs + TimeUnit.SECONDS.toNanos(seconds);
            List<Future<Long>> programs = new ArrayList<>();
            for (FileChannel handle : handles) {
                programs.add(threads.submit(program(handle, kind, endNs)));
            }
            for (Future<Long> program : programs) {
                operations += program.get();
            }
        } finally {
            for (FileChannel handle : kept) {
                handle.close();
            }
            for (FileChannel handle : handles) {
                handle.close();
            }
        }
        double rate = operations * 1e9 / (System.nanoTime() - startNs);
        Files.delete(mounts.getFirst().resolve(name));
        return rate;
    }

    private static FileChannel open(Path file, Kind kind) throws IOException {
        return switch (kind) {
            case READ -> FileChannel.open(file, StandardOpenOption.READ);
            case APPEND ->
                    FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
            case ALIGNED_WRITE, UNALIGNED_WRITE -> FileChannel.open(file, StandardOpenOption.WRITE);
        };
    }

    /** Writes in turn through handles that the kernel does not cache, until the file is SHARED. */
    private static void contend(List<Path> mounts, String name, List<FileChannel> kept)
            throws IOException {
        for (Path mount : mounts) {
            kept.add(
                    FileChannel.open(
                            mount.resolve(name), StandardOpenOption.WRITE, DirectIo.option()));
        }
        ByteBuffer sector =
                ByteBuffer.allocateDirect(2 * SECTOR).alignedSlice(SECTOR).slice(0, SECTOR);
        for (int i = 0; i < 10; i++) {
            for (FileChannel handle : kept) {
                int _ = handle.write(sector.clear(), 0);
            }
        }
    }

    private static Callable<Long> program(FileChannel handle, Kind kind, long endNs) {
        return () -> {
            var random = new Random(System.identityHashCode(handle));
            ByteBuffer bytes =
                    ByteBuffer.allocateDirect(
                            kind == Kind.APPEND || kind == Kind.UNALIGNED_WRITE ? 100 : SECTOR);
            long count = 0;
            while (System.nanoTime() - endNs < 0) {
                long at = (long) random.nextInt(SECTORS - 1) * SECTOR;
                bytes.clear();
                int _ =
                        switch (kind) {
                            case READ -> handle.read(bytes, at);
                            case ALIGNED_WRITE -> handle.write(bytes, at);
                            case UNALIGNED_WRITE -> handle.write(bytes, at + 17);
                            case APPEND -> handle.write(bytes);
                        };
                count++;
            }
            return count;
        };
    }
}

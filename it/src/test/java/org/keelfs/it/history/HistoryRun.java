package org.keelfs.it.history;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.Shell;
import org.keelfs.it.cluster.Stacks;

/** Programs that use a few files from several mounts at once, and what they saw. */
final class HistoryRun implements AutoCloseable {
    private static final Duration SHELL = Duration.ofSeconds(60);

    /** No call takes longer than its deadline in the mount, 60 s; then a program ends by itself. */
    private static final long STALL_S = 90;

    private final Cluster cluster;
    private final int mounts;
    private final Path local;
    private final Path program;
    private final List<Process> workers = new ArrayList<>();
    private final List<Path> logs = new ArrayList<>();
    private final List<Integer> mountOf = new ArrayList<>();

    HistoryRun(Cluster cluster, int mounts, Path local) {
        this.cluster = cluster;
        this.mounts = mounts;
        this.local = local;
        this.program = compile();
    }

    private Path compile() {
        Path source = local.resolve("historian.c");
        try {
            Files.createDirectories(local);
            for (String file : List.of("historian.c", "locks.h")) {
                try (InputStream text = HistoryRun.class.getResourceAsStream("/history/" + file)) {
                    Files.write(local.resolve(file), text.readAllBytes());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Path binary = local.resolve("historian");
        Shell.run(
                        local,
                        Map.of(),
                        List.of("gcc", "-O1", "-o", binary.toString(), source.toString()),
                        SHELL)
                .orThrow();
        return binary;
    }

    /** Makes the objects as the models expect them. */
    void makeObjects(String directory) {
        cluster.shell(
                        """
                        mkdir %s; cd %s; mkdir d0 d1; touch list0 list1 sized attributes
                        truncate -s 70000000 registers
                        setfattr -n user.value -v 0x0000000000000000 attributes
                        touch -d @1000000000 attributes; chmod 0 attributes
                        for i in $(seq 0 10); do truncate -s 16384 lock$i; done
                        sync .
                        """
                                .formatted(directory, directory),
                        SHELL)
                .orThrow();
    }

    /** Starts the programs. */
    void start(String directory, int perMount, long seed, long calls, long seconds, String flags) {
        for (int worker = 1; worker <= mounts * perMount; worker++) {
            int mount = (worker - 1) % mounts + 1;
            Path log = local.resolve("worker" + worker + ".log");
            try {
                workers.add(
                        new ProcessBuilder(
                                        program.toString(),
                                        cluster.mount(mount).resolve(directory).toString(),
                                        Integer.toString(worker),
                                        Long.toString(seed),
                                        Long.toString(calls),
                                        Long.toString(seconds),
                                        flags,
                                        log.toString())
                                .redirectErrorStream(true)
                                .redirectOutput(local.resolve("worker" + worker + ".out").toFile())
                                .start());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            logs.add(log);
            mountOf.add(mount);
        }
    }

    boolean isOver() {
        return workers.stream().noneMatch(Process::isAlive);
    }

    /** Waits for this long, or until the first program has ended; whether it has. */
    boolean awaitEnd(Duration time) throws InterruptedException {
        return workers.getFirst().waitFor(time.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Waits for the programs; when one stands still, tells what everybody is doing. */
    void join() throws InterruptedException {
        for (int i = 0; i < workers.size(); i++) {
            Process worker = workers.get(i);
            long size = -1;
            while (!worker.waitFor(STALL_S, TimeUnit.SECONDS)) {
                long grown = logs.get(i).toFile().length();
                if (grown == size) {
                    String where = Stacks.kernelStack(worker.pid());
                    throw new AssertionError(
                            "worker %d stands still; stacks are in %s\n%s"
                                    .formatted(i + 1, Stacks.dump(cluster), where));
                }
                size = grown;
            }
            if (worker.exitValue() != 0) {
                throw new AssertionError("worker " + (i + 1) + " ended with " + worker.exitValue());
            }
        }
    }

    List<CallLog> logs() {
        var read = new ArrayList<CallLog>();
        for (int i = 0; i < logs.size(); i++) {
            read.add(CallLog.read(logs.get(i), mountOf.get(i), i + 1));
        }
        return read;
    }

    @Override
    public void close() {
        workers.forEach(Process::destroyForcibly);
    }
}

package org.keelfs.it.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * A cluster of real processes with real mounts, made by {@code scripts/up} in a directory of its
 * own and taken away again by {@link #close()}, whatever state it is in. Parts go by the names of
 * their configuration: {@code metadata1}, {@code node2}, {@code mount1}.
 *
 * <p>Its processes run from the jars of this build, with the caches that {@code scripts/train}
 * makes of them once; without jars (Maven's phase {@code test}) from the class path of the JVM that
 * runs this. Used by one thread at a time.
 */
public final class Cluster implements AutoCloseable {
    private static final Duration UP_TIMEOUT = Duration.ofSeconds(180);

    /** The contract says a minute; the rest is for a machine that does something else too. */
    private static final Duration DOWN_TIMEOUT = Duration.ofSeconds(90);

    /** No test runs longer. */
    private static final Duration BACKGROUND_TIMEOUT = Duration.ofMinutes(5);

    private static final Duration COMMAND_TIMEOUT = Duration.ofSeconds(60);

    private static final Duration TRAIN_TIMEOUT = Duration.ofMinutes(5);

    private static boolean trained;

    private final Path root;
    private final Path directory;
    private final List<String> upArguments;
    private final Map<String, String> environment;
    private final int mounts;
    private final Thread atExit = new Thread(this::endEverything, "cluster-at-exit");
    private final List<Background> backgrounds = new ArrayList<>();
    private boolean closed;

    private Cluster(Builder builder, Path directory) {
        this.root = Path.of(System.getProperty("keelfs.root", ".")).toAbsolutePath().normalize();
        this.directory = directory.toAbsolutePath();
        this.mounts = builder.mounts;
        this.upArguments =
                List.of(
                        "--dir", this.directory.toString(),
                        "--nodes", Integer.toString(builder.nodes),
                        "--replicas", Integer.toString(builder.replicas),
                        "--mounts", Integer.toString(builder.mounts));
        this.environment = new TreeMap<>(builder.settings);
        environment.put("KEELFS_CLASSPATH", classPath());
        environment.put("JAVA_HOME", System.getProperty("java.home", ""));
        environment.put("KEELFS_JVM_FLAGS", "-ea:org.keelfs...");
        train();
        // Never beside a test, not even when this one was cut short.
        environment.put("KEELFS_TRAIN", "off");
    }

    private String classPath() {
        String jars = root.resolve("target/dist/lib").toString();
        String ours =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path", ""));
        return ours.contains(jars + "/keelfs-") ? jars + "/*" : ours;
    }

    /** Once, so that the time of the first {@link #up} is that of the others. */
    private void train() {
        synchronized (Cluster.class) {
            if (!trained) {
                script("train", List.of("--if-needed"), TRAIN_TIMEOUT).orThrow();
                trained = true;
            }
        }
    }

    /** Three nodes, three replicas, one mount, unless told otherwise. */
    public static Builder builder() {
        return new Builder();
    }

    /** What a cluster is to be like. */
    public static final class Builder {
        private int nodes = 3;
        private int replicas = 3;
        private int mounts = 1;
        private final Map<String, String> settings = new TreeMap<>();

        private Builder() {}

        /** Number of storage nodes. */
        public Builder nodes(int count) {
            nodes = count;
            return this;
        }

        /** Storage nodes that keep each chunk. */
        public Builder replicas(int count) {
            replicas = count;
            return this;
        }

        /** Number of client processes, each with its mount point. */
        public Builder mounts(int count) {
            mounts = count;
            return this;
        }

        /** Term of leases, milliseconds. */
        public Builder termMs(long ms) {
            return setting("lease-term-ms", Long.toString(ms));
        }

        /** A setting of all parts that know it, by its name in configuration files. */
        public Builder setting(String key, String value) {
            settings.put(
                    "KEELFS_" + key.replace('-', '_').toUpperCase(java.util.Locale.ROOT), value);
            return this;
        }

        /** Starts it and waits until it is mounted. */
        public Cluster start(Path directory) {
            Cluster cluster = prepare(directory);
            try {
                cluster.up();
            } catch (Throwable e) {
                cluster.close();
                throw e;
            }
            return cluster;
        }

        /** A cluster of which nothing runs yet. */
        public Cluster prepare(Path directory) {
            var cluster = new Cluster(this, directory);
            Runtime.getRuntime().addShutdownHook(cluster.atExit);
            return cluster;
        }
    }

    /** What {@code up} made: conf, data, log, pid, pki, secret, mnt. */
    public Path directory() {
        return directory;
    }

    /** Mount point of the only or the first mount. */
    public Path mount() {
        return mount(1);
    }

    /** Mount point of a mount, counted from 1. */
    public Path mount(int number) {
        return directory.resolve(mounts == 1 ? "mnt" : "mnt" + number);
    }

    /** Where a part keeps its store. */
    public Path data(String part) {
        return directory.resolve("data").resolve(part);
    }

    /** Configuration file of a part. */
    public Path config(String part) {
        return directory.resolve("conf").resolve(part + ".yaml");
    }

    /** The log of a part so far. */
    public String log(String part) {
        try {
            return Files.readString(directory.resolve("log").resolve(part + ".log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts what does not run. */
    public Shell.Result tryUp() {
        return script("up", upArguments, UP_TIMEOUT);
    }

    /** Starts what does not run, or fails with all that was said. */
    public String up() {
        return tryUp().orThrow();
    }

    /**
     * Starts one more mount, which {@code up} knows nothing of, in another network; {@code down}
     * ends it with the rest. Returns its mount point when it is mounted.
     *
     * @param part its name, as mount2
     * @param options as those of {@code keelfs mount -o}
     */
    public Path startFar(String part, FarNetwork network, String options) throws IOException {
        Path point = Files.createDirectories(directory.resolve(part.replace("mount", "mnt")));
        String settings = Files.readString(config("mount1"));
        settings = settings.replace(data("mount1").toString(), data(part).toString());
        settings = settings.replaceAll("(?m)^metrics-port: .*", "metrics-port: 0");
        Files.writeString(config(part), settings);
        Files.writeString(directory.resolve("pid").resolve(part + ".dir"), point.toString());
        var command = new ArrayList<>(List.of("setsid"));
        command.addAll(network.enter());
        command.addAll(List.of(root.resolve("scripts/keelfs").toString(), "mount", "main"));
        command.addAll(List.of(point.toString(), "-o", options));
        command.addAll(List.of("--config", config(part).toString()));
        Path log = directory.resolve("log").resolve(part + ".log");
        Shell.bash(
                        root,
                        environment,
                        "'%s' >>'%s' 2>&1 </dev/null &".formatted(String.join("' '", command), log),
                        COMMAND_TIMEOUT)
                .orThrow();
        await(UP_TIMEOUT, part + " to be mounted", () -> mounted().contains(point));
        return point;
    }

    /** Saves, unmounts and stops everything. */
    public Shell.Result tryDown(String... more) {
        var arguments = new ArrayList<>(List.of("--dir", directory.toString()));
        arguments.addAll(List.of(more));
        return script("down", arguments, DOWN_TIMEOUT);
    }

    /** Saves, unmounts and stops everything, or fails with all that was said. */
    public String down(String... more) {
        return tryDown(more).orThrow();
    }

    /** Runs {@code scripts/keelfs}. */
    public Shell.Result keelfs(String... arguments) {
        return script("keelfs", List.of(arguments), COMMAND_TIMEOUT);
    }

    /** Runs bash in the (first) mount while the caller goes on. */
    public Background inBackground(String script, Duration timeout) {
        var background = new Background(() -> shell(script, timeout));
        backgrounds.add(background);
        return background;
    }

    /**
     * Runs {@code scripts/keelfs} while the caller goes on; it is ended with the cluster at the
     * latest.
     */
    public Background background(String... arguments) {
        var command = new ArrayList<String>();
        command.add(root.resolve("scripts/keelfs").toString());
        command.addAll(List.of(arguments));
        var background =
                new Background(() -> Shell.run(root, environment, command, BACKGROUND_TIMEOUT));
        backgrounds.add(background);
        return background;
    }

    /** Runs a script of this cluster's project with the cluster's environment. */
    public Shell.Result script(String name, List<String> arguments, Duration timeout) {
        var command = new ArrayList<String>();
        command.add(root.resolve("scripts").resolve(name).toString());
        command.addAll(arguments);
        return Shell.run(root, environment, command, timeout);
    }

    /** Runs bash in the (first) mount. */
    public Shell.Result shell(String script, Duration timeout) {
        return Shell.bash(mount(), environment, script, timeout);
    }

    /** The environment of all commands and processes, to be changed by tests. */
    public Map<String, String> environment() {
        return environment;
    }

    /** The process of a part, if it runs. */
    public OptionalLong pid(String part) {
        try {
            String text = Files.readString(directory.resolve("pid").resolve(part + ".pid")).strip();
            long pid = Long.parseLong(text);
            String arguments = Files.readString(Path.of("/proc", text, "cmdline"));
            boolean ours = List.of(arguments.split("\0")).contains(config(part).toString());
            return ours ? OptionalLong.of(pid) : OptionalLong.empty();
        } catch (IOException | NumberFormatException _) {
            return OptionalLong.empty();
        }
    }

    /** Kills a part without a word; returns when it is gone. */
    public void kill9(String part) {
        signal(part, "KILL");
        await(Duration.ofSeconds(10), part + " to be gone", () -> pid(part).isEmpty());
    }

    /** Stops a part in its tracks: its connections stay, it answers nothing. */
    public void pause(String part) {
        signal(part, "STOP");
    }

    /** Lets a paused part go on. */
    public void resume(String part) {
        signal(part, "CONT");
    }

    /** Asks a part to stop in order; returns when it is gone. */
    public void stop(String part) {
        signal(part, "TERM");
        await(Duration.ofSeconds(60), part + " to be gone", () -> pid(part).isEmpty());
    }

    /** Sends a signal to a part's process. */
    public void signal(String part, String signal) {
        long pid = pid(part).orElseThrow(() -> new AssertionError(part + " does not run"));
        Shell.run(
                        root,
                        Map.of(),
                        List.of("kill", "-" + signal, Long.toString(pid)),
                        COMMAND_TIMEOUT)
                .orThrow();
    }

    /** Names of all parts that have a configuration. */
    public List<String> parts() {
        try (Stream<Path> files = Files.list(directory.resolve("conf"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.matches("(metadata|node|mount)[0-9]+\\.yaml"))
                    .map(name -> name.substring(0, name.length() - ".yaml".length()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for a condition; fails with what it waited for. */
    public static void await(Duration timeout, String forWhat, BooleanSupplier condition) {
        org.awaitility.Awaitility.await()
                .alias("waiting for " + forWhat)
                .pollInSameThread()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .timeout(timeout)
                .until(condition::getAsBoolean);
    }

    /** What is mounted below this cluster's directory, read without touching it. */
    public List<Path> mounted() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/mountinfo"))) {
            return lines.map(line -> Path.of(line.split(" ")[4].replace("\\040", " ")))
                    .filter(path -> path.startsWith(directory))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Takes everything away: mounts, processes; the files of the directory stay. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        // A test whose time is over is interrupted; nothing may stay behind for that.
        boolean interrupted = Thread.interrupted();
        try {
            backgrounds.forEach(Background::close);
            if (Files.isDirectory(directory.resolve("conf"))) {
                tryDown();
            }
        } finally {
            endEverything();
            Runtime.getRuntime().removeShutdownHook(atExit);
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        checkNoLawWasBroken();
    }

    /** A broken law is a bug also where the test did not notice. */
    private void checkNoLawWasBroken() {
        if (!Files.isDirectory(directory.resolve("log"))) {
            return;
        }
        try (Stream<Path> logs = Files.list(directory.resolve("log"))) {
            for (Path log : logs.filter(path -> path.toString().endsWith(".log")).toList()) {
                for (String line : Files.readAllLines(log)) {
                    if (line.contains("AssertionError") || line.contains("InvariantViolation")) {
                        throw new AssertionError(log + ": " + line);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The last resort: processes killed, mounts taken away. Also runs when the JVM ends early. */
    private void endEverything() {
        if (Files.isDirectory(directory.resolve("conf"))) {
            for (String part : parts()) {
                pid(part)
                        .ifPresent(
                                pid ->
                                        ProcessHandle.of(pid)
                                                .ifPresent(ProcessHandle::destroyForcibly));
            }
        }
        for (Path path : mounted()) {
            Shell.run(
                    root,
                    Map.of(),
                    List.of("umount", "-l", path.toString()),
                    Duration.ofSeconds(10));
        }
    }
}

package org.keelfs.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.mount.ClientStack;
import org.keelfs.client.vfs.Call;
import org.keelfs.model.Caller;
import picocli.CommandLine.Option;

/** A client without a mount, for the length of one command. */
final class VolumeSession implements AutoCloseable {
    private static final int UMASK = 022;

    private final ClientStack stack;
    private final Path stateDir;
    private final VolumeFiles files;

    /** Options of commands that work on the files of a volume. */
    static final class Options {
        @Option(
                names = "--dir",
                paramLabel = "DIR",
                defaultValue = "run",
                description = "A directory that scripts/up made; default: ${DEFAULT-VALUE}.")
        Path dir = Path.of("run");

        @Option(
                names = "--config",
                paramLabel = "FILE",
                description = "Configuration of a mount; default: conf/client.yaml in DIR.")
        @Nullable Path config;

        @Option(
                names = "--volume",
                paramLabel = "VOLUME",
                description = "Name of the volume; default: the one of the configuration.")
        @Nullable String volume;

        VolumeSession open() throws IOException {
            var settings =
                    new ClientSettings(config == null ? dir.resolve("conf/client.yaml") : config);
            if (volume != null) {
                settings.set("volume", volume);
            }
            // An identity of its own: several commands may run at once, and beside mounts.
            Path stateDir = Files.createTempDirectory("keelfs-client-");
            settings.set("state-dir", stateDir.toString());
            try {
                return new VolumeSession(ClientStack.open(settings.conclude()), stateDir);
            } catch (RuntimeException e) {
                remove(stateDir);
                throw e;
            }
        }
    }

    private VolumeSession(ClientStack stack, Path stateDir) throws IOException {
        this.stack = stack;
        this.stateDir = stateDir;
        int pid = Math.toIntExact(ProcessHandle.current().pid());
        this.files = new VolumeFiles(stack.fileSystem(), new Call(caller(), pid, UMASK, true));
    }

    VolumeFiles files() {
        return files;
    }

    /** The user who runs this command. */
    private static Caller caller() throws IOException {
        int uid = 0;
        int gid = 0;
        int[] groups = {};
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            String[] words = line.split("\\s+");
            switch (words[0]) {
                case "Uid:" -> uid = Integer.parseUnsignedInt(words[4]);
                case "Gid:" -> gid = Integer.parseUnsignedInt(words[4]);
                case "Groups:" ->
                        groups =
                                Arrays.stream(words)
                                        .skip(1)
                                        .mapToInt(Integer::parseUnsignedInt)
                                        .toArray();
                default -> {}
            }
        }
        return new Caller(uid, gid, groups);
    }

    @Override
    public void close() throws IOException {
        List<String> unsaved;
        try {
            unsaved = stack.flush();
        } finally {
            stack.close();
            remove(stateDir);
        }
        if (!unsaved.isEmpty()) {
            throw new CliException(
                    ExitCode.UNSAVED, "could not save " + String.join(", ", unsaved));
        }
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}

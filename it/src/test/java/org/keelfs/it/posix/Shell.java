package org.keelfs.it.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Programs that use a mount, in processes of their own: a thread of the test that waits for a file
 * of its own process's mount could not be killed.
 */
public final class Shell {
    private static final int TIMEOUT_S = 60;

    private Shell() {}

    /**
     * Runs a script of bash with {@code dir} as its directory; its output. Fails when the script
     * does.
     */
    public static String bash(Path dir, String script) {
        return run("bash", "-c", "set -euo pipefail; cd \"$0\"; " + script, dir.toString());
    }

    /** Runs a command; its output, both streams. Fails when the command fails or takes a minute. */
    public static String run(String... command) {
        Path output = null;
        try {
            output = Files.createTempFile("keelfs-shell", ".out");
            Process process = start(output, command);
            if (!process.waitFor(TIMEOUT_S, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                fail(
                        String.join(" ", command)
                                + " took longer than a minute; so far: "
                                + text(output));
            }
            assertEquals(0, process.exitValue(), () -> String.join(" ", command));
            return text(output);
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "\n" + text(output), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            delete(output);
        }
    }

    /** Starts a command whose output goes to a file. */
    public static Process start(Path output, String... command) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .redirectInput(Path.of("/dev/null").toFile())
                .start();
    }

    /** A Java process with the class path of this one. */
    public static Process startJava(Path output, Class<?> main, String... arguments)
            throws IOException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-Xmx256m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName()));
        command.addAll(List.of(arguments));
        return start(output, command.toArray(String[]::new));
    }

    /** Whether something is mounted on exactly this directory; does not touch it. */
    public static boolean isMounted(Path dir) {
        try {
            return Files.readAllLines(Path.of("/proc/self/mounts"), StandardCharsets.ISO_8859_1)
                    .stream()
                    .anyMatch(line -> line.split(" ")[1].equals(dir.toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Takes away what a test left mounted, whatever state it is in, and the directory. */
    public static void clean(Path dir) {
        if (isMounted(dir)) {
            run("umount", "-l", dir.toString());
        }
        run("rmdir", dir.toString());
    }

    static String text(Path file) {
        try {
            return file == null ? "" : Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

package org.keelfs.it.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.Shell;

/** A process that locks files as it is told (locker.c). */
final class Locker implements AutoCloseable {
    /** So long somebody must wait to count as waiting. */
    private static final Duration A_WHILE = Duration.ofMillis(400);

    private static final Duration SOON = Duration.ofSeconds(30);

    private final Process process;
    private final BufferedReader answers;
    private final Writer commands;

    Locker(Path program) {
        try {
            process = new ProcessBuilder(program.toString()).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        answers = process.inputReader();
        commands = process.outputWriter();
        answer("to start", SOON);
    }

    /** Compiles the program into a directory outside of the mounts. */
    static Path compile(Path directory) {
        Path source = directory.resolve("locker.c");
        Path program = directory.resolve("locker");
        try (InputStream text = Locker.class.getResourceAsStream("/locks/locker.c")) {
            Files.copy(java.util.Objects.requireNonNull(text), source);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var _ =
                Shell.run(
                                directory,
                                Map.of(),
                                List.of("gcc", "-O1", "-o", program.toString(), source.toString()),
                                SOON)
                        .orThrow();
        return program;
    }

    long pid() {
        return process.pid();
    }

    void send(String command) {
        try {
            commands.write(command + "\n");
            commands.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What it answers to a command, without the time that it took: ok, or the name of an errno. */
    @CanIgnoreReturnValue
    String ask(String command) {
        send(command);
        return answer(command, SOON);
    }

    void does(String command) {
        assertEquals("ok", ask(command), command);
    }

    /** The command is still without an answer after a while. */
    void waits(String command) {
        send(command);
        Awaitility.await().during(A_WHILE).atMost(SOON).until(() -> !answers.ready());
    }

    /** The answer to what it waited for. */
    String answer(String command, Duration timeout) {
        Cluster.await(timeout, "the answer to " + command, this::hasAnswer);
        try {
            String line = answers.readLine();
            return line == null ? "ended" : line.substring(0, line.lastIndexOf(' '));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean hasAnswer() {
        try {
            return answers.ready() || !process.isAlive();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void kill9() {
        process.destroyForcibly();
        Cluster.await(SOON, "a killed process to end", () -> !process.isAlive());
    }

    @Override
    public void close() {
        kill9();
    }

    static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

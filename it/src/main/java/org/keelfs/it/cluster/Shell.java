package org.keelfs.it.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs commands with a hard timeout and keeps what they say. */
public final class Shell {
    private Shell() {}

    /**
     * How a command ended.
     *
     * @param command for messages
     * @param exitCode of the process, or {@link #TIMED_OUT}
     * @param output standard output
     * @param errors standard error
     */
    public record Result(String command, int exitCode, String output, String errors) {
        /** In place of an exit code: it was ended after its time. */
        public static final int TIMED_OUT = -1;

        /** Standard output, or a failure that tells everything. */
        public String orThrow() {
            if (exitCode != 0) {
                throw new AssertionError(this);
            }
            return output;
        }

        @Override
        public String toString() {
            String how = exitCode == TIMED_OUT ? "timed out" : "ended with " + exitCode;
            return command + "\n  " + how + "\n" + output + errors;
        }
    }

    /** Runs bash with {@code set -euo pipefail} in front of the script. */
    public static Result bash(
            Path directory, Map<String, String> environment, String script, Duration timeout) {
        return run(
                directory,
                environment,
                List.of("bash", "-c", "set -euo pipefail\n" + script),
                timeout);
    }

    /**
     * Runs a command; when its time is over, it and all it started are killed.
     *
     * @param environment added to this process's own
     */
    public static Result run(
            Path directory,
            Map<String, String> environment,
            List<String> command,
            Duration timeout) {
        String shown = command.getLast().replace("set -euo pipefail\n", "$ ");
        Path output = null;
        Path errors = null;
        try {
            // Files and not pipes: a descendant that lives on would keep a pipe open for ever.
            output = Files.createTempFile("keelfs-it-", ".out");
            errors = Files.createTempFile("keelfs-it-", ".err");
            var builder =
                    new ProcessBuilder(command)
                            .directory(directory.toFile())
                            .redirectInput(Path.of("/dev/null").toFile())
                            .redirectOutput(output.toFile())
                            .redirectError(errors.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            boolean ended = false;
            try {
                ended = process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS);
            } finally {
                if (!ended) {
                    process.descendants().forEach(ProcessHandle::destroyForcibly);
                    process.destroyForcibly();
                }
            }
            return new Result(
                    shown,
                    ended ? process.exitValue() : Result.TIMED_OUT,
                    Files.readString(output, StandardCharsets.ISO_8859_1),
                    Files.readString(errors, StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted: " + shown, e);
        } finally {
            remove(output);
            remove(errors);
        }
    }

    private static void remove(@org.jspecify.annotations.Nullable Path file) {
        if (file != null) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}

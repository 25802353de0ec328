package org.keelfs.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import org.keelfs.base.InvariantViolation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Tells failures: one clear line on standard error; stack traces go to the log. */
final class Failures {
    private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

    private Failures() {}

    /** A command line that cannot be understood. */
    static int onUsage(ParameterException failure, String[] args) {
        String command = failure.getCommandLine().getCommandSpec().qualifiedName();
        print(
                command,
                firstLine(String.valueOf(failure.getMessage())) + " (see " + command + " --help)");
        return ExitCode.USAGE;
    }

    /** A command that failed. */
    static int onExecution(Exception failure, CommandLine command, ParseResult parsed) {
        if (isExpected(failure)) {
            LOG.debug("{} failed", command.getCommandName(), failure);
        } else {
            LOG.error("{} failed", command.getCommandName(), failure);
        }
        print(command.getCommandSpec().qualifiedName(), describe(failure));
        return ExitCode.of(failure);
    }

    private static boolean isExpected(Exception failure) {
        boolean ours = failure.getClass().getName().startsWith("org.keelfs.");
        return failure instanceof IOException || (ours && !(failure instanceof InvariantViolation));
    }

    private static String describe(Throwable failure) {
        String message = failure.getMessage();
        if (failure instanceof NoSuchFileException e) {
            return "no such file: " + e.getFile();
        }
        if (failure instanceof AccessDeniedException e) {
            return "permission denied: " + e.getFile();
        }
        if (failure instanceof FileSystemException e) {
            String reason = e.getReason();
            return e.getFile()
                    + ": "
                    + (reason == null ? kind(e) : reason.toLowerCase(Locale.ROOT));
        }
        if (message == null || message.isBlank()) {
            return kind(failure);
        }
        return failure instanceof RuntimeException e && !isExpected(e)
                ? kind(failure) + ": " + firstLine(message)
                : firstLine(message);
    }

    private static String kind(Throwable failure) {
        return failure.getClass().getSimpleName();
    }

    private static String firstLine(String message) {
        return message.lines().map(String::strip).filter(l -> !l.isEmpty()).findFirst().orElse("");
    }

    private static void print(String command, String line) {
        System.err.println(command + ": " + line);
        System.err.flush();
    }
}

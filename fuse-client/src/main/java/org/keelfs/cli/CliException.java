package org.keelfs.cli;

/** A failure that is told in one line and ends the command with a given {@link ExitCode}. */
final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int code;

    CliException(int code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    int code() {
        return code;
    }
}

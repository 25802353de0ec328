package org.keelfs.base;

import org.jspecify.annotations.Nullable;

/**
 * An expected failure of a file-system operation. Carries no stack trace: ENOENT is an answer, not
 * an accident. The message is for logs and the command line; the kernel sees only the number.
 */
public class FsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Errno errno;

    public FsException(Errno errno) {
        this(errno, errno.name());
    }

    public FsException(Errno errno, String message) {
        this(errno, message, null);
    }

    /** With the failure of the environment (a dead node, say) that led to it. */
    public FsException(Errno errno, String message, @Nullable Throwable cause) {
        super(message, cause, false, false);
        this.errno = errno;
    }

    public Errno errno() {
        return errno;
    }
}

package org.keelfs.fuse.kernel;

import org.jspecify.annotations.Nullable;

/** Mounting or unmounting did not work; the message is one line for the person who asked for it. */
public final class MountException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public MountException(String message) {
        this(message, null);
    }

    public MountException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}

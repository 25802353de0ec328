package org.keelfs.metadata.store;

/**
 * The metadata store failed, as by a full or broken disk. Never retried: what was written is
 * unknown.
 */
public final class StoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StoreException(String message) {
        super(message);
    }

    StoreException(String message, Throwable cause) {
        super(message + ": " + cause.getMessage(), cause);
    }
}

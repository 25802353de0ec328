package org.keelfs.node.store;

/** The store is dead: a write or a force failed. It is never tried again; the process ends. */
public final class StoreFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public StoreFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}

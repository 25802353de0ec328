package org.keelfs.base;

/**
 * A bug: servers log it and halt; the mount fails the operation with EIO, drops the lease and keeps
 * running.
 */
public final class InvariantViolation extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    public InvariantViolation(String law) {
        super(law);
    }
}

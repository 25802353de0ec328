package org.keelfs.client.vfs;

/**
 * The operation has to wait, has changed nothing, and is to be run again where it may. No stack
 * trace.
 */
public final class WouldBlock extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public WouldBlock() {
        super("would block", null, false, false);
    }
}

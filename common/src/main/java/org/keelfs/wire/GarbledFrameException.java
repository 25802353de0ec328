package org.keelfs.wire;

/**
 * Bytes from the network that are not what they should be: the sender is not a peer to go on with.
 */
public final class GarbledFrameException extends Exception {
    private static final long serialVersionUID = 1L;

    public GarbledFrameException(String message) {
        super(message, null, false, false);
    }
}

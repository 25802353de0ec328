package org.keelfs.buffer;

import java.nio.ByteBuffer;

/**
 * Bytes that somebody else owns, seen as a payload; the owner hears when the last holder is done.
 */
public final class WrappedPayload {
    private WrappedPayload() {}

    /**
     * Wraps the remaining bytes of a buffer.
     *
     * @param bytes not to be changed by the caller any more; direct, where they are to be sent
     *     without a copy
     * @param onRelease runs once, on the thread of the last release
     */
    public static PayloadBuffer of(ByteBuffer bytes, Runnable onRelease) {
        return new CountedPayload(bytes.slice(), onRelease);
    }
}

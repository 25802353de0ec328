package org.keelfs.buffer;

import java.nio.ByteBuffer;
import org.keelfs.model.Payload;

/**
 * Off-heap bytes with a reference count: drivers see these behind a {@link Payload}. Made with
 * count 1; who keeps one beyond the call that showed it retains it, and whoever holds a count
 * releases it once. Slices share the count of the whole.
 */
public interface PayloadBuffer extends Payload {
    /** No bytes; need not be released. */
    PayloadBuffer EMPTY = new EmptyPayload();

    /**
     * The bytes, position 0, limit {@link #length()}; each call gives a buffer object of its own
     * over the same memory. Not to be touched after the last release.
     */
    ByteBuffer bytes();

    @Override
    PayloadBuffer slice(int offset, int length);

    /** One more holder. */
    PayloadBuffer retain();

    /** One holder less; the last one gives the memory back. */
    void release();
}

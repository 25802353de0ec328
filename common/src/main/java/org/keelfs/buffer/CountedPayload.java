package org.keelfs.buffer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import org.keelfs.base.Invariant;

/** Bytes with the count of their holders. Thread-safe as far as the bytes are. */
final class CountedPayload implements PayloadBuffer {
    private static final VarHandle HOLDERS;

    static {
        try {
            HOLDERS =
                    MethodHandles.lookup()
                            .findVarHandle(CountedPayload.class, "holders", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final ByteBuffer bytes;
    private final Runnable onRelease;

    private volatile int holders = 1;

    /**
     * @param bytes position 0, limit and capacity the length
     */
    CountedPayload(ByteBuffer bytes, Runnable onRelease) {
        this.bytes = bytes;
        this.onRelease = onRelease;
    }

    int holders() {
        return holders;
    }

    @Override
    public ByteBuffer bytes() {
        Invariant.check(holders > 0, "a payload is not touched after its last release");
        return bytes.duplicate();
    }

    @Override
    public int length() {
        return bytes.capacity();
    }

    @Override
    public PayloadBuffer slice(int offset, int length) {
        return new PayloadSlice(this, offset, length);
    }

    @Override
    public PayloadBuffer retain() {
        int before;
        do {
            before = holders;
            Invariant.check(before > 0, "a payload is not retained after its last release");
        } while (!HOLDERS.compareAndSet(this, before, before + 1));
        return this;
    }

    @Override
    public void release() {
        int before;
        do {
            before = holders;
            Invariant.check(before > 0, "a payload is released once by each holder");
        } while (!HOLDERS.compareAndSet(this, before, before - 1));
        if (before == 1) {
            onRelease.run();
        }
    }
}

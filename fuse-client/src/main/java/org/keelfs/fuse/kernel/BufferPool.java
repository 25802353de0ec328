package org.keelfs.fuse.kernel;

import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** Buffers of one size, at most so many. Thread-safe; a buffer taken is given back once. */
final class BufferPool {
    private final int capacity;
    private final Semaphore permits;
    private final ConcurrentLinkedDeque<NativeBuffer> idle = new ConcurrentLinkedDeque<>();

    BufferPool(int capacity, int buffersMax) {
        this.capacity = capacity;
        this.permits = new Semaphore(buffersMax);
    }

    /** Waits for one where all are taken. For threads that may wait. */
    NativeBuffer take() {
        permits.acquireUninterruptibly();
        return idleOrNew();
    }

    /** One at once, or null where all are taken. */
    @Nullable NativeBuffer maybeTake() {
        return permits.tryAcquire() ? idleOrNew() : null;
    }

    void give(NativeBuffer buffer) {
        idle.push(buffer);
        permits.release();
    }

    private NativeBuffer idleOrNew() {
        NativeBuffer buffer = idle.poll();
        return buffer != null ? buffer : new NativeBuffer(capacity);
    }
}

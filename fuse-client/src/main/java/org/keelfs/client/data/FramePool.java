package org.keelfs.client.data;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import org.keelfs.base.Invariant;

/**
 * Off-heap frames of one sector each, known by number. Thread-safe; memory is taken as it is
 * needed.
 */
final class FramePool {
    private static final int SECTOR = RunSplitter.SECTOR;

    /** Frames of one allocation: 1 MiB. */
    private static final int SLAB_FRAMES = 256;

    private static final int SLAB_SHIFT = 8;

    private final int framesMax;
    private final ReentrantLock lock = new ReentrantLock();

    /** Entries are set once, before any frame of theirs is given out. */
    private final ByteBuffer[] slabs;

    @GuardedBy("lock")
    private int slabCount;

    @GuardedBy("lock")
    private final int[] free;

    @GuardedBy("lock")
    private int freeCount;

    FramePool(int frames) {
        int slabMax = (frames + SLAB_FRAMES - 1) >> SLAB_SHIFT;
        this.framesMax = slabMax << SLAB_SHIFT;
        this.slabs = new ByteBuffer[slabMax];
        this.free = new int[framesMax];
    }

    int framesMax() {
        return framesMax;
    }

    /** Frames given out. */
    int usedCount() {
        lock.lock();
        try {
            return (slabCount << SLAB_SHIFT) - freeCount;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Fills {@code into[0, count)} or, when so many are not free, takes nothing and returns false.
     */
    boolean take(int[] into, int count) {
        lock.lock();
        try {
            while (freeCount < count && slabCount < slabs.length) {
                grow();
            }
            if (freeCount < count) {
                return false;
            }
            freeCount -= count;
            // From the top: frames given back last are the ones still in the processor's caches.
            for (int i = 0; i < count; i++) {
                into[i] = free[freeCount + count - 1 - i];
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private void grow() {
        slabs[slabCount] = ByteBuffer.allocateDirect(SLAB_FRAMES * SECTOR);
        int first = slabCount << SLAB_SHIFT;
        slabCount++;
        for (int i = SLAB_FRAMES - 1; i >= 0; i--) {
            free[freeCount++] = first + i;
        }
    }

    void give(int[] frames, int from, int end) {
        if (from == end) {
            return;
        }
        lock.lock();
        try {
            Invariant.check(freeCount + end - from <= framesMax, "a frame was given back twice");
            for (int i = end - 1; i >= from; i--) {
                free[freeCount++] = frames[i];
            }
        } finally {
            lock.unlock();
        }
    }

    /** The buffer that holds a frame; only absolute access. */
    ByteBuffer slab(int frame) {
        return slabs[frame >> SLAB_SHIFT];
    }

    /** Where in {@link #slab} it begins. */
    static int at(int frame) {
        return (frame & (SLAB_FRAMES - 1)) * SECTOR;
    }
}

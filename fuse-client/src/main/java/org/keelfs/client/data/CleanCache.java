package org.keelfs.client.data;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;

/** Gives frames, if need be those of clean sectors that were not used lately. Thread-safe. */
final class CleanCache {
    /*
     * CLOCK over blocks: a hand goes round, a block used since it came by is spared once. It approximates LRU
     * without touching anything shared on a hit [1]. A block whose file is locked is passed over: the caller may
     * hold another file's lock, and waiting would need an order of locks.
     *
     * [1] Corbato: A paging experiment with the Multics system, 1968.
     */

    /** Between attempts when every frame is dirty or on its way. */
    private static final long RETRY_NS = 1_000_000;

    private final FramePool pool;
    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private final ArrayDeque<PageBlock> clock = new ArrayDeque<>();

    CleanCache(FramePool pool) {
        this.pool = pool;
    }

    /** Shows a block to the clock. Its file's lock is held. */
    void add(PageBlock block) {
        if (block.queued) {
            return;
        }
        block.queued = true;
        lock.lock();
        try {
            clock.addLast(block);
        } finally {
            lock.unlock();
        }
    }

    /** So many frames; null when they are not to be had at once. */
    @Nullable FrameList tryTake(int count) {
        var list = new FrameList(count);
        for (int attempt = 0; attempt < 3; attempt++) {
            if (pool.take(list.frames, count)) {
                list.count = count;
                return list;
            }
            evict(count);
        }
        return null;
    }

    /** So many frames; EIO at the deadline. */
    FrameList take(int count, long deadlineNs) {
        for (; ; ) {
            FrameList list = tryTake(count);
            if (list != null) {
                return list;
            }
            if (System.nanoTime() - deadlineNs >= 0) {
                throw new FsException(Errno.EIO, "no room for " + count + " sectors");
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new FsException(Errno.EINTR);
            }
            LockSupport.parkNanos(RETRY_NS);
        }
    }

    void give(FrameList list) {
        pool.give(list.frames, 0, list.count);
        list.count = 0;
    }

    /** Keeps blocks that hold only zeros, and so no frame, from growing without bound. */
    void bound() {
        int surplus = size() - pool.framesMax();
        if (surplus > 0) {
            var freed = new FrameList(PageBlock.SECTORS);
            for (int left = 2 * surplus; left > 0; left--) {
                sweep(freed);
            }
            give(freed);
        }
    }

    private int size() {
        lock.lock();
        try {
            return clock.size();
        } finally {
            lock.unlock();
        }
    }

    private void evict(int count) {
        var freed = new FrameList(count + PageBlock.SECTORS);
        // Twice round: once to clear the marks of use, once to take.
        for (int left = 2 * size(); left > 0 && freed.count < count; left--) {
            if (sweep(freed) < 0) {
                break;
            }
        }
        give(freed);
    }

    /** Moves the hand by one block; frames gained, negative when there is no block. */
    @CanIgnoreReturnValue
    private int sweep(FrameList freed) {
        PageBlock block = poll();
        if (block == null) {
            return -1;
        }
        FilePages file = block.file;
        if (!file.lock.tryLock()) {
            putBack(block);
            return 0;
        }
        try {
            int before = freed.count;
            if (block.referenced) {
                block.referenced = false;
            } else {
                file.dropIn(block, block.present & ~block.dirty, freed);
            }
            block.queued = !block.isEmpty();
            if (block.queued) {
                putBack(block);
            }
            return freed.count - before;
        } finally {
            file.lock.unlock();
        }
    }

    private @Nullable PageBlock poll() {
        lock.lock();
        try {
            return clock.pollFirst();
        } finally {
            lock.unlock();
        }
    }

    private void putBack(PageBlock block) {
        lock.lock();
        try {
            clock.addLast(block);
        } finally {
            lock.unlock();
        }
    }
}

package org.keelfs.buffer;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.foreign.Arena;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Off-heap memory within a budget of bytes, handed out as payloads. Thread-safe: one lock.
 *
 * <p>The bytes of a payload are not cleared: they hold whatever they held before.
 */
public final class BufferPool implements AutoCloseable {
    /* Memory comes in blocks of a few sizes, kept for the next taker. A size is 4160 bytes times a power
     * of two, or one and a half times that: n sectors of 4128 bytes then fit as n sectors of 4096 do,
     * and at most a third of a block is unused. The budget covers blocks in use and blocks kept; when
     * kept blocks of other sizes are in the way they are given back to the system. Longer payloads are
     * made and given back each time. Who waits for memory waits in the order of arrival, so that a long
     * one is not starved by short ones.
     */
    private static final Logger LOG = LoggerFactory.getLogger(BufferPool.class);

    /** One stored sector with the part of a log record's header that falls on it. */
    private static final int SMALLEST_BLOCK = 4160;

    /** Even sizes double from the smallest: the last is 1024 sectors, the longest frame. */
    private static final int SIZE_COUNT = 21;

    private static final int ALIGNMENT_BYTES = 64;

    private static final Cleaner LEAKS = Cleaner.create();

    private final String name;
    private final long budgetBytes;
    private final boolean traceLeaks;
    private final AtomicLong leaks = new AtomicLong();
    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private final ArrayDeque<Block>[] kept;

    @GuardedBy("lock")
    private final ArrayDeque<Condition> waiters = new ArrayDeque<>();

    @GuardedBy("lock")
    private long bytesInUse;

    @GuardedBy("lock")
    private long bytesKept;

    @GuardedBy("lock")
    private boolean closed;

    /** Memory of a fixed size; its arena is its own, so that it can be given back alone. */
    private record Block(Arena arena, ByteBuffer memory) {
        static Block of(int bytes) {
            Arena arena = Arena.ofShared();
            return new Block(arena, arena.allocate(bytes, ALIGNMENT_BYTES).asByteBuffer());
        }

        int bytes() {
            return memory.capacity();
        }

        void free() {
            arena.close();
        }
    }

    /**
     * @param name for messages
     * @param budgetBytes most memory it ever holds
     */
    public BufferPool(String name, long budgetBytes) {
        this(name, budgetBytes, false);
    }

    /**
     * The same for tests.
     *
     * @param traceLeaks log payloads that were lost without a release, with the place that asked
     *     for them; costs a stack trace each
     */
    @SuppressWarnings({"unchecked", "rawtypes"})
    public BufferPool(String name, long budgetBytes, boolean traceLeaks) {
        this.name = name;
        this.budgetBytes = budgetBytes;
        this.traceLeaks = traceLeaks;
        this.kept = new ArrayDeque[SIZE_COUNT];
        for (int i = 0; i < SIZE_COUNT; i++) {
            kept[i] = new ArrayDeque<>();
        }
    }

    public long budgetBytes() {
        return budgetBytes;
    }

    /** Bytes of blocks that are handed out. */
    public long bytesInUse() {
        lock.lock();
        try {
            return bytesInUse;
        } finally {
            lock.unlock();
        }
    }

    /** Payloads found lost so far, where leaks are traced. */
    public long leakCount() {
        return leaks.get();
    }

    /**
     * Memory of this length, now.
     *
     * @throws BudgetExceededException when there is none
     */
    public PayloadBuffer allocate(int length) {
        var payload = tryAllocate(length);
        if (payload == null) {
            throw exceeded(length);
        }
        return payload;
    }

    /** Memory of this length, or null when there is none now. */
    public @Nullable PayloadBuffer tryAllocate(int length) {
        if (length == 0) {
            return PayloadBuffer.EMPTY;
        }
        Block block;
        lock.lock();
        try {
            block = waiters.isEmpty() ? take(blockBytes(length)) : null;
        } finally {
            lock.unlock();
        }
        return block == null ? null : payload(block, length);
    }

    /**
     * Memory of this length, waiting for it. Never on an event loop.
     *
     * @throws BudgetExceededException when there was none in time
     */
    public PayloadBuffer allocate(int length, long timeoutMs) throws InterruptedException {
        if (length == 0) {
            return PayloadBuffer.EMPTY;
        }
        Block block;
        lock.lock();
        try {
            block = await(blockBytes(length), TimeUnit.MILLISECONDS.toNanos(timeoutMs));
        } finally {
            lock.unlock();
        }
        if (block == null) {
            throw exceeded(length);
        }
        return payload(block, length);
    }

    @GuardedBy("lock")
    private @Nullable Block await(int bytes, long timeoutNs) throws InterruptedException {
        Block block = waiters.isEmpty() ? take(bytes) : null;
        if (block != null || bytes > budgetBytes) {
            return block;
        }
        Condition turn = lock.newCondition();
        waiters.add(turn);
        try {
            long leftNs = timeoutNs;
            while (block == null && leftNs > 0) {
                leftNs = turn.awaitNanos(leftNs);
                block = turn.equals(waiters.peek()) ? take(bytes) : null;
            }
            return block;
        } finally {
            waiters.remove(turn);
            wakeFirst();
        }
    }

    @GuardedBy("lock")
    private void wakeFirst() {
        Condition first = waiters.peek();
        if (first != null) {
            first.signal();
        }
    }

    /** Bytes of the block that holds this length. */
    private static int blockBytes(int length) {
        int size = sizeIndex(length);
        return size < 0 ? length : bytesOf(size);
    }

    /** Index of the smallest size that holds this length; -1 when there is none. */
    private static int sizeIndex(int length) {
        if (length <= SMALLEST_BLOCK) {
            return 0;
        }
        // Sizes 2k and 2k + 1 are the smallest times 2^k and times 1.5 * 2^k.
        int k = 31 - Integer.numberOfLeadingZeros((length - 1) / SMALLEST_BLOCK);
        int size = length <= bytesOf(2 * k + 1) ? 2 * k + 1 : 2 * k + 2;
        return size < SIZE_COUNT ? size : -1;
    }

    private static int bytesOf(int size) {
        int even = SMALLEST_BLOCK << (size >> 1);
        return (size & 1) == 0 ? even : even + (even >> 1);
    }

    @GuardedBy("lock")
    private @Nullable Block take(int bytes) {
        if (closed) {
            throw new IllegalStateException("buffer pool " + name + " is closed");
        }
        int size = sizeIndex(bytes);
        Block block = size < 0 ? null : kept[size].pollLast();
        if (block != null) {
            bytesKept -= bytes;
        } else {
            if (bytesInUse + bytes > budgetBytes) {
                return null;
            }
            freeKept(bytesInUse + bytesKept + bytes - budgetBytes);
            block = Block.of(bytes);
        }
        bytesInUse += bytes;
        return block;
    }

    /** Gives kept blocks back to the system, the largest first, until so many bytes are freed. */
    @GuardedBy("lock")
    private void freeKept(long bytes) {
        long left = bytes;
        for (int size = SIZE_COUNT - 1; size >= 0 && left > 0; size--) {
            Block block;
            while (left > 0 && (block = kept[size].pollFirst()) != null) {
                left -= block.bytes();
                bytesKept -= block.bytes();
                block.free();
            }
        }
    }

    private PayloadBuffer payload(Block block, int length) {
        var bytes = block.memory().slice(0, length);
        if (!traceLeaks) {
            return new CountedPayload(bytes, () -> giveBack(block));
        }
        var trace = new LeakTrace(this, block, new Throwable("allocated here"));
        var payload = new CountedPayload(bytes, trace::onRelease);
        LEAKS.register(payload, trace);
        return payload;
    }

    private void giveBack(Block block) {
        int size = sizeIndex(block.bytes());
        boolean free = true;
        lock.lock();
        try {
            bytesInUse -= block.bytes();
            if (size >= 0 && !closed) {
                kept[size].addLast(block);
                bytesKept += block.bytes();
                free = false;
            }
            wakeFirst();
        } finally {
            lock.unlock();
        }
        if (free) {
            block.free();
        }
    }

    private BudgetExceededException exceeded(int length) {
        return new BudgetExceededException(
                "buffer pool %s: no room for %d bytes, %d of %d are in use"
                        .formatted(name, length, bytesInUse(), budgetBytes));
    }

    /** Gives back what is kept; what is handed out follows when it is released. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            freeKept(bytesKept);
        } finally {
            lock.unlock();
        }
    }

    /** Tells, when the payload is gone, whether its last holder released it. */
    private static final class LeakTrace implements Runnable {
        private final BufferPool pool;
        private final Block block;
        private volatile @Nullable Throwable place;

        LeakTrace(BufferPool pool, Block block, Throwable place) {
            this.pool = pool;
            this.block = block;
            this.place = place;
        }

        void onRelease() {
            place = null;
            pool.giveBack(block);
        }

        @Override
        public void run() {
            Throwable lost = place;
            if (lost != null) {
                pool.leaks.incrementAndGet();
                LOG.error("buffer pool {}: {} bytes lost", pool.name, block.bytes(), lost);
                pool.giveBack(block);
            }
        }
    }
}

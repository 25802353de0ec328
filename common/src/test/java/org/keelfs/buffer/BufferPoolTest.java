package org.keelfs.buffer;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.InvariantViolation;
import org.keelfs.model.Payload;

@Timeout(30)
class BufferPoolTest {
    private static final int MIB = 1 << 20;

    @Test
    void whatIsInUseNeverExceedsTheBudgetAndAllComesBack() {
        for (long seed = 0; seed < 30; seed++) {
            var random = new Random(seed);
            try (var pool = new BufferPool("test", 4 * MIB)) {
                var held = new ArrayList<PayloadBuffer>();
                for (int step = 0; step < 500; step++) {
                    if (random.nextBoolean() && !held.isEmpty()) {
                        held.remove(random.nextInt(held.size())).release();
                    } else {
                        int length = 1 + random.nextInt(1 << random.nextInt(1, 22));
                        var payload = pool.tryAllocate(length);
                        if (payload != null) {
                            assertEquals(length, payload.length());
                            assertEquals(length, payload.bytes().remaining());
                            held.add(payload);
                        }
                    }
                    long sum = held.stream().mapToLong(PayloadBuffer::length).sum();
                    assertTrue(pool.bytesInUse() >= sum);
                    assertTrue(pool.bytesInUse() <= pool.budgetBytes());
                }
                held.forEach(PayloadBuffer::release);
                assertEquals(0, pool.bytesInUse());
            }
        }
    }

    @Test
    void noTwoPayloadsShareMemory() {
        try (var pool = new BufferPool("test", 8 * MIB)) {
            var random = new Random(1);
            var held = new ArrayList<PayloadBuffer>();
            for (int round = 0; round < 5; round++) {
                for (int i = 0; i < 50; i++) {
                    var payload = pool.allocate(4 + random.nextInt(20_000));
                    payload.bytes().putInt(0, i);
                    payload.bytes().putInt(payload.length() - 4, i);
                    held.add(payload);
                }
                for (int i = 0; i < 50; i++) {
                    var bytes = held.get(i).bytes();
                    assertEquals(i, bytes.getInt(bytes.capacity() - 4));
                }
                held.forEach(PayloadBuffer::release);
                held.clear();
            }
        }
    }

    @Test
    void aMebibyteOfStoredSectorsWastesLittle() {
        try (var pool = new BufferPool("test", 8 * MIB)) {
            var payload = pool.allocate(256 * Payload.STORED_SECTOR_BYTES);
            assertTrue(pool.bytesInUse() < 1.02 * MIB, "in use: " + pool.bytesInUse());
            payload.release();
        }
    }

    @Test
    void anEmptyPayloadTakesNothing() {
        try (var pool = new BufferPool("test", 0)) {
            assertSame(PayloadBuffer.EMPTY, pool.allocate(0));
        }
    }

    @Test
    void beyondTheBudgetItFailsInOneLine() {
        try (var pool = new BufferPool("test", MIB)) {
            var failure = assertThrows(BudgetExceededException.class, () -> pool.allocate(2 * MIB));
            assertTrue(failure.getMessage().contains("test"), failure.getMessage());
            assertNull(pool.tryAllocate(MIB + 1));
        }
    }

    @Test
    void whoWaitsGetsMemoryInTheOrderOfArrival() throws Exception {
        try (var pool = new BufferPool("test", 64 * 4160)) {
            var all = pool.allocate(64 * 4160);
            var order = new ArrayBlockingQueue<String>(2);
            var large = waiter(pool, 64 * 4160, () -> order.add("large"));
            var small = waiter(pool, 4160, () -> order.add("small"));
            assertNull(pool.tryAllocate(1));
            all.release();
            large.join();
            small.join();
            assertEquals("large", order.poll());
            assertEquals("small", order.poll());
            assertEquals(0, pool.bytesInUse());
        }
    }

    /** Started and waiting when this returns. */
    private static Thread waiter(BufferPool pool, int length, Runnable got) throws Exception {
        var thread =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        var payload = pool.allocate(length, 20_000);
                                        got.run();
                                        payload.release();
                                    } catch (InterruptedException e) {
                                        Thread.currentThread().interrupt();
                                    }
                                });
        await().until(() -> thread.getState() == Thread.State.TIMED_WAITING);
        return thread;
    }

    @Test
    void whoWaitsTooLongIsTold() {
        try (var pool = new BufferPool("test", 4160)) {
            var all = pool.allocate(1);
            assertThrows(BudgetExceededException.class, () -> pool.allocate(1, 20));
            all.release();
            assertNotNull(pool.tryAllocate(1));
        }
    }

    @Test
    void slicesShareTheCountOfTheWhole() {
        try (var pool = new BufferPool("test", MIB)) {
            var whole = pool.allocate(100);
            whole.bytes().put(42, (byte) 7);
            var slice = whole.slice(40, 10).slice(2, 1);
            assertEquals(7, slice.bytes().get());
            assertThrows(IndexOutOfBoundsException.class, () -> slice.slice(0, 2));
            slice.retain();
            whole.release();
            assertTrue(pool.bytesInUse() > 0);
            slice.release();
            assertEquals(0, pool.bytesInUse());
        }
    }

    @Test
    void aPayloadIsNotUsedAfterItsLastRelease() {
        try (var pool = new BufferPool("test", MIB)) {
            var payload = pool.allocate(1);
            payload.release();
            assertThrows(InvariantViolation.class, payload::bytes);
            assertThrows(InvariantViolation.class, payload::retain);
            assertThrows(InvariantViolation.class, payload::release);
        }
    }

    @Test
    void aLostPayloadIsReportedAndItsMemoryComesBack() throws Exception {
        try (var pool = new BufferPool("test", MIB, true)) {
            var lost = new AtomicReference<>(pool.allocate(1_000));
            lost.set(null);
            await().atMost(1, TimeUnit.MINUTES)
                    .until(
                            () -> {
                                System.gc();
                                return pool.leakCount() > 0;
                            });
            await().until(() -> pool.bytesInUse() == 0);
        }
    }
}

package org.keelfs.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SerialExecutorTest {
    private final List<Throwable> failures = new ArrayList<>();
    private final SerialExecutor executor = new SerialExecutor(failures::add);

    @Test
    void aTaskThatHandsOverAnotherDoesNotRunItInside() {
        List<String> order = new ArrayList<>();
        executor.execute(
                () -> {
                    executor.execute(() -> order.add("second"));
                    order.add("first");
                });
        assertEquals(List.of("first", "second"), order);
    }

    @Test
    void afterAFailureTheNextRuns() {
        AtomicInteger ran = new AtomicInteger();
        executor.execute(
                () -> {
                    executor.execute(ran::incrementAndGet);
                    throw new IllegalStateException("expected");
                });
        assertEquals(1, ran.get());
        assertEquals(1, failures.size());
    }

    @Test
    void tasksOfManyThreadsNeverOverlapAndAllRun() throws InterruptedException {
        int perThread = 20_000;
        int[] unguarded = new int[1];
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger overlaps = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int i = 0; i < perThread; i++) {
                                            executor.execute(
                                                    () -> {
                                                        if (inside.incrementAndGet() != 1) {
                                                            overlaps.incrementAndGet();
                                                        }
                                                        unguarded[0]++;
                                                        inside.decrementAndGet();
                                                    });
                                        }
                                    }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        AtomicInteger seen = new AtomicInteger(-1);
        executor.execute(() -> seen.set(unguarded[0]));
        assertEquals(4 * perThread, seen.get());
        assertEquals(0, overlaps.get());
        assertTrue(failures.isEmpty());
    }
}

package org.keelfs.base;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Runs tasks one after another without a thread of its own: who hands one over while nobody is at
 * work runs it, and whatever others hand over meanwhile. So state that only such tasks touch needs
 * no lock, an uncontended call changes no thread, and a task that hands over another never runs
 * inside of it. Tasks must not block.
 */
public final class SerialExecutor implements Executor {
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final AtomicLong left = new AtomicLong();
    private final Consumer<Throwable> onFailure;

    /**
     * An idle one.
     *
     * @param onFailure is told what a task threw; the next tasks run all the same
     */
    public SerialExecutor(Consumer<Throwable> onFailure) {
        this.onFailure = onFailure;
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
        if (left.getAndIncrement() == 0) {
            work();
        }
    }

    private void work() {
        do {
            Runnable task = tasks.poll();
            try {
                if (task != null) {
                    task.run();
                }
            } catch (RuntimeException | Error e) {
                onFailure.accept(e);
            }
        } while (left.decrementAndGet() > 0);
    }
}

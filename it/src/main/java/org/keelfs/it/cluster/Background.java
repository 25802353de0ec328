package org.keelfs.it.cluster;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** A command that runs while a test goes on. */
public final class Background implements AutoCloseable {
    private final CompletableFuture<Shell.Result> result = new CompletableFuture<>();
    private final Thread thread;

    Background(Supplier<Shell.Result> command) {
        thread = Thread.ofVirtual().name("background").start(() -> run(command));
    }

    private void run(Supplier<Shell.Result> command) {
        try {
            result.complete(command.get());
        } catch (Throwable e) {
            result.completeExceptionally(e);
        }
    }

    /** Waits for its end. */
    public Shell.Result join(Duration timeout) {
        try {
            return result.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new AssertionError("in the background", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    /** Ends it, if it still runs. */
    @Override
    public void close() {
        thread.interrupt();
    }
}

package org.keelfs.it.cluster;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A command that runs while a test goes on. */
public final class Background implements AutoCloseable {
    /** No test runs longer. */
    private static final Duration TIMEOUT = Duration.ofMinutes(5);

    private final CompletableFuture<Shell.Result> result = new CompletableFuture<>();
    private final Thread thread;

    Background(Path directory, Map<String, String> environment, List<String> command) {
        thread =
                Thread.ofVirtual()
                        .name("background")
                        .start(
                                () -> {
                                    try {
                                        result.complete(
                                                Shell.run(
                                                        directory, environment, command, TIMEOUT));
                                    } catch (Throwable e) {
                                        result.completeExceptionally(e);
                                    }
                                });
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

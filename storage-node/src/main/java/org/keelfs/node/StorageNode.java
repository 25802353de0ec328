package org.keelfs.node;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.keelfs.config.ConfigFile;
import org.keelfs.config.Daemon;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The storage node's process: reads the configuration, runs a {@link RunningNode} until a signal or
 * an error that it cannot survive.
 */
public final class StorageNode implements Daemon {
    private static final Logger LOG = LoggerFactory.getLogger(StorageNode.class);

    /** How long a signal waits for an orderly stop. */
    private static final long STOP_TIMEOUT_MS = 20_000;

    private static final int EXIT_FAILED = 1;

    /** For {@link java.util.ServiceLoader}. */
    public StorageNode() {}

    @Override
    public String name() {
        return "storage-node";
    }

    @Override
    public Class<? extends Record> settings() {
        return StorageNodeConfig.class;
    }

    @Override
    public int run(Path configFile) throws Exception {
        var config = ConfigFile.load(configFile, StorageNodeConfig.class);
        var stop = new CountDownLatch(1);
        var stopped = new CountDownLatch(1);
        var failure = new AtomicReference<@Nullable Throwable>();
        var node =
                new RunningNode(
                        config,
                        e -> {
                            failure.compareAndSet(null, e);
                            stop.countDown();
                        });
        var hook = new Thread(() -> onSignal(stop, stopped), "stop");
        Runtime.getRuntime().addShutdownHook(hook);
        stop.await();
        var cause = failure.get();
        if (cause != null) {
            // Nothing more is written: what a dead store or a bug left in memory is not to be
            // trusted.
            LOG.error("node {} ends: {}", config.name(), cause.toString());
            Runtime.getRuntime().halt(EXIT_FAILED);
        }
        node.close();
        LOG.info("node {} stopped", config.name());
        stopped.countDown();
        return 0;
    }

    /** An orderly stop ends with exit code 0, not with that of the signal. */
    private static void onSignal(CountDownLatch stop, CountDownLatch stopped) {
        stop.countDown();
        int code = EXIT_FAILED;
        try {
            if (stopped.await(STOP_TIMEOUT_MS, TimeUnit.MILLISECONDS)) {
                code = 0;
            } else {
                LOG.error(
                        "not stopped after {} ms; the log has what was acknowledged",
                        STOP_TIMEOUT_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(code);
    }
}

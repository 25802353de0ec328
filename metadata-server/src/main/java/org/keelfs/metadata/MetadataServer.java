package org.keelfs.metadata;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.keelfs.config.ConfigFile;
import org.keelfs.config.Daemon;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process {@code keelfs metadata-server}. */
public final class MetadataServer implements Daemon {
    private static final Logger LOG = LoggerFactory.getLogger(MetadataServer.class);

    /** Exit code after a failure that must not be survived (EX_SOFTWARE of sysexits.h). */
    private static final int EXIT_FATAL = 70;

    @Override
    public String name() {
        return "metadata-server";
    }

    @Override
    public Class<? extends Record> settings() {
        return MetadataConfig.class;
    }

    @Override
    public int run(Path file) throws Exception {
        MetadataConfig config = ConfigFile.load(file, MetadataConfig.class);
        CountDownLatch stop = new CountDownLatch(1);
        CountDownLatch stopped = new CountDownLatch(1);
        Thread hook =
                Thread.ofPlatform()
                        .name("metadata-stop")
                        .unstarted(
                                () -> {
                                    stop.countDown();
                                    awaitUninterruptibly(stopped);
                                });
        try (var server = new RunningServer(config, MetadataServer::halt)) {
            Runtime.getRuntime().addShutdownHook(hook);
            LOG.info("{} listens on {}", config.name(), server.address());
            stop.await();
            LOG.info("{} stops", config.name());
        } finally {
            stopped.countDown();
        }
        return 0;
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        boolean interrupted = false;
        while (latch.getCount() > 0) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void halt(Throwable failure) {
        LOG.error("The metadata server cannot go on", failure);
        Runtime.getRuntime().halt(EXIT_FATAL);
    }
}

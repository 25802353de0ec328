package org.keelfs.client.mount;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.keelfs.fuse.FuseMount;
import org.keelfs.fuse.jnr.JnrMount;
import org.keelfs.fuse.kernel.KernelMount;
import org.keelfs.fuse.kernel.MountException;
import org.keelfs.fuse.kernel.MountOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Composition root of a mount: a {@link ClientStack} behind an adapter, from start to a clean end.
 * SIGTERM and SIGINT unmount, write everything back, and end the process.
 */
public final class Mount {
    private static final Logger LOG = LoggerFactory.getLogger(Mount.class);

    /** All is written. */
    public static final int CLEAN = 0;

    /** Some bytes could not be written; the log names the files. */
    public static final int UNSAVED = 3;

    /**
     * The contract of down: it returns within a minute, whatever is dead, and stops the servers
     * after us.
     */
    private static final int STOP_S = 42;

    /** In the state directory: names of files that could not be saved, one a line; for down. */
    private static final String UNSAVED_FILE = "unsaved";

    private static final Duration POLL = Duration.ofSeconds(1);

    private Mount() {}

    /**
     * Mounts and serves until unmounted or told to stop; returns the exit code.
     *
     * @param onReady runs when the mount can be used
     * @throws MountException when the mount point cannot be used
     * @throws org.keelfs.base.FsException when the volume cannot be opened
     */
    public static int run(MountConfig config, Path dir, Runnable onReady) {
        var options =
                MountOptions.builder()
                        .source("keelfs:" + config.volume())
                        .allowOther(config.allowOther())
                        .acl(config.acl())
                        .flags(config.flags())
                        .readAheadKb(config.readAheadKb())
                        .locks(config.locks())
                        .ownDirectories(List.of(config.stateDir().toAbsolutePath()))
                        .build();
        FuseMount mount =
                config.adapter().equals("jnr")
                        ? JnrMount.prepare(dir, options)
                        : KernelMount.prepare(dir, options);
        ClientStack stack = ClientStack.open(config);
        var ended = new CountDownLatch(1);
        var stopping = new AtomicBoolean();
        int[] code = {CLEAN};
        Thread hook = new Thread(() -> stop(mount, ended, stopping, code), "keelfs-stop");
        try {
            stack.fileSystem().attach(mount.cache());
            mount.start(stack.fileSystem());
            Runtime.getRuntime().addShutdownHook(hook);
            onReady.run();
            while (!mount.awaitEnd(POLL)) {
                // Served by the mount's own threads.
            }
            LOG.info("Unmounted {}", dir);
            code[0] = finish(stack, config.stateDir());
        } catch (RuntimeException e) {
            stack.close();
            throw e;
        } finally {
            ended.countDown();
            if (!stopping.get()) {
                boolean _ = removed(hook);
            }
        }
        return code[0];
    }

    private static boolean removed(Thread hook) {
        try {
            return Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            return false;
        }
    }

    private static int finish(ClientStack stack, Path stateDir) {
        List<String> unsaved = stack.flush();
        if (unsaved.isEmpty()) {
            stack.close();
            return CLEAN;
        }
        unsaved.forEach(file -> LOG.error("Unsaved data is lost: {}", file));
        try {
            Files.write(stateDir.resolve(UNSAVED_FILE), unsaved);
        } catch (IOException e) {
            LOG.error("The names of unsaved files could not be written to {}", stateDir, e);
        }
        return UNSAVED;
    }

    /** The way out of a signal: the process ends with the right code when all is written. */
    private static void stop(
            FuseMount mount, CountDownLatch ended, AtomicBoolean stopping, int[] code) {
        stopping.set(true);
        try {
            if (mount.isMounted()) {
                unmount(mount);
            }
            if (!ended.await(STOP_S, TimeUnit.SECONDS)) {
                LOG.error("Gave up after {} s", STOP_S);
                code[0] = UNSAVED;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(code[0]);
    }

    private static void unmount(FuseMount mount) {
        try {
            mount.unmount();
        } catch (MountException e) {
            LOG.warn(
                    "{}; detaching it: programs that still use it will get errors", e.getMessage());
            mount.detach();
            mount.abort();
        }
    }
}

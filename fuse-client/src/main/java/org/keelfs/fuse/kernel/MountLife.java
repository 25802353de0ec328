package org.keelfs.fuse.kernel;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.fuse.FuseMount;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From the mount to its end, as it is with every adapter, which says when it is mounted and when it
 * has ended. Thread-safe.
 */
public abstract class MountLife implements FuseMount {
    private static final Logger LOG = LoggerFactory.getLogger(MountLife.class);

    /** An end of the mount is waited for so long by {@link #close}. */
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(10);

    private final Path dir;
    private final CountDownLatch end = new CountDownLatch(1);
    private volatile boolean mounted;

    /** As mountinfo shows it, also to end it once it is detached. */
    private volatile MountPoint.@Nullable Mounted connection;

    /**
     * @param dir as {@link MountPoint#checked} gives it
     */
    protected MountLife(Path dir) {
        this.dir = dir;
    }

    /** Requests can come. */
    protected final void onMounted() {
        mounted = true;
    }

    /** They are served; the connection, if mountinfo shows it. */
    protected final MountPoint.@Nullable Mounted onServed() {
        MountPoint.Mounted found = MountPoint.mountedOn(dir);
        connection = found;
        return found;
    }

    /** No request comes any more. */
    protected final void onUnmounted() {
        mounted = false;
    }

    /** The last request is answered. */
    protected final void onEnd() {
        end.countDown();
    }

    protected final boolean hasEnded() {
        return end.getCount() == 0;
    }

    @Override
    public final Path dir() {
        return dir;
    }

    @Override
    public final boolean isMounted() {
        return mounted;
    }

    @Override
    public final void unmount() {
        if (mounted) {
            Mounting.unmount(dir, false);
        }
    }

    @Override
    public final void detach() {
        if (mounted) {
            Mounting.unmount(dir, true);
        }
    }

    @Override
    public final void abort() {
        MountPoint.Mounted known = connection;
        if (mounted && known != null) {
            Mounting.abort(dir, known);
        }
    }

    @Override
    public final boolean awaitEnd(Duration timeout) {
        try {
            return end.await(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public void close() {
        if (!mounted) {
            return;
        }
        try {
            unmount();
        } catch (MountException e) {
            LOG.warn("{}; taking it out of the tree", e.getMessage());
            detach();
        }
        if (!awaitEnd(CLOSE_WAIT)) {
            LOG.warn("the mount on {} is still in use after {} s", dir, CLOSE_WAIT.toSeconds());
        }
    }
}

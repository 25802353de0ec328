package org.keelfs.fuse.jnr;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.lease.KernelCache;
import org.keelfs.client.vfs.FileSystem;
import org.keelfs.fuse.kernel.MountException;
import org.keelfs.fuse.kernel.MountLife;
import org.keelfs.fuse.kernel.MountOptions;
import org.keelfs.fuse.kernel.MountPoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import ru.serce.jnrfuse.FuseException;

/**
 * A mount over jnr-fuse and libfuse 2, used as {@code KernelMount} is. For systems without the
 * kernel's own protocol; path based, so slower. Thread-safe.
 *
 * <p>What it cannot do: names that are not UTF-8 (EINVAL), rename flags, O_TMPFILE, SEEK_HOLE and
 * SEEK_DATA (the kernel then takes files as without holes), copy_file_range in the daemon, btime,
 * ACLs, locks beyond this machine, interrupts. The kernel keeps no names or attributes, so that
 * nothing needs to be invalidated; pages of an open file stay until it is opened again.
 */
public final class JnrMount extends MountLife {
    private static final Logger LOG = LoggerFactory.getLogger(JnrMount.class);

    private static final Duration START_WAIT = Duration.ofSeconds(20);

    /** The most that libfuse 2 takes. */
    private static final int WRITE_BYTES_MAX = 128 * 1024;

    private final MountOptions options;
    private volatile @Nullable Throwable failure;

    private JnrMount(Path dir, MountOptions options) {
        super(dir);
        this.options = options;
    }

    /**
     * Checks that the directory can be mounted on.
     *
     * @throws MountException with a message for the person who asked
     */
    public static JnrMount prepare(Path dir, MountOptions options) {
        return new JnrMount(MountPoint.checked(dir, options.ownDirectories()), options);
    }

    /** Nothing: the kernel caches nothing of this mount. */
    @Override
    public KernelCache cache() {
        return KernelCache.NONE;
    }

    @Override
    public void start(FileSystem fileSystem) {
        JnrOperations operations = operations(fileSystem);
        Thread.ofPlatform().daemon().name("fuse-jnr").start(() -> serve(operations));
        try {
            long deadline = System.nanoTime() + START_WAIT.toNanos();
            while (!operations.initialised().await(100, TimeUnit.MILLISECONDS)) {
                if (hasEnded()) {
                    throw new MountException(
                            "libfuse could not mount on %s; it said why on standard error"
                                    .formatted(dir()),
                            failure);
                }
                if (System.nanoTime() > deadline) {
                    throw new MountException("libfuse has not mounted on " + dir() + " in time");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MountException("interrupted while mounting on " + dir(), e);
        }
        onMounted();
        var _ = onServed();
        operations.disownShutdownHook();
        LOG.info("mounted on {} with libfuse 2", dir());
    }

    private static JnrOperations operations(FileSystem fileSystem) {
        try {
            return new JnrOperations(fileSystem);
        } catch (LinkageError e) {
            throw new MountException(
                    "adapter jnr needs libfuse.so.2. Install it: sudo apt-get install libfuse2", e);
        }
    }

    private void serve(JnrOperations operations) {
        try {
            operations.mount(dir(), true, false, arguments());
        } catch (FuseException e) {
            failure = e;
        } finally {
            operations.disownShutdownHook();
            onUnmounted();
            LOG.info("the mount on {} has ended", dir());
            onEnd();
        }
    }

    private String[] arguments() {
        var words = new ArrayList<String>();
        words.add("fsname=" + options.source().replace("\\", "\\\\").replace(",", "\\,"));
        words.addAll(
                List.of(
                        "subtype=keelfs",
                        "hard_remove",
                        "use_ino",
                        "entry_timeout=0",
                        "negative_timeout=0",
                        "attr_timeout=0",
                        "ac_attr_timeout=0",
                        "big_writes",
                        "no_remote_lock",
                        "max_write=" + WRITE_BYTES_MAX));
        words.addAll(options.words());
        if (options.defaultPermissions()) {
            words.add("default_permissions");
        }
        if (options.allowOther()) {
            words.add("allow_other");
        }
        return new String[] {"-o", String.join(",", words)};
    }
}

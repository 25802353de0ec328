package org.keelfs.fuse.kernel;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.keelfs.base.Errno;
import org.keelfs.client.lease.KernelCache;
import org.keelfs.client.vfs.FileSystem;
import org.keelfs.fuse.kernel.protocol.Opcode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A mount over the kernel protocol: {@link #prepare} checks, {@link #cache} is what the file system
 * needs to empty the kernel's caches, {@link #start} mounts and serves on threads of its own.
 * Thread-safe.
 *
 * <p>After {@link #unmount} requests (write-back, forgets) still come until {@link #awaitEnd}
 * returns true. The process that serves a mount must never touch files in it from a thread that
 * serves it.
 */
public final class KernelMount extends MountLife {
    private static final Logger LOG = LoggerFactory.getLogger(KernelMount.class);

    /** A process that is killed while it waits ends within about this time. */
    private static final int KILL_PERIOD_MS = 100;

    /** How often waiting requests are looked through for long waits. */
    private static final int WATCH_PERIOD_S = 5;

    private final MountOptions options;
    private final Notifier notifier =
            new Notifier(
                    Executors.newFixedThreadPool(
                            Notifier.THREADS,
                            Thread.ofPlatform().daemon().name("fuse-notify-", 0).factory()));
    private final ExecutorService waiters =
            Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("fuse-wait-", 0).factory());
    private final Requests requests = new Requests();
    private final List<Device> devices = new ArrayList<>();
    private final AtomicInteger readersLeft = new AtomicInteger();
    private final ScheduledExecutorService watch =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("fuse-watch").factory());

    private KernelMount(Path dir, MountOptions options) {
        super(dir);
        this.options = options;
    }

    /**
     * Checks that the directory can be mounted on, after clearing a mount there whose process died.
     *
     * @throws MountException with a message for the person who asked
     */
    public static KernelMount prepare(Path dir, MountOptions options) {
        return new KernelMount(MountPoint.checked(dir, options.ownDirectories()), options);
    }

    @Override
    public KernelCache cache() {
        return notifier;
    }

    @Override
    public void start(FileSystem fileSystem) {
        Device device = Mounting.mount(dir(), options);
        devices.add(device);
        onMounted();
        try {
            Negotiation negotiation = negotiate(device);
            boolean epochs = notifier.connect(device);
            LOG.info(
                    "mounted on {}: FUSE 7.{} (kernel 7.{}), flags {}, {} readers{}",
                    dir(),
                    negotiation.minor(),
                    negotiation.kernelMinor(),
                    Long.toHexString(negotiation.flags()),
                    options.readersOrDefault(),
                    epochs ? "" : ", no epochs: names are looked up each time");
            var dispatch = new Dispatch(fileSystem, negotiation, epochs);
            startReaders(device, new Serving(dispatch, requests, waiters, options));
        } catch (RuntimeException e) {
            onUnmounted();
            Mounting.unmount(dir(), true);
            endThreads();
            devices.forEach(Device::close);
            throw e;
        }
        Mounting.setReadAhead(onServed(), options.readAheadKb());
        var _ =
                watch.scheduleWithFixedDelay(
                        requests::interruptKilled,
                        KILL_PERIOD_MS,
                        KILL_PERIOD_MS,
                        TimeUnit.MILLISECONDS);
        var _ =
                watch.scheduleAtFixedRate(
                        requests::reportLongWaits,
                        WATCH_PERIOD_S,
                        WATCH_PERIOD_S,
                        TimeUnit.SECONDS);
    }

    /** The first request is INIT; nothing else comes before its answer. */
    private Negotiation negotiate(Device device) {
        int bytes = Serving.bufferBytes(options);
        var x =
                new Exchange(
                        device, new NativeBuffer(bytes), new NativeBuffer(NativeBuffer.PAGE * 2));
        int n;
        do {
            n = x.readRequest();
        } while (n == -Errno.EINTR.number() || n == -Errno.EAGAIN.number());
        if (n < 0 || x.opcode() != Opcode.INIT) {
            throw new MountException(
                    n < 0
                            ? "cannot read from /dev/fuse: " + Libc.CALLS.strerror(-n)
                            : "the kernel's first request is " + x + ", not INIT");
        }
        ByteBuffer body = x.bytesAt(0, x.bodyLength()).order(x.reply().order());
        Negotiation result = Negotiation.answer(body, 0, x.reply(), Exchange.BODY_AT, options);
        if (!x.replyOk(org.keelfs.fuse.kernel.protocol.Layout.InitOut.SIZE)) {
            throw new MountException("the kernel refused the answer to INIT");
        }
        return result;
    }

    private void startReaders(Device first, Serving serving) {
        int count = options.readersOrDefault();
        for (int i = 1; i < count; i++) {
            devices.add(first.cloned());
        }
        readersLeft.set(count);
        int bytes = Serving.bufferBytes(options);
        for (int i = 0; i < count; i++) {
            Thread.ofPlatform()
                    .daemon()
                    .name("fuse-reader-" + i)
                    .start(new Reader(devices.get(i), serving, bytes, this::onReaderEnd));
        }
    }

    private void onReaderEnd() {
        if (readersLeft.decrementAndGet() > 0) {
            return;
        }
        LOG.info("the mount on {} has ended", dir());
        onUnmounted();
        requests.interruptLockWaits();
        boolean idle = endThreads();
        // A reply or notification on its way holds a descriptor's number: closed late, it would hit
        // another file.
        for (int i = 0; requests.size() > 0 && i < 100; i++) {
            java.util.concurrent.locks.LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        }
        if (idle && requests.size() == 0) {
            devices.forEach(Device::close);
        } else {
            LOG.warn("{} requests of the ended mount on {} still wait", requests.size(), dir());
        }
        onEnd();
    }

    /** False when a notification is still under way. */
    @CanIgnoreReturnValue
    private boolean endThreads() {
        watch.shutdown();
        waiters.shutdown();
        return notifier.end();
    }

    @Override
    public void close() {
        if (isMounted()) {
            super.close();
        } else {
            endThreads();
        }
    }
}

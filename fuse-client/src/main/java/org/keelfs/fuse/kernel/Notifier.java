package org.keelfs.fuse.kernel;

import java.nio.ByteBuffer;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.client.lease.KernelCache;
import org.keelfs.fuse.kernel.protocol.Layout.Notify;
import org.keelfs.fuse.kernel.protocol.Layout.OutHeader;
import org.keelfs.model.InodeId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the kernel what to drop from its caches. Each notification is a write(2) that may wait for
 * requests in flight, so it runs on a platform thread of its own (a virtual one would pin the
 * carrier that these requests need); the caller waits for it. Thread-safe. Before the mount and
 * after its end there is nothing to drop.
 */
final class Notifier implements KernelCache {
    private static final Logger LOG = LoggerFactory.getLogger(Notifier.class);

    /** Recalls of so many files empty pages at once; each waits mostly for reads in flight. */
    static final int THREADS = 4;

    private static final long ALL_PAGES = 0;
    private static final long ATTRIBUTES_ONLY = -1;
    private static final int END_WAIT_S = 10;

    private final ExecutorService threads;
    private final ThreadLocal<NativeBuffer> buffers =
            ThreadLocal.withInitial(() -> new NativeBuffer(NativeBuffer.PAGE));
    private volatile @Nullable Device device;

    /**
     * @param threads of {@link #THREADS} platform threads, ended by {@link #end}
     */
    Notifier(ExecutorService threads) {
        this.threads = threads;
    }

    /**
     * From now on there is a kernel to tell. True when it can be told to look all names up again.
     */
    boolean connect(Device to) {
        device = to;
        return run(this::sendEpoch) == 0;
    }

    @Override
    public void invalidateData(InodeId inode, long offset, long length) {
        long bytes = length == 0 ? ALL_PAGES : length;
        report(run(() -> sendInode(inode, offset, bytes)), inode);
    }

    @Override
    public void invalidateAttributes(InodeId inode) {
        report(run(() -> sendInode(inode, ATTRIBUTES_ONLY, 0)), inode);
    }

    @Override
    public void invalidateDirectory(InodeId directory) {
        // Where the kernel knows no epochs, names were never left with it (Dispatch.mayKeepNames).
        report(
                run(
                        () -> {
                            int _ = sendEpoch();
                            return sendInode(directory, 0, ALL_PAGES);
                        }),
                directory);
    }

    private interface Sending {
        /** 0 or a negative errno. */
        int send();
    }

    /** Result of the notification; 0 where there is no mount. */
    private int run(Sending sending) {
        if (device == null) {
            return 0;
        }
        Future<Integer> result;
        try {
            result = threads.submit(sending::send);
        } catch (RejectedExecutionException e) {
            return 0;
        }
        return await(result);
    }

    /**
     * An interrupt of the caller does not end the wait: a recall goes on only when the pages are
     * gone.
     */
    private static int await(Future<Integer> result) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return result.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw new IllegalStateException(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private int sendInode(InodeId inode, long offset, long length) {
        NativeBuffer buffer = buffers.get();
        ByteBuffer bytes = buffer.bytes();
        bytes.putLong(OutHeader.SIZE + Notify.INO, inode.value());
        bytes.putLong(OutHeader.SIZE + Notify.OFF, offset);
        bytes.putLong(OutHeader.SIZE + Notify.LEN, length);
        return send(buffer, Notify.INVAL_INODE, Notify.INVAL_INODE_SIZE);
    }

    @Override
    public void storeByte(InodeId inode, long offset, byte value) {
        report(run(() -> sendByte(inode, offset, value)), inode);
    }

    private int sendByte(InodeId inode, long offset, byte value) {
        NativeBuffer buffer = buffers.get();
        ByteBuffer bytes = buffer.bytes();
        bytes.putLong(OutHeader.SIZE + Notify.INO, inode.value());
        bytes.putLong(OutHeader.SIZE + Notify.OFF, offset);
        bytes.putInt(OutHeader.SIZE + Notify.LEN, 1);
        bytes.putInt(OutHeader.SIZE + Notify.LEN + Integer.BYTES, 0);
        bytes.put(OutHeader.SIZE + Notify.STORE_SIZE, value);
        return send(buffer, Notify.STORE, Notify.STORE_SIZE + 1);
    }

    private int sendEpoch() {
        return send(buffers.get(), Notify.INC_EPOCH, 0);
    }

    private int send(NativeBuffer buffer, int code, int bodyBytes) {
        Device to = device;
        if (to == null) {
            return 0;
        }
        int total = OutHeader.SIZE + bodyBytes;
        buffer.bytes().putInt(OutHeader.LEN, total);
        buffer.bytes().putInt(OutHeader.ERROR, code);
        buffer.bytes().putLong(OutHeader.UNIQUE, 0);
        return to.write(buffer, 0, total);
    }

    /** ENOENT: the kernel does not know the inode. ENODEV, ENOTCONN: there is no mount any more. */
    private static void report(int result, InodeId inode) {
        Errno errno = Errno.of(-result);
        if (result != 0
                && errno != Errno.ENOENT
                && errno != Errno.ENODEV
                && errno != Errno.ENOTCONN) {
            LOG.error("the kernel refused to drop its cache of {}: errno {}", inode, -result);
        }
    }

    /** Ends the threads; the device may be closed when this returns true. */
    boolean end() {
        threads.shutdown();
        try {
            return threads.awaitTermination(END_WAIT_S, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}

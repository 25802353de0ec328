package org.keelfs.fuse.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.keelfs.base.Errno;
import org.keelfs.fuse.kernel.protocol.Layout;

/**
 * One descriptor of /dev/fuse: a queue of requests of a connection. Replies go to the descriptor on
 * which the request came. Thread-safe. The only class that gives addresses to the kernel on the
 * data path.
 */
final class Device implements AutoCloseable {
    static final Path PATH = Path.of("/dev/fuse");
    private static final int CLOSED = -1;

    private final AtomicInteger fd;

    Device(int fd) {
        this.fd = new AtomicInteger(fd);
    }

    /** A descriptor without a connection yet. */
    static Device open() {
        int fd = Libc.CALLS.open(PATH.toString(), Libc.O_RDWR | Libc.O_CLOEXEC);
        if (fd < 0) {
            throw new MountException(
                    "cannot open %s: %s. %s"
                            .formatted(
                                    PATH,
                                    Libc.error(),
                                    Libc.isErrno(Errno.ENOENT) || Libc.isErrno(Errno.ENODEV)
                                            ? "Load the kernel module: modprobe fuse"
                                            : "In a container: --device /dev/fuse --cap-add SYS_ADMIN"));
        }
        return new Device(fd);
    }

    /** A second descriptor of the same connection with a queue of its own. */
    Device cloned() {
        Device clone = open();
        var source = new NativeBuffer(Integer.BYTES);
        source.bytes().putInt(0, fd());
        long request = Integer.toUnsignedLong(Layout.DEV_IOC_CLONE);
        if (Libc.CALLS.ioctl(clone.fd(), request, source.address(0, Integer.BYTES)) != 0) {
            String error = Libc.error();
            clone.close();
            throw new MountException("cannot clone the descriptor of " + PATH + ": " + error);
        }
        return clone;
    }

    int fd() {
        return fd.get();
    }

    /** Reads one whole request to {@code offset}; its length, or the negative errno. Blocks. */
    int read(NativeBuffer into, int offset) {
        int room = into.capacity() - offset;
        long n = Libc.CALLS.read(fd(), into.address(offset, room), room);
        return n >= 0 ? (int) n : -Libc.errno();
    }

    /** Writes one whole reply or notification; 0, or the negative errno. */
    int write(NativeBuffer from, int offset, int length) {
        long n = Libc.CALLS.write(fd(), from.address(offset, length), length);
        return n >= 0 ? 0 : -Libc.errno();
    }

    @Override
    public void close() {
        int open = fd.getAndSet(CLOSED);
        if (open != CLOSED) {
            int _ = Libc.CALLS.close(open);
        }
    }

    /** A little direct buffer in host order, for structs of the C library. */
    static ByteBuffer struct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}

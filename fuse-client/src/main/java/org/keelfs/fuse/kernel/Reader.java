package org.keelfs.fuse.kernel;

import org.keelfs.base.Errno;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One platform thread: reads a request, serves it, reads the next. A blocked read pins its thread,
 * hence no virtual one. Ends when the mount ends.
 */
final class Reader implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Reader.class);

    private final Exchange exchange;
    private final Serving serving;
    private final Runnable onEnd;

    Reader(Device device, Serving serving, int bufferBytes, Runnable onEnd) {
        this.exchange =
                new Exchange(device, new NativeBuffer(bufferBytes), new NativeBuffer(bufferBytes));
        this.serving = serving;
        this.onEnd = onEnd;
    }

    @Override
    public void run() {
        try {
            while (readOne()) {
                serving.serveOnReader(exchange);
            }
        } finally {
            onEnd.run();
        }
    }

    /** False when there will be no more requests. */
    private boolean readOne() {
        while (true) {
            int n = exchange.readRequest();
            if (n >= 0) {
                return true;
            }
            switch (Errno.of(-n)) {
                // ENOENT: the request was interrupted before it was read.
                case EINTR, EAGAIN, ENOENT -> {}
                case ENODEV -> {
                    return false;
                }
                default -> {
                    LOG.warn("the connection to the kernel ended: {}", Libc.CALLS.strerror(-n));
                    return false;
                }
            }
        }
    }
}

package org.keelfs.fuse.kernel;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.base.Invariant;
import org.keelfs.client.vfs.WouldBlock;
import org.keelfs.fuse.kernel.protocol.Layout.InterruptIn;
import org.keelfs.fuse.kernel.protocol.Opcode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves requests: on the reader that read them, and those that have to wait on virtual threads.
 * The place where outcomes become errno numbers. Thread-safe.
 */
final class Serving {
    private static final Logger LOG = LoggerFactory.getLogger(Serving.class);

    /**
     * Requests up to this size are copied when they move, larger ones (WRITE) take their buffer
     * along.
     */
    private static final int COPIED_MAX = 16 * 1024;

    /** Room for a small reply's body. */
    private static final int SMALL_REPLY = 16 * 1024;

    /** Small replies under way on virtual threads: 20 KiB each. */
    private static final int SMALL_REPLIES_MAX = 1024;

    private final FailureLog failures = new FailureLog(System::nanoTime, LOG::warn);
    private final Dispatch dispatch;
    private final Requests requests;
    private final Executor waiters;
    private final BufferPool smallReplies =
            new BufferPool(Exchange.BODY_AT + SMALL_REPLY, SMALL_REPLIES_MAX);
    private final BufferPool largeReplies;
    private final BufferPool largeRequests;
    private final int bufferBytes;
    private final AtomicInteger readersFree;

    /**
     * @param waiters a virtual thread per task, for requests that wait
     */
    Serving(Dispatch dispatch, Requests requests, Executor waiters, MountOptions options) {
        this.dispatch = dispatch;
        this.requests = requests;
        this.waiters = waiters;
        this.bufferBytes = bufferBytes(options);
        // One half for each direction, so that reads cannot keep the writes out for which they
        // wait.
        int each = (int) Math.max(4, options.movedBytesMax() / 2 / bufferBytes);
        this.largeReplies = new BufferPool(bufferBytes, each);
        this.largeRequests = new BufferPool(bufferBytes, each);
        this.readersFree = new AtomicInteger(options.readersOrDefault());
    }

    /**
     * A buffer that takes any request, or any reply: headers in front of the first page, a page to
     * spare.
     */
    static int bufferBytes(MountOptions options) {
        return options.writeBytesMax() + 2 * NativeBuffer.PAGE;
    }

    /** Serves a request on a reader. The exchange is free for the next one afterwards. */
    void serveOnReader(Exchange x) {
        if (x.opcode() == Opcode.INTERRUPT) {
            requests.interrupt(x.longAt(InterruptIn.UNIQUE));
            return;
        }
        if (!serve(x, false)) {
            try {
                move(x);
            } catch (Throwable e) {
                LOG.error("{} could not move to a thread of its own; answered ENOMEM", x, e);
                x.replyError(Errno.ENOMEM);
            }
        }
    }

    /** False when the request has to wait and may not. */
    private boolean serve(Exchange x, boolean mayBlock) {
        Errno errno;
        try {
            int bytes = dispatch.serve(x, mayBlock);
            if (bytes != Dispatch.NO_REPLY && !x.replyOk(bytes)) {
                dispatch.undo(x);
            }
            return true;
        } catch (WouldBlock e) {
            if (!mayBlock) {
                return false;
            }
            errno = errno(x, e);
        } catch (Throwable e) {
            errno = errno(x, e);
        }
        x.replyError(errno);
        return true;
    }

    private Errno errno(Exchange x, Throwable failure) {
        if (failure instanceof FsException e) {
            LOG.debug("{}: {}", x, e.getMessage());
            failures.failed(x, e);
            return e.errno();
        }
        if (failure instanceof WouldBlock) {
            LOG.error("{} would block where it may wait; answered EIO. A bug", x, failure);
        } else {
            LOG.error("{} failed unexpectedly; answered EIO", x, failure);
        }
        return Errno.EIO;
    }

    private void move(Exchange x) {
        if (x.length() <= COPIED_MAX) {
            start(x.copied(), null);
            return;
        }
        NativeBuffer next = largeRequests.maybeTake();
        if (next != null) {
            start(x.moved(next), largeRequests);
        } else {
            waitOnReader(x);
        }
    }

    /**
     * All buffers are with requests that wait. The reader waits itself, which slows the writers
     * down, as long as others go on reading: interrupts and releases must always come through. The
     * last one makes room.
     */
    private void waitOnReader(Exchange x) {
        if (readersFree.decrementAndGet() > 0) {
            serveWaiting(x);
            readersFree.incrementAndGet();
            // An interrupt of that request must not reach the next one.
            boolean _ = Thread.interrupted();
        } else {
            readersFree.incrementAndGet();
            LOG.debug("all readers wait; one more buffer for {}", x);
            start(x.moved(new NativeBuffer(bufferBytes)), null);
        }
    }

    /**
     * @param requestPool where the request's buffer belongs, null if nowhere
     */
    private void start(Exchange x, @Nullable BufferPool requestPool) {
        waiters.execute(() -> serveMoved(x, requestPool));
    }

    private void serveMoved(Exchange x, @Nullable BufferPool requestPool) {
        if (x.opcode() == Opcode.SETLKW) {
            serveLockWait(x);
            return;
        }
        BufferPool replyPool = x.mayReplyMoreThan(SMALL_REPLY) ? largeReplies : smallReplies;
        NativeBuffer reply = replyPool.take();
        try {
            serveWaiting(x.withReply(reply));
        } finally {
            replyPool.give(reply);
            if (requestPool != null) {
                requestPool.give(x.requestBuffer());
            }
        }
    }

    /**
     * A program may wait for a lock for ever. It holds no buffer meanwhile: those who could unlock
     * might find none left.
     */
    private void serveLockWait(Exchange x) {
        Requests.Ticket ticket = requests.enter(x);
        Errno errno = null;
        try {
            int bodyBytes = dispatch.serve(x, true);
            Invariant.check(bodyBytes == 0, "a reply to SETLKW with a body");
        } catch (Throwable e) {
            errno = errno(x, e);
        } finally {
            requests.leave(x, ticket);
        }
        NativeBuffer reply = smallReplies.take();
        try {
            Exchange answered = x.withReply(reply);
            boolean _ = errno == null ? answered.replyOk(0) : answered.replyError(errno);
        } finally {
            smallReplies.give(reply);
        }
    }

    private void serveWaiting(Exchange x) {
        Requests.Ticket ticket = requests.enter(x);
        try {
            serve(x, true);
        } finally {
            requests.leave(x, ticket);
        }
    }
}

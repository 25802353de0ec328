package org.keelfs.client.meta;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.rpc.RpcReply;

/** Waiting for an answer on a virtual thread: every wait has a deadline and obeys an interrupt. */
final class Waits {
    /**
     * How long an interrupted caller still waits. Signals that a program handles itself (a
     * runtime's preemption, a child's end) are no wish to give up, and most answers are
     * milliseconds away.
     */
    static final long INTERRUPT_GRACE_MS = 1_000;

    private Waits() {}

    /** The value, or what it failed with; EINTR when interrupted for longer than the grace. */
    static <T> T await(CompletableFuture<T> future, long timeoutMs, String what) {
        try {
            return future.get(timeoutMs, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            return awaitInterrupted(future, what);
        } catch (TimeoutException e) {
            future.cancel(false);
            throw new FsException(Errno.EIO, what + ": no answer within " + timeoutMs + " ms");
        } catch (ExecutionException | CancellationException e) {
            throw unwrap(e);
        }
    }

    private static <T> T awaitInterrupted(CompletableFuture<T> future, String what) {
        try {
            return future.get(INTERRUPT_GRACE_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException | TimeoutException e) {
            throw new FsException(Errno.EINTR, what + ": interrupted");
        } catch (ExecutionException | CancellationException e) {
            throw unwrap(e);
        }
    }

    /** The message of an answer, which is released. */
    static <M extends MessageLite> M decoded(RpcReply reply, Parser<M> parser) {
        try {
            return reply.decode(parser);
        } finally {
            reply.release();
        }
    }

    static RuntimeException unwrap(Exception e) {
        Throwable cause =
                e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
        return cause instanceof RuntimeException r ? r : new IllegalStateException(cause);
    }
}

package org.keelfs.rpc;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A call that goes out, from its first byte to its outcome. Confined to its event loop but for the
 * future, which may be cancelled from anywhere.
 */
final class RpcCall extends DeadlineWheel.Entry {
    private final long id;
    private final RpcMethod method;
    private final long deadlineNs;
    private final RpcLoop loop;
    private final String peer;
    private final AtomicLong bytesInFlight;
    private final int frameLength;
    private final CallFuture future = new CallFuture(this);

    private @Nullable EncodedFrame frame;
    private @Nullable Link link;
    private boolean settled;

    /**
     * @param bytesInFlight the account that this call's bytes were added to; they are taken off at
     *     its end
     * @param peer address for messages
     */
    RpcCall(
            long id,
            RpcMethod method,
            long deadlineNs,
            RpcLoop loop,
            String peer,
            AtomicLong bytesInFlight,
            EncodedFrame frame) {
        this.id = id;
        this.method = method;
        this.deadlineNs = deadlineNs;
        this.loop = loop;
        this.peer = peer;
        this.bytesInFlight = bytesInFlight;
        this.frameLength = frame.length();
        this.frame = frame;
    }

    long id() {
        return id;
    }

    long deadlineNs() {
        return deadlineNs;
    }

    CompletableFuture<RpcReply> future() {
        return future;
    }

    boolean isSettled() {
        return settled;
    }

    /** The connection that it goes out on. */
    void onLink(Link link) {
        this.link = link;
    }

    /** Its frame, to be written now. */
    @Nullable EncodedFrame takeFrame() {
        var taken = frame;
        frame = null;
        return taken;
    }

    void complete(RpcReply reply) {
        if (!settle() || !future.complete(reply)) {
            reply.release();
        }
    }

    void fail(RpcStatus status, String reason) {
        if (settle()) {
            future.completeExceptionally(
                    new RpcException(status, method + " to " + peer + ": " + reason));
        }
    }

    void expire() {
        fail(RpcStatus.DEADLINE, "no answer in time");
    }

    private void onCancel() {
        boolean sent = frame == null;
        if (settle() && sent && link != null) {
            link.sendCancel(id);
        }
    }

    /** Ends its part in everything; false when that was done before. */
    private boolean settle() {
        if (settled) {
            return false;
        }
        settled = true;
        loop.unwatch(this);
        bytesInFlight.addAndGet(-frameLength);
        if (frame != null) {
            frame.release();
            frame = null;
        }
        if (link != null) {
            link.forget(this);
        }
        return true;
    }

    /** What the caller holds. */
    private static final class CallFuture extends CompletableFuture<RpcReply> {
        private final RpcCall call;

        CallFuture(RpcCall call) {
            this.call = call;
        }

        @Override
        public boolean cancel(boolean mayInterruptIfRunning) {
            boolean cancelled = super.cancel(mayInterruptIfRunning);
            if (cancelled && !call.settled) {
                try {
                    call.loop.eventLoop().execute(call::onCancel);
                } catch (RejectedExecutionException e) {
                    // The transport is closed, and this call ended with it.
                    return true;
                }
            }
            return cancelled;
        }

        /** Dependent stages are plain futures: cancelling one does not cancel the call. */
        @Override
        public <U> CompletableFuture<U> newIncompleteFuture() {
            return new CompletableFuture<>();
        }
    }
}

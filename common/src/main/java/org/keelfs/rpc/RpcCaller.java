package org.keelfs.rpc;

import com.google.protobuf.MessageLite;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.keelfs.buffer.PayloadBuffer;

/**
 * Something that calls can be sent to: a pool of connections to one peer, or the far end of one
 * connection.
 */
public interface RpcCaller {
    /**
     * Sends a call. Never blocks; when too many bytes wait for this peer it fails with BUSY.
     *
     * <p>The future completes on an event loop, which must not be blocked, with an {@link RpcReply}
     * that the caller releases, or with an {@link RpcException}. Cancelling the future cancels the
     * call at the peer.
     *
     * @param body of the type that {@link RpcMethod} names
     * @param payload sent behind the body, one after another, without a copy; the call takes over
     *     one count of each, whatever happens
     * @param timeoutMs from now; the peer learns it too
     */
    CompletableFuture<RpcReply> call(
            RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs);

    /** The same without payload. */
    default CompletableFuture<RpcReply> call(RpcMethod method, MessageLite body, long timeoutMs) {
        return call(method, body, List.of(), timeoutMs);
    }
}

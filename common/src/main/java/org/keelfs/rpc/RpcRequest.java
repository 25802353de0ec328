package org.keelfs.rpc;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.util.List;
import org.keelfs.buffer.PayloadBuffer;

/**
 * A call that came in. Answered exactly once, from any thread, now or later. Its payload is
 * released by the transport when it is answered: a handler that keeps it longer retains it.
 */
public interface RpcRequest {
    RpcMethod method();

    /** The body; throws {@link RpcException} with REFUSED when it is garbled. */
    <M extends MessageLite> M decode(Parser<M> parser);

    /** Raw bytes behind the body. */
    PayloadBuffer payload();

    /** Who is at the far end, by its certificate. */
    RpcPeer peer();

    /** {@link System#nanoTime()} at which the caller stops waiting. */
    long deadlineNs();

    /** Whether the caller cancelled or went away; a long handler looks now and then. */
    boolean isCancelled();

    /** Answers OK. Takes over one count of each payload piece. */
    void reply(MessageLite body, List<PayloadBuffer> payload);

    /** Answers OK without payload. */
    default void reply(MessageLite body) {
        reply(body, List.of());
    }

    /** Answers with a failure. */
    void fail(RpcStatus status, String message);
}

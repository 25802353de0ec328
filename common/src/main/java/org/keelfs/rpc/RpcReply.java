package org.keelfs.rpc;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.nio.ByteBuffer;
import org.keelfs.buffer.PayloadBuffer;

/**
 * The OK answer to a call. Holds one count of the payload: whoever gets the reply releases it.
 *
 * @param body encoded protobuf message
 * @param payload raw bytes behind the body, length 0 where there are none
 */
public record RpcReply(ByteBuffer body, PayloadBuffer payload) {
    /** The body as a message; FAILED when it is garbled. */
    public <M extends MessageLite> M decode(Parser<M> parser) {
        try {
            return parser.parseFrom(body.duplicate());
        } catch (InvalidProtocolBufferException e) {
            throw new RpcException(RpcStatus.FAILED, "garbled reply body: " + e.getMessage());
        }
    }

    /** Gives the payload back. */
    public void release() {
        payload.release();
    }
}

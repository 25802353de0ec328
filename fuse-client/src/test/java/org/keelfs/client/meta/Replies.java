package org.keelfs.client.meta;

import com.google.protobuf.MessageLite;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.rpc.RpcReply;
import org.keelfs.wire.proto.MetadataProto.OpenSessionReply;
import org.keelfs.wire.proto.MetadataProto.VolumeInfo;

/** Answers of metadata servers that are made for a test. */
public final class Replies {
    private Replies() {}

    /** An answer that is there at once. */
    public static CompletableFuture<RpcReply> of(MessageLite message) {
        return CompletableFuture.completedFuture(
                new RpcReply(ByteBuffer.wrap(message.toByteArray()), PayloadBuffer.EMPTY));
    }

    /** A session that a test never has to renew. */
    public static OpenSessionReply.Builder opened(long session) {
        return OpenSessionReply.newBuilder()
                .setSession(session)
                .setLeaseTermMs(60_000)
                .setRenewMs(60_000)
                .setVolume(VolumeInfo.newBuilder().setName("v"));
    }
}

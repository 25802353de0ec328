package org.keelfs.cli;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.io.IOException;
import java.util.concurrent.ExecutionException;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.rpc.RpcClient;
import org.keelfs.rpc.RpcConfig;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.rpc.RpcTransport;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsIdentity;
import org.keelfs.wire.proto.MetadataProto.StatusReply;
import org.keelfs.wire.proto.MetadataProto.StatusRequest;
import org.keelfs.wire.proto.MetadataProto.VolumeReply;
import org.keelfs.wire.proto.MetadataProto.VolumeRequest;

/** Calls of an administrator to the metadata server, one at a time. */
final class AdminConnection implements AutoCloseable {
    private static final long CALL_TIMEOUT_MS = 10_000;

    /** Between two attempts while a server is still starting. */
    private static final long RETRY_MS = 100;

    private final RpcTransport transport;
    private final RpcClient server;

    AdminConnection(AdminConfig config) throws IOException {
        transport =
                new RpcTransport(
                        TlsIdentity.load(config.ca(), config.cert(), config.key()),
                        RpcConfig.DEFAULT);
        server = transport.connect(config.metadataHost(), config.metadataPort(), Role.METADATA, 1);
    }

    StatusReply status() throws InterruptedException {
        return call(RpcMethod.STATUS, StatusRequest.getDefaultInstance(), StatusReply.parser());
    }

    /** Throws what the server answered instead of volumes. */
    VolumeReply volume(VolumeRequest request) throws InterruptedException {
        VolumeReply reply = call(RpcMethod.VOLUME, request, VolumeReply.parser());
        if (reply.getErrno() != 0) {
            Errno errno = Errno.of(reply.getErrno());
            throw new FsException(
                    errno, reply.getMessage().isEmpty() ? errno.name() : reply.getMessage());
        }
        return reply;
    }

    /** Waits until the server answers; throws its last failure when the time is over. */
    StatusReply awaitStatus(long timeoutMs) throws InterruptedException {
        long deadlineNs = System.nanoTime() + timeoutMs * 1_000_000;
        while (true) {
            try {
                return status();
            } catch (RpcException e) {
                boolean starting =
                        e.status() == RpcStatus.UNREACHABLE
                                || e.status() == RpcStatus.DEADLINE
                                || e.status() == RpcStatus.BUSY;
                if (!starting || System.nanoTime() > deadlineNs) {
                    throw e;
                }
            }
            pause();
        }
    }

    static void pause() throws InterruptedException {
        java.util.concurrent.TimeUnit.MILLISECONDS.sleep(RETRY_MS);
    }

    private <M extends MessageLite> M call(RpcMethod method, MessageLite body, Parser<M> parser)
            throws InterruptedException {
        RpcReply reply;
        try {
            reply = server.call(method, body, CALL_TIMEOUT_MS).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RpcException failure) {
                throw failure;
            }
            throw new IllegalStateException(e);
        }
        try {
            return reply.decode(parser);
        } finally {
            reply.release();
        }
    }

    @Override
    public void close() {
        transport.close();
    }
}

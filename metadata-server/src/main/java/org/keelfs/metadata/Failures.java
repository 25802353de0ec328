package org.keelfs.metadata;

import java.util.concurrent.CompletionException;
import org.keelfs.base.FsException;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How what went wrong is told to the caller. */
final class Failures {
    private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

    private Failures() {}

    static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null
                ? failure.getCause()
                : failure;
    }

    /** Ends the call; what nobody expected is logged. */
    static void answer(RpcRequest request, Throwable failure) {
        switch (cause(failure)) {
            case RpcException e -> request.fail(e.status(), String.valueOf(e.getMessage()));
            case FsException e ->
                    request.fail(RpcStatus.REFUSED, e.errno() + ": " + e.getMessage());
            case Throwable e -> {
                LOG.error("{} of {} failed", request.method(), request.peer().commonName(), e);
                request.fail(RpcStatus.FAILED, "failure in the metadata server, see its log");
            }
        }
    }
}

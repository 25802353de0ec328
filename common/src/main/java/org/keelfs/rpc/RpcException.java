package org.keelfs.rpc;

/** A call that did not end OK; no stack trace, the message names the peer and what it was. */
public final class RpcException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final RpcStatus status;

    public RpcException(RpcStatus status, String message) {
        super(message, null, false, false);
        this.status = status;
    }

    public RpcStatus status() {
        return status;
    }
}

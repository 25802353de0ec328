package org.keelfs.client.meta;

import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.rpc.RpcMethod;

/** EIO for a call that only its own session could make: that has been evicted. */
final class SessionGoneException extends FsException {
    private static final long serialVersionUID = 1L;

    SessionGoneException(RpcMethod method) {
        super(Errno.EIO, method + ": the session was evicted");
    }
}

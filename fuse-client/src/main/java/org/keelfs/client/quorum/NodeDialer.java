package org.keelfs.client.quorum;

import org.keelfs.rpc.RpcClient;

/** Makes pools of connections to storage nodes. */
@FunctionalInterface
public interface NodeDialer {
    /** Connects lazily; never blocks. */
    RpcClient connect(String host, int port);
}

package org.keelfs.rpc;

import java.net.InetSocketAddress;

/** A port that takes connections. */
public interface RpcServer extends AutoCloseable {
    /** Where it listens, with the port that was chosen where 0 was asked for. */
    InetSocketAddress address();

    /** Takes no more connections and ends those that there are; returns when the port is free. */
    @Override
    void close();
}

package org.keelfs.rpc;

/**
 * A pool of connections to one peer, made when first needed and again after they broke. Calls wait
 * while a connection is being made; when it cannot be made they end UNREACHABLE (or REFUSED, where
 * the certificates are the reason), and so do further ones, at once, until the next attempt.
 */
public interface RpcClient extends RpcCaller, AutoCloseable {
    /** Host and port for logs. */
    String address();

    /** Whether at least one connection is up now. */
    boolean isConnected();

    /** Ends its connections; unanswered calls end UNREACHABLE. */
    @Override
    void close();
}

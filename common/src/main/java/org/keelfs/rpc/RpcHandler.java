package org.keelfs.rpc;

/**
 * Where incoming calls go. Called on the connection's event loop: it answers at once or hands over,
 * and never blocks. An exception that it throws becomes the answer: an {@link RpcException} with
 * its status, any other as FAILED with a log line.
 */
@FunctionalInterface
public interface RpcHandler {
    void onRequest(RpcRequest request);
}

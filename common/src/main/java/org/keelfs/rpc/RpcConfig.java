package org.keelfs.rpc;

/**
 * Limits and times of a transport.
 *
 * @param eventLoops threads that move bytes; two keep both directions of a busy process going
 * @param connectTimeoutMs for TCP, TLS and the greeting together
 * @param pingMs a side that sent nothing for so long sends a sign of life; a peer of which nothing
 *     came for three times that is cut off
 * @param requestBytesMax calls sent and not yet answered per connection; beyond it a call ends BUSY
 * @param incomingBytesMax requests taken and not yet answered per connection; beyond it they are
 *     answered BUSY. Above the other side's requestBytesMax, so that this is met only by a peer
 *     that does not keep to its own limit
 * @param incomingTotalBytesMax requests taken and not yet answered on all connections together;
 *     beyond it only connections with nothing unanswered get one in
 * @param replyBytesMax replies that the peer has not read yet, per connection; beyond it its
 *     requests are answered BUSY
 * @param incomingCallsMax requests taken and not yet answered per connection, whatever their size
 * @param backoffFirstMs after a failed attempt to connect no other is made for about this long, and
 *     twice as long after each further one
 * @param backoffMaxMs up to this
 */
public record RpcConfig(
        int eventLoops,
        int connectTimeoutMs,
        int pingMs,
        long requestBytesMax,
        long incomingBytesMax,
        long incomingTotalBytesMax,
        long replyBytesMax,
        int incomingCallsMax,
        int backoffFirstMs,
        int backoffMaxMs) {
    private static final long MIB = 1 << 20;

    /** For a cluster of machines. */
    public static final RpcConfig DEFAULT =
            new RpcConfig(
                    2, 5_000, 3_000, 32 * MIB, 64 * MIB, 128 * MIB, 64 * MIB, 16_384, 50, 2_000);

    /** The same with another number of event loops. */
    public RpcConfig withEventLoops(int count) {
        return new RpcConfig(
                count,
                connectTimeoutMs,
                pingMs,
                requestBytesMax,
                incomingBytesMax,
                incomingTotalBytesMax,
                replyBytesMax,
                incomingCallsMax,
                backoffFirstMs,
                backoffMaxMs);
    }

    /** The same with another time for making a connection. */
    public RpcConfig withConnectTimeoutMs(int ms) {
        return new RpcConfig(
                eventLoops,
                ms,
                pingMs,
                requestBytesMax,
                incomingBytesMax,
                incomingTotalBytesMax,
                replyBytesMax,
                incomingCallsMax,
                backoffFirstMs,
                backoffMaxMs);
    }

    /** The same with other times for signs of life. */
    public RpcConfig withPingMs(int ms) {
        return new RpcConfig(
                eventLoops,
                connectTimeoutMs,
                ms,
                requestBytesMax,
                incomingBytesMax,
                incomingTotalBytesMax,
                replyBytesMax,
                incomingCallsMax,
                backoffFirstMs,
                backoffMaxMs);
    }

    /** The same with other limits of bytes. */
    public RpcConfig withBytesMax(long request, long incoming, long reply) {
        return new RpcConfig(
                eventLoops,
                connectTimeoutMs,
                pingMs,
                request,
                incoming,
                incomingTotalBytesMax,
                reply,
                incomingCallsMax,
                backoffFirstMs,
                backoffMaxMs);
    }
}

package org.keelfs.rpc;

/**
 * How a call ended, apart from what its body says. Numbers on the wire are the ordinals: append
 * only.
 */
public enum RpcStatus {
    /** The body is the answer. */
    OK,
    /** The peer understood and refuses: role, capability, unknown session; the text says why. */
    REFUSED,
    /** The deadline passed; whether it was carried out is unknown. */
    DEADLINE,
    /** No connection, or it broke; whether it was carried out is unknown. */
    UNREACHABLE,
    /** The caller cancelled; whether it was carried out is unknown. */
    CANCELLED,
    /** The peer has no room for more; it did nothing. */
    BUSY,
    /** The peer does not know the session: evicted, or it restarted without it. */
    SESSION_GONE,
    /** The capability has expired or its key is gone: fetch a new one, send the same again. */
    CAPABILITY_EXPIRED,
    /** A bug or a dead store at the peer; its log says more. */
    FAILED
}

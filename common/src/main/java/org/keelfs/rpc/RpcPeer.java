package org.keelfs.rpc;

import org.keelfs.security.tls.Role;

/**
 * The far end of one connection; alive while that connection is. Identity: compare with {@code ==}.
 */
public interface RpcPeer extends RpcCaller {
    /** Role in its certificate. */
    Role role();

    /** Subject common name in its certificate. */
    String commonName();

    /** SHA-256 of its certificate, lower-case hex: what a capability is bound to. */
    String certificateFingerprint();

    /** Address for logs. */
    String address();

    /** Runs once when the connection ends, at once if it has. On an event loop. */
    void onClose(Runnable action);
}

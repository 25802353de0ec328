package org.keelfs.rpc;

import org.keelfs.security.tls.Role;

/** Which role may send which calls to a server. A role that may send none may not connect. */
@FunctionalInterface
public interface RpcAuthority {
    boolean allows(Role role, RpcMethod method);

    /** What a metadata server takes; of VOLUME and STATUS a client may only ask. */
    RpcAuthority METADATA_SERVER =
            (role, method) ->
                    switch (method) {
                        case OPEN_SESSION,
                                RENEW,
                                CLOSE_SESSION,
                                SUBMIT,
                                FORCE,
                                LOOKUP,
                                GET_INODE,
                                READ_DIRECTORY,
                                ACQUIRE_LEASE,
                                RETURN_LEASE,
                                LAYOUT,
                                SEALED,
                                STATFS,
                                LOCK,
                                OPERATION_LOCK ->
                                role == Role.CLIENT;
                        case VOLUME, STATUS -> role == Role.ADMIN || role == Role.CLIENT;
                        case REGISTER_NODE, HEARTBEAT, CHUNK_REPORT -> role == Role.NODE;
                        case RECALL, LOCK_NOTICE, SECTORS, DROP_CHUNKS -> false;
                    };

    /** What a storage node takes; the metadata server sends it the promises of fences. */
    RpcAuthority STORAGE_NODE =
            (role, method) ->
                    switch (method) {
                        case SECTORS ->
                                role == Role.CLIENT || role == Role.NODE || role == Role.METADATA;
                        case DROP_CHUNKS -> role == Role.METADATA;
                        default -> false;
                    };

    /** Whether a role may connect at all. */
    default boolean allowsAny(Role role) {
        for (RpcMethod method : RpcMethod.values()) {
            if (allows(role, method)) {
                return true;
            }
        }
        return false;
    }
}

package org.keelfs.security.tls;

/** What a certificate of the cluster lets its holder be: the organisational unit of its subject. */
public enum Role {
    CLIENT,
    NODE,
    METADATA,
    ADMIN
}

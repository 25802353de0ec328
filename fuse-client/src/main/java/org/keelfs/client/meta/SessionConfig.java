package org.keelfs.client.meta;

/**
 * How a mount talks to the metadata server.
 *
 * @param volume name
 * @param mountId stable identity of the mount, 16 bytes
 * @param operationTimeoutMs an operation as the kernel sees it; then EIO
 * @param leaseMarginMs bound on the drift of clock rates over a lease term, taken off on this side
 */
public record SessionConfig(
        String volume, byte[] mountId, long operationTimeoutMs, long leaseMarginMs) {}

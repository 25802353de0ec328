package org.keelfs.register;

/**
 * What the verified capability of a request says about the node's part in the chunk (rule R11).
 *
 * @param member whether this node belongs to the chunk's replica set
 * @param createdEpoch the epoch in which the chunk was created, if the request's epoch is that one:
 *     then a WRITE needs no seal; 0 otherwise
 */
public record Membership(boolean member, long createdEpoch) {}

package org.keelfs.register;

import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;

/**
 * What the verified capability of a request says about the node's part in the chunk (rule R11).
 *
 * @param member whether this node belongs to the chunk's replica set
 * @param createdEpoch the epoch in which the chunk was created, if the request's epoch is that one:
 *     then a WRITE needs no seal; 0 otherwise
 * @param origin of a copy that is not known to be OPEN yet: what it begins with; null otherwise
 */
public record Membership(boolean member, long createdEpoch, @Nullable Origin origin) {
    /** Of a chunk that begins with zeros, or whose origin does not matter. */
    public Membership(boolean member, long createdEpoch) {
        this(member, createdEpoch, null);
    }

    /**
     * The frozen chunk that a copy is made of.
     *
     * @param chunk its id; nobody writes it while the copy is not known to be OPEN
     * @param frozenEpoch every replica sealed in it or later has the frozen contents
     * @param createdEpoch first epoch of the copy, in which nothing is written: a replica with just
     *     the frozen contents is sealed in it
     */
    public record Origin(ChunkId chunk, long frozenEpoch, long createdEpoch) {}
}

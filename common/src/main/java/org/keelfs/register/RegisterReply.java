package org.keelfs.register;

import java.util.List;

/** What a replica answers. STALE and UNSEALED are never an acknowledgement. */
public sealed interface RegisterReply {
    /** To PROMISE. */
    record Promised(long sealed, Digest digest) implements RegisterReply {}

    /** To STAMPS: ascending, not overlapping; sectors never written are left out. */
    record StampsAnswer(List<StampRun> stamps, long sealed, Digest digest)
            implements RegisterReply {}

    /** To READ and FETCH: ascending, not overlapping; sectors never written are left out. */
    record Values(List<ValueRun> values) implements RegisterReply {}

    /** To STAGE. */
    record Staged() implements RegisterReply {}

    /** To INSTALL: this very request put the fixes in place. */
    record Applied(int allocatedDelta) implements RegisterReply {}

    /**
     * To INSTALL and STAGE, nothing changed: the replica is already sealed in this or a later
     * epoch.
     */
    record Have(long sealed, Digest digest) implements RegisterReply {}

    /**
     * To WRITE: it or something newer is durable.
     *
     * @param allocatedDelta change in sectors that hold data
     */
    record Stored(int allocatedDelta) implements RegisterReply {}

    /** To PROBE. */
    record ProbeOk() implements RegisterReply {}

    /**
     * To all, nothing changed: something newer than the request's epoch is promised, or the epoch
     * is not above the node's floor. Below the request's epoch it comes from a tombstone: the
     * replica has no vote and takes only an INSTALL, from empty.
     */
    record Stale(long promised) implements RegisterReply {}

    /** To READ and WRITE: this replica is not sealed in the request's epoch. */
    record Unsealed(long sealed) implements RegisterReply {}

    /** This replica cannot answer: it never had the chunk, lost it, or its copy is damaged. */
    record Refused(Reason reason) implements RegisterReply {}

    /** Why a replica refuses. */
    enum Reason {
        /** READ or PROBE of a chunk that this node does not have. */
        UNKNOWN_CHUNK,
        /** The capability does not name this node as a member. */
        NOT_A_MEMBER,
        /** The chunk's copy here is damaged and waits for an INSTALL of a later epoch (R12). */
        DAMAGED,
        /** The digest of an INSTALL did not come out; nothing changed. */
        DIGEST_MISMATCH,
        /** No room for the bytes; nothing changed. */
        NO_SPACE,
        /** A replica of a copy that has yet to take the contents of its origin, and may still. */
        UNCOPIED
    }
}

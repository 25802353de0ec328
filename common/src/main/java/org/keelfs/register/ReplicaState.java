package org.keelfs.register;

/**
 * Durable state of one chunk at one node, besides its sectors.
 *
 * @param status what the node may do with it
 * @param promised p: highest epoch seen
 * @param sealed s, at most p: highest epoch whose opening this replica took part in
 * @param digest over all sectors in place
 */
public record ReplicaState(Status status, long promised, long sealed, Digest digest) {
    /** Whether a copy can be used. */
    public enum Status {
        /** A working copy. */
        LIVE,
        /** Given away (R11): answers STALE to all but an INSTALL of a later epoch. */
        TOMBSTONE,
        /**
         * Lost acknowledged data (R12): answers nothing, takes only an INSTALL of a later epoch.
         */
        DAMAGED
    }

    /** Of a chunk that this node never had. */
    static final ReplicaState UNKNOWN = new ReplicaState(Status.LIVE, 0, 0, Digest.EMPTY);

    /** With p raised to this epoch, if it is lower. */
    ReplicaState promising(long epoch) {
        return epoch > promised ? new ReplicaState(status, epoch, sealed, digest) : this;
    }

    /** A working copy, sealed in this epoch, with these sectors. */
    static ReplicaState sealedIn(long epoch, Digest digest) {
        return new ReplicaState(Status.LIVE, epoch, epoch, digest);
    }
}

package org.keelfs.it.sim;

import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.Hint;
import org.keelfs.register.Membership;

/** The metadata model's answer about the one chunk of the file. */
record Layout(
        Kind kind,
        ChunkId chunk,
        long epoch,
        long createdEpoch,
        ReplicaSet set,
        @Nullable Hint hint,
        boolean othersWrote,
        Membership.@Nullable Origin origin) {
    /** What the capability for the chunk of a round says; one without a session is a seal. */
    static Membership.@Nullable Origin originOf(@Nullable Layout known, @Nullable ChunkSession of) {
        if (known == null || (of != null && !of.grant().chunk().equals(known.chunk))) {
            return null;
        }
        return known.origin;
    }

    enum Kind {
        /** No chunk: zeros. */
        ABSENT,
        /** Made for this session in this epoch: no seal. */
        CREATED,
        OPEN,
        /** You seal. */
        SEAL,
        /** Another one seals; ask again. */
        WAIT,
        /** You hold no lease. */
        NO_LEASE
    }
}

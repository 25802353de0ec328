package org.keelfs.metadata.layout;

import org.jspecify.annotations.Nullable;
import org.keelfs.lease.LeaseMode;
import org.keelfs.lease.LeaseState;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.ChunkRow;

/** When an epoch goes on and when a fresh one is drawn (rules R2 and R3). Pure. */
public final class LayoutRules {
    /* An epoch is either one writer's or the readers'. That of a writer names the session (lastWriter): nobody
     * else was ever given it, so going on in it is safe exactly as long as that session still knows what its
     * replicas missed. It does when it has held the lease without a gap since the epoch was drawn, or says that it
     * does (known_epoch). That of readers (lastWriter 0) holds no write at all: every reader may share it for as
     * long as no writer has drawn another, however many leases came and went, also over a restart.
     *
     * So every hand-over from or to a writer draws a fresh epoch at the first layout request after it: the new
     * writer's session differs from the one recorded, and a reader meets a writer's epoch. An eviction needs no
     * rule of its own: the evicted writer's epoch is no other session's.
     *
     * That of sharers (lastWriter SHARED) is every sharer's of one period: from the first SHARED lease on the file to
     * the return of the last. All leases of a period began at the same stamp, so an epoch above it was drawn in it.
     */

    /* A frozen chunk, which several files have, is never written: its epochs are readers' whatever lease the asker
     * holds. Who is going to write gets a copy, and so does who shares the file, as the rounds of R8 are only for epochs
     * of sharers. One that is about to be cloned is given a reader's epoch in the same way, before it is frozen.
     */

    /** As last writer of a chunk: all that shared its file when its epoch was drawn. */
    public static final long SHARED = ChunkRow.SHARED;

    /**
     * A seal takes some round trips; who has not finished after this is taken for lost when another
     * asks.
     */
    public static final long SEAL_TIMEOUT_NS = 10_000_000_000L;

    private LayoutRules() {}

    /**
     * One request for one chunk.
     *
     * @param session who asks
     * @param lease what it holds of the file
     * @param write whether the chunk is to be made where there is none
     * @param knownEpoch epoch in which it still has its state of the chunk, 0 for none
     * @param newEpoch whether it lost that state or met a newer promise
     * @param use whether it is going to write it, or to have it cloned
     */
    public record Ask(
            SessionId session,
            LeaseState lease,
            boolean write,
            long knownEpoch,
            boolean newEpoch,
            Use use) {
        /** Of a chunk that is neither frozen nor to be. */
        public Ask(
                SessionId session,
                LeaseState lease,
                boolean write,
                long knownEpoch,
                boolean newEpoch) {
            this(session, lease, write, knownEpoch, newEpoch, write ? Use.CHANGE : Use.READ);
        }

        boolean changes() {
            return use == Use.CHANGE || write || isSharer();
        }

        boolean isWriter() {
            return lease.mode() == LeaseMode.WRITE || isSharer();
        }

        boolean isSharer() {
            return lease.mode() == LeaseMode.SHARED;
        }
    }

    /** What a chunk is wanted for. */
    public enum Use {
        /** To read; a holder of WRITE may write in the epoch unless the chunk is frozen. */
        READ,
        /** To write. */
        CHANGE,
        /** To be cloned: nobody may write in the epoch. */
        FREEZE
    }

    /**
     * Whether the asker gets the chunk as readers do, though it may hold WRITE: it cannot write
     * with what it gets.
     */
    public static boolean asReader(ChunkRow row, Ask ask) {
        return (row.isFrozen() && !ask.changes()) || ask.use() == Use.FREEZE;
    }

    /**
     * Decides.
     *
     * @param row the chunk, or null where there is none
     * @param sealing its seal under way, or null
     * @param sealerLives whether that sealer is open and still holds a lease on the file
     */
    public static LayoutDecision decide(
            @Nullable ChunkRow row,
            Ask ask,
            @Nullable Sealing sealing,
            boolean sealerLives,
            long nowNs) {
        if (ask.lease().mode() == LeaseMode.NONE || (ask.write() && !ask.isWriter())) {
            return LayoutDecision.NO_LEASE;
        }
        if (row == null) {
            return ask.write() ? LayoutDecision.CREATE : LayoutDecision.ABSENT;
        }
        if (row.isFrozen() && ask.changes() && ask.isWriter()) {
            return LayoutDecision.COPY;
        }
        boolean current = ask.knownEpoch() == row.epoch();
        if (ask.newEpoch() && (current || ask.knownEpoch() == 0)) {
            return LayoutDecision.FRESH;
        }
        boolean reads = asReader(row, ask);
        if (ask.isSharer() && !reads) {
            boolean ours = row.lastWriter() == SHARED && row.epoch() - ask.lease().since() > 0;
            return ours ? joined(row, ask, sealing, sealerLives, nowNs) : LayoutDecision.FRESH;
        }
        boolean own = row.lastWriter() == ask.session().value();
        boolean readers = row.lastWriter() == 0;
        boolean fits = reads ? readers : own || (readers && !ask.isWriter());
        if (!fits) {
            return LayoutDecision.FRESH;
        }
        if (row.opened()) {
            boolean remembers = current || row.epoch() - ask.lease().since() > 0;
            return readers || remembers ? LayoutDecision.GO_ON : LayoutDecision.FRESH;
        }
        return whileSealing(row, ask, sealing, sealerLives, nowNs);
    }

    /** In SHARED mode nobody needs to remember anything: what was written is asked for (R8). */
    private static LayoutDecision joined(
            ChunkRow row, Ask ask, @Nullable Sealing sealing, boolean sealerLives, long nowNs) {
        return row.opened()
                ? LayoutDecision.GO_ON
                : whileSealing(row, ask, sealing, sealerLives, nowNs);
    }

    private static LayoutDecision whileSealing(
            ChunkRow row, Ask ask, @Nullable Sealing sealing, boolean sealerLives, long nowNs) {
        if (sealing == null || sealing.epoch() != row.epoch()) {
            return LayoutDecision.FRESH;
        }
        if (sealing.sealer().equals(ask.session())) {
            // Without its state it would start over in the same epoch, with another T.
            boolean goesOn = ask.knownEpoch() == row.epoch();
            return goesOn ? LayoutDecision.SEAL_ON : LayoutDecision.FRESH;
        }
        boolean lost = !sealerLives || nowNs - sealing.sinceNs() >= SEAL_TIMEOUT_NS;
        return lost ? LayoutDecision.FRESH : LayoutDecision.WAIT;
    }
}

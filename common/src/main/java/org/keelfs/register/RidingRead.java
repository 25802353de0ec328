package org.keelfs.register;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;

/**
 * A READ that rides behind the request that seals its replica, so that a cold read takes no round
 * trip of its own (decision 0065). Part of a {@link SealRound}, which decides when its values may
 * be shown.
 */
final class RidingRead {
    /* It is sent behind a PROMISE with a hint, and where the hint did not fit once more behind an INSTALL without fixes.
     * A replica handles the operations of a frame in order, so that a READ behind the one that seals finds s == e; one
     * that comes too early gets UNSEALED, and is no answer. */

    /** Behind the PROMISE, and behind the INSTALL; or of two replicas. */
    private static final int ASKED_MAX = 2;

    private final RegisterRequest.Read read;
    private final List<NodeId> order;
    private int askedCount;
    private @Nullable NodeId asked;
    private long askedNs;
    private @Nullable List<ValueRun> values;
    private long patientUntilNs = Long.MAX_VALUE;

    RidingRead(ChunkGrant grant, SectorRun run, List<NodeId> order) {
        this.read = new RegisterRequest.Read(grant.chunk(), grant.epoch(), run);
        this.order = new ArrayList<>(order);
    }

    /**
     * Sends it behind what seals the nearest of these, unless it is on its way, or only it was
     * waited for.
     */
    void maybeAsk(List<NodeId> sealing, long nowNs, RoundEffects<?> out) {
        boolean late = patientUntilNs != Long.MAX_VALUE;
        if (asked != null || late || askedCount == ASKED_MAX) {
            return;
        }
        for (NodeId node : order) {
            if (sealing.contains(node)) {
                askedCount++;
                asked = node;
                askedNs = nowNs;
                out.send(node, read);
                return;
            }
        }
    }

    /** Whether the answer was to this. */
    boolean onReply(NodeId from, RegisterRequest request, RegisterReply reply) {
        if (!request.equals(read)) {
            return false;
        }
        if (from.equals(asked) && values == null) {
            switch (reply) {
                case RegisterReply.Values(var found) -> values = found;
                case RegisterReply.Unsealed(_) -> asked = null;
                default -> giveUp(from);
            }
        }
        return true;
    }

    /** No answer will come. Whether it was this that was asked. */
    boolean onFailure(NodeId from, RegisterRequest request) {
        if (!request.equals(read)) {
            return false;
        }
        if (from.equals(asked) && values == null) {
            giveUp(from);
        }
        return true;
    }

    private void giveUp(NodeId node) {
        order.remove(node);
        asked = null;
    }

    /**
     * The chunk is OPEN. Whether the answer is worth waiting for: no longer than the round trip
     * that would be saved, which is about what the others took.
     */
    boolean awaited(List<NodeId> sealed, long nowNs) {
        if (asked == null || answer(sealed) != null) {
            return false;
        }
        if (patientUntilNs == Long.MAX_VALUE) {
            patientUntilNs = nowNs + Math.max(1, nowNs - askedNs);
        }
        return nowNs < patientUntilNs;
    }

    /** When {@link #awaited} will say no, once it said yes. */
    long nextDeadlineNs() {
        return patientUntilNs;
    }

    /**
     * What it brought, if that may be shown: its replica is one of those that this round knows to
     * be sealed with T.
     *
     * @param sealed a majority
     */
    ReadOutcome.@Nullable Answered answer(List<NodeId> sealed) {
        var source = asked;
        var found = values;
        return source != null && found != null && sealed.contains(source)
                ? new ReadOutcome.Answered(found, source, List.of())
                : null;
    }
}

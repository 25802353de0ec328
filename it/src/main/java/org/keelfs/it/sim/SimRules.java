package org.keelfs.it.sim;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.CounterSource;
import org.keelfs.register.Hint;
import org.keelfs.register.Membership;
import org.keelfs.register.ReadPlan;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.ReplicaEffects;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaRegister;
import org.keelfs.register.ReplicaTable;
import org.keelfs.register.Round;
import org.keelfs.register.RoundTimes;
import org.keelfs.register.SealRound;
import org.keelfs.register.SharedReadRound;
import org.keelfs.replicaset.CatchUp;

/**
 * The decisions of a simulated cluster that a broken variant changes, each right as it stands here.
 * What the machines decide is changed by giving out a subclass of the machine.
 */
public class SimRules {
    /** What the client's session object is made from. */
    public record SessionParts(
            ChunkGrant grant,
            CounterSource counters,
            int missedRunsMax,
            boolean created,
            List<NodeId> sealed) {}

    /** The session object with the simulator's small bound on missed runs. */
    public static class SimSession extends ChunkSession {
        public SimSession(SessionParts parts) {
            super(
                    parts.grant(),
                    parts.counters(),
                    parts.missedRunsMax(),
                    parts.created(),
                    parts.sealed());
        }
    }

    /** Counters of one mount. */
    public CounterSource counters() {
        return new CounterSource() {
            private long last;

            @Override
            public long nextAbove(long seen) {
                last = Math.max(last, seen) + 1;
                return last;
            }
        };
    }

    // ---- storage nodes ----

    public <R> ReplicaRegister<R> replica(ReplicaTable table) {
        return new ReplicaRegister<>(table);
    }

    public RegisterRequest atNode(RegisterRequest request) {
        return request;
    }

    public <R> ReplicaEffects<R> atDisk(ReplicaEffects<R> effects, ReplicaTable table) {
        return effects;
    }

    /** The records that recovery replays. */
    public List<ReplicaRecord> recovered(List<ReplicaRecord> durable) {
        return durable;
    }

    public boolean keepsTombstones() {
        return true;
    }

    public boolean raisesFloor() {
        return true;
    }

    public boolean failedSyncEndsStore() {
        return true;
    }

    /** A store that lost its contents comes back as a new node (R12). */
    public boolean emptyStoreIsNewNode() {
        return true;
    }

    /** A store whose log is damaged before its tail comes back as a new node (R12). */
    public boolean damagedStoreIsNewNode() {
        return true;
    }

    /** The epoch in which a replica that was given the contents of its origin is sealed. */
    public long copiedIn(Membership.Origin origin, RegisterRequest request) {
        return origin.createdEpoch();
    }

    /** Whether tables are inconsistent on purpose, so that their invariants mean nothing. */
    public boolean breaksTables() {
        return false;
    }

    // ---- clients ----

    public ChunkSession session(SessionParts parts) {
        return new SimSession(parts);
    }

    public SealRound seal(
            ChunkGrant grant,
            ReplicaSet voters,
            @Nullable Hint hint,
            RoundTimes times,
            boolean copy) {
        return new SealRound(grant, voters, hint, times, copy);
    }

    public CatchUp catchUp(ChunkSession session, NodeId target, RoundTimes times) {
        return new CatchUp(session, target, times);
    }

    public RegisterReply atClient(RegisterRequest request, RegisterReply reply) {
        return reply;
    }

    /** What a round sends; the answer is given to the round as one to its own request. */
    public RegisterRequest sent(
            Round<?> round, @Nullable ChunkSession session, RegisterRequest request) {
        return request;
    }

    /** Whom a read asks. */
    public List<NodeId> sources(ReadPlan.Part part, ReplicaSet set) {
        return part.sources();
    }

    public SharedReadRound sharedRead(
            ChunkSession session, SectorRun run, List<NodeId> order, RoundTimes times) {
        return new SharedReadRound(session, run, order, times);
    }

    /** Whether a read that rides along with a seal is answered when the chunk is OPEN. */
    public boolean ridersWaitForOpen() {
        return true;
    }

    /** A write of unknown outcome gets a new timestamp though others may have written since. */
    public boolean newTimestampForUnknown() {
        return false;
    }

    public boolean sealsAgainInSameEpoch() {
        return false;
    }

    public boolean hintsFromShared() {
        return false;
    }

    // ---- metadata server ----

    public boolean hintSurvivesWriter() {
        return false;
    }

    public boolean commitsOnlyCurrentChange() {
        return true;
    }

    public boolean commitsAfterInstall() {
        return true;
    }

    /** From which seal on a replica of a frozen chunk has its contents. */
    public long frozenIn(long sealedEpoch) {
        return sealedEpoch;
    }

    public boolean keepsOriginUntilOpen() {
        return true;
    }

    public boolean oneSealer() {
        return true;
    }

    public boolean fencesBeforeDrop() {
        return true;
    }
}

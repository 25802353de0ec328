package org.keelfs.it.sim.mutant;

import java.util.function.Consumer;
import java.util.function.Supplier;
import org.keelfs.it.sim.SimCluster;
import org.keelfs.it.sim.SimOptions;
import org.keelfs.it.sim.SimRules;
import org.keelfs.register.RegisterReply;

/**
 * DESIGN section 4, "Broken on purpose": each variant breaks one rule and must be caught within
 * some seeds of its scenario. All but the deposed leader that grants, which the metadata model does
 * not have.
 */
public enum Mutant {
    /** Nothing is broken. */
    NONE(SimRules::new, o -> {}),

    NEW_TIMESTAMP_ON_RETRY(
            () ->
                    new SimRules() {
                        @Override
                        public boolean newTimestampForUnknown() {
                            return true;
                        }
                    },
            Mutant::evictions),
    ACKNOWLEDGES_BEFORE_DURABLE(() -> new NodeMutants.RepliesBeforeDurable(true), Mutant::crashes),
    ANSWERS_THAT_STORE_NOTHING_AT_ONCE(
            () -> new NodeMutants.RepliesBeforeDurable(false),
            o -> {
                crashes(o);
                o.duplicatePercent = 50;
            }),
    FAILED_FSYNC_RETRIED(
            () ->
                    new SimRules() {
                        @Override
                        public boolean failedSyncEndsStore() {
                            return false;
                        }
                    },
            o -> {
                crashes(o);
                o.failedSyncPercent = 150;
            }),
    AMNESIAC_REPLICA_VOTES(
            () ->
                    new SimRules() {
                        @Override
                        public boolean emptyStoreIsNewNode() {
                            return false;
                        }
                    },
            o -> {
                losses(o);
                o.wipePercent = 40;
            }),
    IMPOSES_WITH_NEW_TIMESTAMP(ClientMutants.ImposesWithNewTimestamp::new, Mutant::shared),
    FENCES_ON_THE_VALUES_EPOCH(NodeMutants.FencesOnTheValuesEpoch::new, Mutant::losses),
    PROMISE_NOT_DURABLE(
            NodeMutants.PromiseNotDurable::new,
            o -> {
                crashes(o);
                o.hints = 100;
                o.lossPercent = 0;
                o.writePercent = 15;
            }),
    NO_TOMBSTONE(
            () ->
                    new SimRules() {
                        @Override
                        public boolean keepsTombstones() {
                            return false;
                        }
                    },
            o -> {
                truncations(o);
                o.truncatePercent = 15;
                o.spareNodes = 3;
                o.setChangePercent = 60;
            }),
    TIMESTAMP_REUSED_BY_TWO_THREADS(
            ClientMutants.CounterReused::new,
            o -> {
                shared(o);
                o.threadsPerClient = 3;
                o.operationsPerClient = 12;
            }),
    TIMESTAMP_REUSED_AFTER_RESTART(
            ClientMutants.CounterReused::new,
            o -> {
                shared(o);
                o.deadlineNs = 30_000;
            }),
    LEASE_RETURNED_IN_DOUBT_AS_CLEAN(
            () -> new ClientMutants.WithSession(ClientMutants.NeverInDoubt::new),
            o -> {
                doubts(o);
                o.clients = 3;
                o.writePercent = 40;
            }),
    HINT_KEPT_OVER_A_WRITER(
            () ->
                    new SimRules() {
                        @Override
                        public boolean hintSurvivesWriter() {
                            return true;
                        }
                    },
            Mutant::losses),
    HINT_FROM_SHARED_MODE(
            ClientMutants.HintsFromShared::new,
            o -> {
                losses(o);
                o.clients = 3;
                o.sharedPercent = 60;
                o.hints = 100;
            }),
    HINT_FROM_A_REPLICA_THAT_MISSED(
            () -> new ClientMutants.WithSession(ClientMutants.HintFromAny::new),
            o -> {
                losses(o);
                o.hints = 100;
                o.resumePercent = 100;
            }),
    MISSED_RUNS_FORGOTTEN_AT_ANY_OK(
            () -> new ClientMutants.WithSession(ClientMutants.ForgetsAtAnyOk::new), Mutant::alone),
    CATCH_UP_FROM_A_REPLICA_THAT_MISSED(
            () -> new ClientMutants.WithSession(ClientMutants.CopiesFromWhoMissed::new),
            o -> {
                alone(o);
                o.replicas = 5;
            }),
    HAVE_TAKEN_FOR_APPLIED(
            ClientMutants.HaveTakenForApplied::new,
            o -> {
                alone(o);
                o.latePercent = 50;
                o.healerPercent = 90;
                o.operationsPerClient = 30;
                o.faultSteps = 24;
            }),
    SEALER_STARTS_OVER(ClientMutants.SealsAgain::new, Mutant::doubts),
    SET_CHANGE_COMMITTED_LATE(
            () ->
                    new SimRules() {
                        @Override
                        public boolean commitsOnlyCurrentChange() {
                            return false;
                        }
                    },
            Mutant::setChanges),
    READS_VALUES_IN_DOUBT(
            () -> new ClientMutants.WithSession(ClientMutants.ShowsDoubtful::new), Mutant::doubts),
    DROPPED_WITHOUT_FENCE(
            () ->
                    new SimRules() {
                        @Override
                        public boolean fencesBeforeDrop() {
                            return false;
                        }
                    },
            Mutant::truncations),
    DROPPED_WITHOUT_FLOOR(
            () ->
                    new SimRules() {
                        @Override
                        public boolean raisesFloor() {
                            return false;
                        }
                    },
            Mutant::truncations),
    TRIM_AS_DELETION(
            NodeMutants.TrimAsDeletion::new,
            o -> {
                losses(o);
                o.trimPercent = 30;
                o.writePercent = 30;
                o.duplicatePercent = 30;
                o.latePercent = 20;
            }),
    STALE_COUNTS(
            () -> new ClientMutants.RefusalCounts(RegisterReply.Stale.class), Mutant::evictions),
    UNSEALED_COUNTS(
            () -> new ClientMutants.RefusalCounts(RegisterReply.Unsealed.class), Mutant::losses),
    TWO_SEALERS(
            ClientMutants.TwoSealers::new,
            o -> {
                doubts(o);
                o.clients = 3;
                o.sharedPercent = 100;
            }),
    READS_BEFORE_OPEN(ClientMutants.OpensEarly::new, Mutant::losses),
    RIDER_ANSWERED_BEFORE_OPEN(
            () ->
                    new SimRules() {
                        @Override
                        public boolean ridersWaitForOpen() {
                            return false;
                        }
                    },
            Mutant::doubts),
    READS_FROM_A_REPLICA_THAT_MISSED(ClientMutants.ReadsFromAny::new, Mutant::alone),
    RECOVERY_BY_GREATEST_TIMESTAMP(
            NodeMutants.RecoveryByTimestamp::new,
            o -> {
                doubts(o);
                o.crashPercent = 50;
                o.healerPercent = 80;
            }),
    SET_COMMITTED_BEFORE_INSTALL(
            () ->
                    new SimRules() {
                        @Override
                        public boolean commitsAfterInstall() {
                            return false;
                        }
                    },
            Mutant::setChanges),
    INSTALL_HALF_APPLIED(
            NodeMutants.InstallHalfApplied::new,
            o -> {
                crashes(o);
                o.healerPercent = 60;
                o.deadlineNs = 40_000;
            }),
    DAMAGE_TAKEN_FOR_A_TORN_TAIL(
            () ->
                    new SimRules() {
                        @Override
                        public boolean damagedStoreIsNewNode() {
                            return false;
                        }
                    },
            o -> {
                crashes(o);
                o.damagePercent = 60;
            }),
    COPY_SEALED_IN_THE_OPERATIONS_EPOCH(NodeMutants.CopySealedTooHigh::new, Mutant::copies),
    COPY_OF_A_REPLICA_THAT_MISSED(
            () ->
                    new SimRules() {
                        @Override
                        public long frozenIn(long sealedEpoch) {
                            return 0;
                        }
                    },
            Mutant::copies),
    VOTES_BEFORE_IT_COPIED(NodeMutants.VotesBeforeItCopied::new, Mutant::copies),
    ORIGIN_DROPPED_BEFORE_THE_COPY_IS_OPEN(
            () ->
                    new SimRules() {
                        @Override
                        public boolean keepsOriginUntilOpen() {
                            return false;
                        }
                    },
            Mutant::copies);

    private final Supplier<SimRules> rules;
    private final Consumer<SimOptions> scenario;

    Mutant(Supplier<SimRules> rules, Consumer<SimOptions> scenario) {
        this.rules = rules;
        this.scenario = scenario;
    }

    /** The swarm of a seed, narrowed to what this variant is about. */
    public SimOptions options(long seed) {
        var options = SimOptions.of(seed);
        scenario.accept(options);
        return options;
    }

    /** Runs one seed. */
    public SimCluster.Result run(long seed, boolean tracing) {
        return SimCluster.run(seed, options(seed), rules.get(), tracing);
    }

    /** The first seed from 1 that this variant fails, 0 when none up to the limit does. */
    public long caughtBy(long seedsMax) {
        for (long seed = 1; seed <= seedsMax; seed++) {
            if (run(seed, false).violation() != null) {
                return seed;
            }
        }
        return 0;
    }

    /** Nothing goes wrong by itself. */
    private static void calm(SimOptions o) {
        var none = new SimOptions();
        o.replicas = 3;
        o.spareNodes = 0;
        o.clients = 2;
        o.sectors = 1;
        o.operationsPerClient = 10;
        o.threadsPerClient = 1;
        o.missedRunsMax = 4;
        o.writePercent = 45;
        o.trimPercent = 0;
        o.truncatePercent = 0;
        o.sharedPercent = 0;
        o.lossPercent = 0;
        o.duplicatePercent = 0;
        o.latePercent = 0;
        o.crashPercent = 0;
        o.crashAfterReplyPerMille = 0;
        o.wipePercent = 0;
        o.isolatePercent = 0;
        o.freezePercent = 0;
        o.clientCrashPercent = 0;
        o.setChangePercent = 0;
        o.copyPercent = 0;
        o.metadataRestartPercent = 0;
        o.healerPercent = 0;
        o.failedSyncPercent = 0;
        o.damagePercent = 0;
        o.termNs = none.termNs;
        o.recallNs = none.recallNs;
        o.deadlineNs = none.deadlineNs;
        o.slowLinks = 0;
    }

    private static void losses(SimOptions o) {
        calm(o);
        o.lossPercent = 15;
        o.isolatePercent = 60;
        o.latePercent = 5;
    }

    private static void crashes(SimOptions o) {
        calm(o);
        o.lossPercent = 20;
        o.crashPercent = 50;
        o.crashAfterReplyPerMille = 60;
    }

    private static void shared(SimOptions o) {
        losses(o);
        o.sharedPercent = 100;
    }

    /** Sessions are evicted that live on and do not know it yet. */
    private static void evictions(SimOptions o) {
        calm(o);
        o.freezePercent = 50;
        o.isolatePercent = 20;
        o.lossPercent = 10;
        o.latePercent = 15;
        o.slowLinks = 2;
        o.termNs = 15_000;
        o.recallNs = 15_000;
        o.deadlineNs = 400_000;
        o.resumePercent = 100;
    }

    private static void setChanges(SimOptions o) {
        losses(o);
        o.setChangePercent = 60;
        o.spareNodes = 3;
    }

    private static void truncations(SimOptions o) {
        evictions(o);
        o.isolatePercent = 0;
        o.lossPercent = 0;
        o.latePercent = 0;
        o.slowLinks = 0;
        o.freezePercent = 80;
        o.truncatePercent = 45;
        o.writePercent = 40;
        o.operationsPerClient = 18;
        o.faultSteps = 24;
    }

    /** Writes end in doubt, and stay so. */
    private static void doubts(SimOptions o) {
        losses(o);
        o.deadlineNs = 30_000;
        o.hints = 100;
        o.resumePercent = 0;
    }

    private static void copies(SimOptions o) {
        losses(o);
        o.copyPercent = 60;
        o.crashPercent = 30;
        o.clientCrashPercent = 20;
        o.operationsPerClient = 15;
        o.faultSteps = 20;
    }

    /** One client keeps its lease for long. */
    private static void alone(SimOptions o) {
        losses(o);
        o.clients = 1;
        o.sectors = 3;
        o.operationsPerClient = 20;
    }
}

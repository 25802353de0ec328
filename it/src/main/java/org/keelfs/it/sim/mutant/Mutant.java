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
                o.duplicatePercent = 30;
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
            o -> o.wipePercent = 40),
    IMPOSES_WITH_NEW_TIMESTAMP(ClientMutants.ImposesWithNewTimestamp::new, Mutant::shared),
    FENCES_ON_THE_VALUES_EPOCH(NodeMutants.FencesOnTheValuesEpoch::new, Mutant::losses),
    PROMISE_NOT_DURABLE(
            NodeMutants.PromiseNotDurable::new,
            o -> {
                evictions(o);
                o.replicas = 3;
                o.crashPercent = 10;
                o.crashAfterReplyPerMille = 60;
                o.slowLinks = 5;
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
                evictions(o);
                o.spareNodes = 3;
                o.setChangePercent = 40;
                o.truncatePercent = 10;
            }),
    TIMESTAMP_REUSED_BY_TWO_THREADS(
            ClientMutants.CounterReused::new,
            o -> {
                shared(o);
                o.threadsPerClient = 3;
            }),
    TIMESTAMP_REUSED_AFTER_RESTART(
            ClientMutants.CounterReused::new,
            o -> {
                shared(o);
                o.threadsPerClient = 1;
                o.lossPercent = 35;
                o.deadlineNs = 30_000;
            }),
    LEASE_RETURNED_IN_DOUBT_AS_CLEAN(
            () -> new ClientMutants.WithSession(ClientMutants.NeverInDoubt::new), Mutant::doubts),
    HINT_KEPT_OVER_A_WRITER(
            () ->
                    new SimRules() {
                        @Override
                        public boolean hintSurvivesWriter() {
                            return true;
                        }
                    },
            o -> {
                losses(o);
                o.hints = 50;
            }),
    HINT_FROM_SHARED_MODE(
            ClientMutants.HintsFromShared::new,
            o -> {
                shared(o);
                o.hints = 100;
            }),
    HINT_FROM_A_REPLICA_THAT_MISSED(
            () -> new ClientMutants.WithSession(ClientMutants.HintFromAny::new), Mutant::losses),
    MISSED_RUNS_FORGOTTEN_AT_ANY_OK(
            () -> new ClientMutants.WithSession(ClientMutants.ForgetsAtAnyOk::new),
            o -> {
                losses(o);
                o.sectors = 2;
            }),
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
                o.sectors = 3;
                o.lossPercent = 15;
                o.latePercent = 40;
                o.healerPercent = 60;
            }),
    SEALER_STARTS_OVER(
            ClientMutants.SealsAgain::new,
            o -> {
                doubts(o);
                o.clientCrashPercent = 20;
            }),
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
                o.duplicatePercent = 20;
            }),
    STALE_COUNTS(
            () -> new ClientMutants.RefusalCounts(RegisterReply.Stale.class), Mutant::evictions),
    UNSEALED_COUNTS(
            () -> new ClientMutants.RefusalCounts(RegisterReply.Unsealed.class), Mutant::losses),
    TWO_SEALERS(
            () ->
                    new SimRules() {
                        @Override
                        public boolean oneSealer() {
                            return false;
                        }
                    },
            o -> {
                evictions(o);
                o.clients = 4;
                o.writePercent = 30;
                o.clientCrashPercent = 30;
                o.lossPercent = 30;
                o.replicas = 3;
            }),
    READS_BEFORE_OPEN(ClientMutants.OpensEarly::new, Mutant::losses),
    READS_FROM_A_REPLICA_THAT_MISSED(ClientMutants.ReadsFromAny::new, Mutant::losses),
    RECOVERY_BY_GREATEST_TIMESTAMP(
            NodeMutants.RecoveryByTimestamp::new, Mutant::crashesAndEvictions),
    SET_COMMITTED_BEFORE_INSTALL(
            () ->
                    new SimRules() {
                        @Override
                        public boolean commitsAfterInstall() {
                            return false;
                        }
                    },
            Mutant::setChanges),
    INSTALL_HALF_APPLIED(NodeMutants.InstallHalfApplied::new, Mutant::crashesAndEvictions),
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
            });

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

    private static void crashes(SimOptions o) {
        o.crashPercent = 40;
        o.crashAfterReplyPerMille = 40;
        o.sharedPercent = 0;
        o.sectors = 1;
    }

    private static void losses(SimOptions o) {
        o.sharedPercent = 0;
        o.lossPercent = 25;
        o.isolatePercent = 40;
        o.truncatePercent = 0;
    }

    private static void shared(SimOptions o) {
        o.sharedPercent = 100;
        o.lossPercent = 20;
        o.truncatePercent = 0;
        o.sectors = 1;
    }

    private static void evictions(SimOptions o) {
        o.sharedPercent = 0;
        o.sectors = 1;
        o.freezePercent = 30;
        o.isolatePercent = 20;
        o.latePercent = 20;
        o.truncatePercent = 0;
        o.termNs = 15_000;
        o.recallNs = 15_000;
        o.deadlineNs = 200_000;
        o.slowLinks = 3;
    }

    private static void crashesAndEvictions(SimOptions o) {
        evictions(o);
        o.crashPercent = 60;
    }

    private static void setChanges(SimOptions o) {
        o.sharedPercent = 0;
        o.setChangePercent = 60;
        o.spareNodes = 3;
        o.sectors = 1;
        o.truncatePercent = 0;
    }

    private static void truncations(SimOptions o) {
        evictions(o);
        o.truncatePercent = 30;
        o.writePercent = 50;
        o.resumePercent = 100;
        o.operationsPerClient = 12;
    }

    private static void doubts(SimOptions o) {
        losses(o);
        o.replicas = 3;
        o.sectors = 1;
        o.lossPercent = 40;
        o.deadlineNs = 30_000;
        o.hints = 100;
        o.resumePercent = 0;
    }

    private static void alone(SimOptions o) {
        losses(o);
        o.clients = 1;
        o.sectors = 1;
        o.operationsPerClient = 20;
        o.faultSteps = 20;
        o.lossPercent = 35;
        o.missedRunsMax = 3;
    }
}

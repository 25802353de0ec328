package org.keelfs.it.sim.mutant;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.it.sim.SimRules;
import org.keelfs.model.ChunkId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.Digest;
import org.keelfs.register.Hint;
import org.keelfs.register.Membership;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.ReplicaEffects;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaRegister;
import org.keelfs.register.ReplicaState;
import org.keelfs.register.ReplicaTable;
import org.keelfs.register.RoundTimes;
import org.keelfs.register.SealRound;
import org.keelfs.register.SectorHash;
import org.keelfs.register.StampRun;
import org.keelfs.register.ValueRun;

/** Storage nodes that break one rule. */
final class NodeMutants {
    private NodeMutants() {}

    /** Passes all on; the base of effects that do one thing wrong. */
    private static class Passing<R> implements ReplicaEffects<R> {
        final ReplicaEffects<R> real;

        Passing(ReplicaEffects<R> real) {
            this.real = real;
        }

        @Override
        public long append(ReplicaRecord record) {
            return real.append(record);
        }

        @Override
        public void reply(R request, RegisterReply reply, long position) {
            real.reply(request, reply, position);
        }

        @Override
        public void replyValues(R request, ChunkId chunk, SectorRun run, long position) {
            real.replyValues(request, chunk, run, position);
        }
    }

    /** All replies leave at once, or only those of requests that store nothing. */
    static final class RepliesBeforeDurable extends SimRules {
        private final boolean alsoOfAppends;

        RepliesBeforeDurable(boolean alsoOfAppends) {
            this.alsoOfAppends = alsoOfAppends;
        }

        @Override
        public <R> ReplicaEffects<R> atDisk(ReplicaEffects<R> effects, ReplicaTable table) {
            return new Passing<>(effects) {
                private boolean appended;

                @Override
                public long append(ReplicaRecord record) {
                    appended = true;
                    return super.append(record);
                }

                private long position(long right) {
                    return appended && !alsoOfAppends ? right : 0;
                }

                @Override
                public void reply(R request, RegisterReply reply, long right) {
                    super.reply(request, reply, position(right));
                }

                @Override
                public void replyValues(R request, ChunkId chunk, SectorRun run, long right) {
                    super.replyValues(request, chunk, run, position(right));
                }
            };
        }
    }

    /** Values of older epochs are refused, in whatever epoch they come. */
    static final class FencesOnTheValuesEpoch extends SimRules {
        @Override
        public <R> ReplicaRegister<R> replica(ReplicaTable table) {
            return new ReplicaRegister<>(table) {
                @Override
                protected boolean fenced(RegisterRequest request, ReplicaState state) {
                    return switch (request) {
                        case RegisterRequest.Write write ->
                                write.timestamp().epoch() < state.promised();
                        case RegisterRequest.Install install ->
                                !install.fixes().isEmpty()
                                        && newest(install.fixes()) < state.promised();
                        default -> super.fenced(request, state);
                    };
                }
            };
        }

        private static long newest(List<ValueRun> fixes) {
            return fixes.stream().mapToLong(fix -> fix.timestamp().epoch()).max().orElse(0);
        }
    }

    /** Promises live in memory only. */
    static final class PromiseNotDurable extends SimRules {
        @Override
        public List<ReplicaRecord> recovered(List<ReplicaRecord> durable) {
            return durable.stream().filter(r -> !(r instanceof ReplicaRecord.State)).toList();
        }
    }

    /** A trim forgets the sector instead of keeping a hole with its timestamp. */
    static final class TrimAsDeletion extends SimRules {
        @Override
        public <R> ReplicaEffects<R> atDisk(ReplicaEffects<R> effects, ReplicaTable table) {
            return new Passing<>(effects) {
                @Override
                public long append(ReplicaRecord record) {
                    return super.append(
                            record instanceof ReplicaRecord.Put put ? deleting(put) : record);
                }
            };
        }

        private static ReplicaRecord.Put deleting(ReplicaRecord.Put put) {
            var values = new ArrayList<ValueRun>();
            var digest = put.state().digest();
            for (ValueRun value : put.values()) {
                if (value.isHole()) {
                    digest = digest.xor(SectorHash.of(value.run(), value.timestamp()));
                    values.add(new ValueRun(value.run(), Timestamp.ZERO, null));
                } else {
                    values.add(value);
                }
            }
            return new ReplicaRecord.Put(put.chunk(), with(put.state(), digest), values);
        }

        private static ReplicaState with(ReplicaState state, Digest digest) {
            return new ReplicaState(state.status(), state.promised(), state.sealed(), digest);
        }
    }

    /** Recovery keeps the greatest timestamp of a sector instead of the last record's. */
    static final class RecoveryByTimestamp extends SimRules {
        @Override
        public boolean breaksTables() {
            return true;
        }

        @Override
        public List<ReplicaRecord> recovered(List<ReplicaRecord> durable) {
            var greatest = new HashMap<StampRun, Timestamp>();
            return durable.stream().map(record -> greater(record, greatest)).toList();
        }

        private static ReplicaRecord greater(
                ReplicaRecord record, Map<StampRun, Timestamp> greatest) {
            return switch (record) {
                case ReplicaRecord.Put(var chunk, var state, var values) ->
                        new ReplicaRecord.Put(chunk, state, greater(chunk, values, greatest));
                case ReplicaRecord.Install(var chunk, var state, var fixes) ->
                        new ReplicaRecord.Install(chunk, state, greater(chunk, fixes, greatest));
                default -> record;
            };
        }

        private static List<ValueRun> greater(
                ChunkId chunk, List<ValueRun> values, Map<StampRun, Timestamp> greatest) {
            var kept = new ArrayList<ValueRun>();
            for (ValueRun value : values) {
                for (int sector = value.run().first(); sector < value.run().end(); sector++) {
                    var one = value.within(new SectorRun(sector, 1));
                    var key = new StampRun(one.run(), new Timestamp(chunk.value(), 0, 0), true);
                    if (one.timestamp().isAfter(greatest.getOrDefault(key, Timestamp.ZERO))) {
                        greatest.put(key, one.timestamp());
                        kept.add(one);
                    }
                }
            }
            return kept;
        }
    }

    /** The seal of an INSTALL is one record, its values another. */
    static final class InstallHalfApplied extends SimRules {
        @Override
        public boolean breaksTables() {
            return true;
        }

        @Override
        public <R> ReplicaEffects<R> atDisk(ReplicaEffects<R> effects, ReplicaTable table) {
            return new Passing<>(effects) {
                @Override
                public long append(ReplicaRecord record) {
                    if (record instanceof ReplicaRecord.Install(var chunk, var state, var fixes)
                            && !fixes.isEmpty()) {
                        var _ = super.append(new ReplicaRecord.State(chunk, state));
                    }
                    return super.append(record);
                }
            };
        }
    }

    /** A replica that copied claims to have taken part in the newest seal. */
    static final class CopySealedTooHigh extends SimRules {
        @Override
        public long copiedIn(Membership.Origin origin, RegisterRequest request) {
            return request.epoch();
        }
    }

    /** A replica of a copy votes with what it has, which is nothing, and the sealer believes it. */
    static final class VotesBeforeItCopied extends SimRules {
        @Override
        public <R> ReplicaRegister<R> replica(ReplicaTable table) {
            return new ReplicaRegister<>(table) {
                @Override
                protected boolean lacksOrigin(Membership membership, ReplicaState state) {
                    return false;
                }
            };
        }

        @Override
        public SealRound seal(
                ChunkGrant grant,
                ReplicaSet voters,
                @Nullable Hint hint,
                RoundTimes times,
                boolean copy) {
            return new SealRound(grant, voters, hint, times);
        }
    }
}

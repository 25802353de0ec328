package org.keelfs.it.sim.mutant;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.keelfs.it.sim.SimRules;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.CounterSource;
import org.keelfs.register.Hint;
import org.keelfs.register.ReadPlan;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.Round;
import org.keelfs.register.RoundTimes;
import org.keelfs.register.SealRound;
import org.keelfs.register.SharedReadRound;
import org.keelfs.register.StampMap;
import org.keelfs.register.StampRun;
import org.keelfs.replicaset.CatchUp;

/** Clients that break one rule. */
final class ClientMutants {
    private ClientMutants() {}

    /** Another session object. */
    static final class WithSession extends SimRules {
        private final Function<SessionParts, ChunkSession> maker;

        WithSession(Function<SessionParts, ChunkSession> maker) {
            this.maker = maker;
        }

        @Override
        public ChunkSession session(SessionParts parts) {
            return maker.apply(parts);
        }
    }

    /** Nothing is ever in doubt when a lease is returned. */
    static final class NeverInDoubt extends SimRules.SimSession {
        NeverInDoubt(SimRules.SessionParts parts) {
            super(parts);
        }

        @Override
        public boolean inDoubt() {
            return false;
        }
    }

    /** Gives the digest of any sealed replica. */
    static final class HintFromAny extends SimRules.SimSession {
        HintFromAny(SimRules.SessionParts parts) {
            super(parts);
        }

        @Override
        public List<NodeId> hintSources() {
            return inDoubt()
                    ? List.of()
                    : grant().set().nodes().stream().filter(this::sealed).toList();
        }
    }

    /** Forgets all that a replica missed when it acknowledges something. */
    static final class ForgetsAtAnyOk extends SimRules.SimSession {
        ForgetsAtAnyOk(SimRules.SessionParts parts) {
            super(parts);
        }

        @Override
        public void onAcknowledged(NodeId node, SectorRun run, Timestamp timestamp) {
            super.onAcknowledged(
                    node, grant().whole(), new Timestamp(Long.MAX_VALUE, Long.MAX_VALUE, 0));
        }
    }

    /** Copies from who missed most, and forgets that the target then misses it too. */
    static final class CopiesFromWhoMissed extends SimRules.SimSession {
        CopiesFromWhoMissed(SimRules.SessionParts parts) {
            super(parts);
        }

        @Override
        public List<NodeId> copySources(NodeId except) {
            return super.copySources(except).reversed();
        }

        @Override
        protected StampMap inheritedMisses(NodeId source) {
            return new StampMap();
        }
    }

    /** Shows values whose write is in flight or in doubt. */
    static final class ShowsDoubtful extends SimRules.SimSession {
        ShowsDoubtful(SimRules.SessionParts parts) {
            super(parts);
        }

        @Override
        public List<StampRun> unsettled(SectorRun run) {
            return List.of();
        }
    }

    /** Hands over hints from SHARED mode. */
    static final class HintsFromShared extends SimRules {
        @Override
        public boolean hintsFromShared() {
            return true;
        }

        @Override
        public ChunkSession session(SessionParts parts) {
            return new SimSession(parts) {
                @Override
                public List<NodeId> hintSources() {
                    return grant().mode() == ChunkGrant.Mode.SHARED
                            ? grant().set().nodes()
                            : super.hintSources();
                }
            };
        }
    }

    /** A counter above what was seen, but not above this session's own. */
    static final class CounterReused extends SimRules {
        @Override
        public CounterSource counters() {
            return seen -> seen + 1;
        }
    }

    /** Imposes a value under a timestamp of the reader. */
    static final class ImposesWithNewTimestamp extends SimRules {
        @Override
        public RegisterRequest sent(
                Round<?> round, @Nullable ChunkSession session, RegisterRequest request) {
            if (round instanceof SharedReadRound
                    && session != null
                    && request instanceof RegisterRequest.Write write) {
                return new RegisterRequest.Write(
                        write.chunk(),
                        write.epoch(),
                        write.run(),
                        session.nextTimestamp(),
                        write.payload());
            }
            return request;
        }
    }

    /** An INSTALL that answered HAVE is taken for applied. */
    static final class HaveTakenForApplied extends SimRules {
        @Override
        public CatchUp catchUp(ChunkSession session, NodeId target, RoundTimes times) {
            return new CatchUp(session, target, times) {
                @Override
                protected void onHave(long sealed) {
                    super.onHave(sealed);
                    session.onCaughtUp(target);
                }
            };
        }
    }

    /** Whoever asks may seal, and does not mind another one. */
    static final class TwoSealers extends SimRules {
        @Override
        public boolean oneSealer() {
            return false;
        }

        @Override
        public SealRound seal(
                ChunkGrant grant,
                ReplicaSet voters,
                @Nullable Hint hint,
                RoundTimes times,
                boolean copy) {
            return new SealRound(grant, voters, hint, times, copy) {
                @Override
                protected boolean sealedByAnother() {
                    return false;
                }
            };
        }
    }

    /** A sealer that lost its state starts over in the same epoch. */
    static final class SealsAgain extends SimRules {
        @Override
        public boolean sealsAgainInSameEpoch() {
            return true;
        }

        @Override
        public SealRound seal(
                ChunkGrant grant,
                ReplicaSet voters,
                @Nullable Hint hint,
                RoundTimes times,
                boolean copy) {
            return new SealRound(grant, voters, hint, times, copy) {
                @Override
                protected boolean sealedByAnother() {
                    return false;
                }
            };
        }
    }

    /** OPEN after the first INSTALL. */
    static final class OpensEarly extends SimRules {
        @Override
        public SealRound seal(
                ChunkGrant grant,
                ReplicaSet voters,
                @Nullable Hint hint,
                RoundTimes times,
                boolean copy) {
            return new SealRound(grant, voters, hint, times, copy) {
                @Override
                protected int openingQuorum() {
                    return 1;
                }
            };
        }
    }

    /** STALE or UNSEALED counts as an acknowledgement. */
    static final class RefusalCounts extends SimRules {
        private final Class<? extends RegisterReply> refusal;

        RefusalCounts(Class<? extends RegisterReply> refusal) {
            this.refusal = refusal;
        }

        @Override
        public RegisterReply atClient(RegisterRequest request, RegisterReply reply) {
            if (!refusal.isInstance(reply)) {
                return reply;
            }
            return switch (request) {
                case RegisterRequest.Write _ -> new RegisterReply.Stored(0);
                case RegisterRequest.Probe _ -> new RegisterReply.ProbeOk();
                default -> reply;
            };
        }
    }

    /** Asks any replica for bytes, whatever it missed. */
    static final class ReadsFromAny extends SimRules {
        @Override
        public List<NodeId> sources(ReadPlan.Part part, ReplicaSet set) {
            return set.nodes();
        }
    }
}

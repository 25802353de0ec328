package org.keelfs.metadata.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.keelfs.lease.LeaseMode;
import org.keelfs.lease.LeaseState;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.ChunkRow;

/** Rules R2 and R3 of the design, one test each. */
class LayoutRulesTest {
    private static final SessionId A = new SessionId(1);
    private static final SessionId B = new SessionId(2);
    private static final InodeId FILE = new InodeId(9);
    private static final long EPOCH = 50;
    private static final long BEFORE = EPOCH - 1;
    private static final long AFTER = EPOCH + 1;
    private static final long NOW = 1_000_000_000_000L;

    private static ChunkRow chunk(long lastWriter, boolean opened) {
        return new ChunkRow(
                new ChunkId(3),
                FILE,
                0,
                EPOCH,
                opened,
                1,
                3,
                new byte[0],
                new ReplicaSet(List.of(new NodeId(1))),
                1,
                1,
                null,
                lastWriter,
                false);
    }

    private static LayoutRules.Ask ask(
            SessionId session, LeaseMode mode, long since, long knownEpoch) {
        return new LayoutRules.Ask(
                session,
                new LeaseState(FILE, mode, 7, since),
                mode == LeaseMode.WRITE,
                knownEpoch,
                false);
    }

    private static LayoutDecision decide(@Nullable ChunkRow row, LayoutRules.Ask ask) {
        return LayoutRules.decide(row, ask, null, false, NOW);
    }

    private static LayoutDecision whileSealed(
            SessionId sealer, boolean lives, long ageNs, LayoutRules.Ask ask) {
        var sealing = new Sealing(EPOCH, sealer, InodeId.ROOT, NOW - ageNs, null);
        return LayoutRules.decide(chunk(0, false), ask, sealing, lives, NOW);
    }

    @Nested
    class Frozen {
        private static ChunkRow frozen(boolean opened) {
            return chunk(0, opened).withReferences(2);
        }

        private static LayoutRules.Ask ask(LeaseMode mode, boolean write, LayoutRules.Use use) {
            return new LayoutRules.Ask(
                    A, new LeaseState(FILE, mode, 7, BEFORE), write, 0, false, use);
        }

        @Test
        void isReadInItsReadersEpochUnderAnyLease() {
            for (LeaseMode mode : List.of(LeaseMode.READ, LeaseMode.WRITE)) {
                var reads = ask(mode, false, LayoutRules.Use.READ);
                assertEquals(LayoutDecision.GO_ON, decide(frozen(true), reads));
                assertEquals(LayoutDecision.FRESH, decide(frozen(false), reads));
                assertTrue(LayoutRules.asReader(frozen(true), reads), "no epoch of a writer");
            }
        }

        @Test
        void isCopiedForWhoWrites() {
            var writes = ask(LeaseMode.WRITE, true, LayoutRules.Use.READ);
            var trims = ask(LeaseMode.WRITE, false, LayoutRules.Use.CHANGE);
            assertEquals(LayoutDecision.COPY, decide(frozen(true), writes));
            assertEquals(LayoutDecision.COPY, decide(frozen(true), trims));
            assertEquals(LayoutDecision.COPY, decide(frozen(false), trims));
        }

        @Test
        void isCopiedForWhoSharesTheFileEvenToRead() {
            var reads = ask(LeaseMode.SHARED, false, LayoutRules.Use.READ);
            assertEquals(LayoutDecision.COPY, decide(frozen(true), reads));
        }

        @Test
        void whatIsToBeFrozenGetsAnEpochOfReadersFromItsWriterToo() {
            var freezes = ask(LeaseMode.WRITE, false, LayoutRules.Use.FREEZE);
            assertEquals(LayoutDecision.FRESH, decide(chunk(1, true), freezes));
            assertTrue(LayoutRules.asReader(chunk(1, true), freezes), "no epoch of a writer");
            assertEquals(LayoutDecision.GO_ON, decide(chunk(0, true), freezes));
        }

        @Test
        void withOneReferenceLeftItIsWrittenInAFreshEpoch() {
            var writes = ask(LeaseMode.WRITE, true, LayoutRules.Use.READ);
            assertEquals(LayoutDecision.FRESH, decide(chunk(0, true), writes));
        }
    }

    @Nested
    class Shared {
        @Test
        void sharersOfThePeriodInWhichTheEpochWasDrawnGoOnInIt() {
            ChunkRow drawn = chunk(LayoutRules.SHARED, true);
            assertEquals(LayoutDecision.GO_ON, decide(drawn, ask(A, LeaseMode.SHARED, BEFORE, 0)));
            assertEquals(LayoutDecision.GO_ON, decide(drawn, ask(B, LeaseMode.SHARED, BEFORE, 0)));
        }

        @Test
        void whoSawAnEarlierEpochEndDoesNotEndThisOne() {
            ChunkRow drawn = chunk(LayoutRules.SHARED, true);
            var lease = new LeaseState(FILE, LeaseMode.SHARED, 7, BEFORE);
            var earlier = new LayoutRules.Ask(A, lease, true, EPOCH - 1, true);
            assertEquals(LayoutDecision.GO_ON, decide(drawn, earlier));
            var same = new LayoutRules.Ask(A, lease, true, EPOCH, true);
            assertEquals(LayoutDecision.FRESH, decide(drawn, same));
        }

        @Test
        void aLaterPeriodDrawsAFreshOne() {
            ChunkRow drawn = chunk(LayoutRules.SHARED, true);
            assertEquals(LayoutDecision.FRESH, decide(drawn, ask(A, LeaseMode.SHARED, AFTER, 0)));
        }

        @Test
        void entryAndExitDrawAFreshOne() {
            for (long writer : new long[] {0, 1}) {
                assertEquals(
                        LayoutDecision.FRESH,
                        decide(chunk(writer, true), ask(A, LeaseMode.SHARED, BEFORE, 0)));
            }
            ChunkRow drawn = chunk(LayoutRules.SHARED, true);
            assertEquals(LayoutDecision.FRESH, decide(drawn, ask(A, LeaseMode.WRITE, BEFORE, 0)));
            assertEquals(LayoutDecision.FRESH, decide(drawn, ask(A, LeaseMode.READ, BEFORE, 0)));
        }

        @Test
        void oneSharerSealsAndTheOthersWait() {
            var sealing = new Sealing(EPOCH, A, InodeId.ROOT, NOW, null);
            ChunkRow drawn = chunk(LayoutRules.SHARED, false);
            assertEquals(
                    LayoutDecision.WAIT,
                    LayoutRules.decide(
                            drawn, ask(B, LeaseMode.SHARED, BEFORE, 0), sealing, true, NOW));
        }
    }

    @Nested
    class WithoutAChunk {
        @Test
        void aReaderSeesZeros() {
            assertEquals(LayoutDecision.ABSENT, decide(null, ask(A, LeaseMode.READ, 0, 0)));
        }

        @Test
        void aWriterGetsOne() {
            assertEquals(LayoutDecision.CREATE, decide(null, ask(A, LeaseMode.WRITE, 0, 0)));
        }

        @Test
        void whoHoldsNoLeaseGetsNothing() {
            assertEquals(LayoutDecision.NO_LEASE, decide(null, ask(A, LeaseMode.NONE, 0, 0)));
            var wants =
                    new LayoutRules.Ask(A, ask(A, LeaseMode.READ, 0, 0).lease(), true, 0, false);
            assertEquals(LayoutDecision.NO_LEASE, decide(null, wants));
        }
    }

    @Nested
    class HandOvers {
        @Test
        void readersShareOneOpenEpoch() {
            assertEquals(
                    LayoutDecision.GO_ON, decide(chunk(0, true), ask(A, LeaseMode.READ, AFTER, 0)));
            assertEquals(
                    LayoutDecision.GO_ON, decide(chunk(0, true), ask(B, LeaseMode.READ, AFTER, 0)));
        }

        @Test
        void aReaderAfterAWriterDrawsAFreshOne() {
            assertEquals(
                    LayoutDecision.FRESH, decide(chunk(1, true), ask(B, LeaseMode.READ, AFTER, 0)));
        }

        @Test
        void aWriterAfterReadersDrawsAFreshOne() {
            assertEquals(
                    LayoutDecision.FRESH,
                    decide(chunk(0, true), ask(A, LeaseMode.WRITE, BEFORE, EPOCH)));
        }

        @Test
        void aWriterAfterAnotherDrawsAFreshOne() {
            assertEquals(
                    LayoutDecision.FRESH,
                    decide(chunk(1, true), ask(B, LeaseMode.WRITE, AFTER, EPOCH)));
        }

        @Test
        void aWriterThatHeldItsLeaseEverSinceGoesOn() {
            assertEquals(
                    LayoutDecision.GO_ON,
                    decide(chunk(1, true), ask(A, LeaseMode.WRITE, BEFORE, 0)));
        }

        @Test
        void aWriterThatCameBackGoesOnOnlyIfItKnowsWhatReplicasMissed() {
            assertEquals(
                    LayoutDecision.FRESH,
                    decide(chunk(1, true), ask(A, LeaseMode.WRITE, AFTER, 0)));
            assertEquals(
                    LayoutDecision.GO_ON,
                    decide(chunk(1, true), ask(A, LeaseMode.WRITE, AFTER, EPOCH)));
        }

        @Test
        void aWriterThatBecameAReaderGoesOnReading() {
            assertEquals(
                    LayoutDecision.GO_ON,
                    decide(chunk(1, true), ask(A, LeaseMode.READ, BEFORE, EPOCH)));
        }

        @Test
        void afterARestartOnlyAnEpochRecordedOpenGoesOn() {
            assertEquals(
                    LayoutDecision.FRESH,
                    decide(chunk(0, false), ask(A, LeaseMode.READ, AFTER, 0)));
            assertEquals(
                    LayoutDecision.FRESH,
                    decide(chunk(1, false), ask(A, LeaseMode.WRITE, AFTER, EPOCH)));
        }
    }

    @Nested
    class Seals {
        @Test
        void othersWaitForTheSealer() {
            assertEquals(
                    LayoutDecision.WAIT, whileSealed(A, true, 0, ask(B, LeaseMode.READ, AFTER, 0)));
        }

        @Test
        void aDeadSealersEpochIsGivenUp() {
            assertEquals(
                    LayoutDecision.FRESH,
                    whileSealed(A, false, 0, ask(B, LeaseMode.READ, AFTER, 0)));
        }

        @Test
        void aSealThatTakesTooLongIsGivenUp() {
            assertEquals(
                    LayoutDecision.FRESH,
                    whileSealed(
                            A,
                            true,
                            LayoutRules.SEAL_TIMEOUT_NS,
                            ask(B, LeaseMode.READ, AFTER, 0)));
        }

        @Test
        void theSealerGoesOnWithItsStateAndNeverWithout() {
            assertEquals(
                    LayoutDecision.SEAL_ON,
                    whileSealed(A, true, 0, ask(A, LeaseMode.READ, BEFORE, EPOCH)));
            assertEquals(
                    LayoutDecision.FRESH,
                    whileSealed(A, true, 0, ask(A, LeaseMode.READ, BEFORE, 0)));
        }

        @Test
        void whoMetANewerPromiseGetsAFreshEpochUnlessThereIsOneAlready() {
            LeaseState lease = new LeaseState(FILE, LeaseMode.READ, 7, AFTER);
            var met = new LayoutRules.Ask(A, lease, false, EPOCH, true);
            assertEquals(LayoutDecision.FRESH, decide(chunk(0, true), met));
            var behind = new LayoutRules.Ask(A, lease, false, BEFORE, true);
            assertEquals(LayoutDecision.GO_ON, decide(chunk(0, true), behind));
        }
    }
}

package org.keelfs.register;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.keelfs.register.TestReplicas.CHUNK;
import static org.keelfs.register.TestReplicas.FIRST;
import static org.keelfs.register.TestReplicas.WHOLE;
import static org.keelfs.register.TestReplicas.n;
import static org.keelfs.register.TestReplicas.times;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.keelfs.base.InvariantViolation;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.ChunkGrant.Mode;
import org.keelfs.register.RegisterReply.Refused;
import org.keelfs.register.RegisterReply.Stale;
import org.keelfs.register.RegisterReply.Unsealed;
import org.keelfs.register.TestReplicas.Bytes;

/**
 * One test or more for each rule of DESIGN section 4, by its number; R7 and R9 are in replicaset.
 */
class RegisterRulesTest {
    private final TestReplicas three = new TestReplicas(3);

    private static RegisterRequest.Write write(long epoch, Timestamp timestamp, String value) {
        return new RegisterRequest.Write(CHUNK, epoch, FIRST, timestamp, Bytes.of(value, FIRST));
    }

    private static RegisterRequest.Read readRequest(long epoch) {
        return new RegisterRequest.Read(CHUNK, epoch, FIRST);
    }

    private static RegisterRequest.Promise promise(long epoch) {
        return new RegisterRequest.Promise(CHUNK, epoch, null);
    }

    @Test
    void r1NoReadIsAnsweredByAReplicaThatIsNotSealed() {
        var _ = three.node(1).ask(promise(5));
        assertEquals(new Unsealed(0), three.node(1).ask(readRequest(5)));
    }

    @Test
    void aRepairTakesThePlaceOfItsOwnTimestampAndOfNoOther() {
        var session = three.open(5, Mode.WRITE);
        var _ = three.write(session, FIRST, "a");
        Timestamp written = valueAt(1).timestamp();
        var digest = three.node(1).ask(promise(5));
        var newer = new Timestamp(5, written.counter() + 1, written.session());
        var older = new Timestamp(5, written.counter() - 1, written.session());
        for (Timestamp timestamp : List.of(older, written)) {
            var bytes = Bytes.of("b", FIRST);
            assertEquals(
                    new RegisterReply.Stored(0),
                    three.node(1)
                            .ask(
                                    new RegisterRequest.Write(
                                            CHUNK, 5, FIRST, timestamp, bytes, true)));
            String wanted = timestamp.equals(written) ? "b" : "a";
            assertEquals(Bytes.of(wanted, FIRST), valueAt(1).payload());
        }
        assertEquals(digest, three.node(1).ask(promise(5)));
        assertEquals(written, valueAt(1).timestamp());
        assertEquals(new RegisterReply.Stored(0), three.node(1).ask(write(5, newer, "c")));
    }

    private ValueRun valueAt(int node) {
        return ((RegisterReply.Values) three.node(node).ask(readRequest(5))).values().getFirst();
    }

    @Test
    void r2AFreshEpochFencesTheOldOne() {
        var old = three.open(5, Mode.WRITE);
        var _ = three.write(old, FIRST, "a");
        var _ = three.open(6, Mode.READ);
        assertEquals(new StaleEpoch(6), three.write(old, FIRST, "b"));
        assertEquals(6, old.stale());
        assertEquals("a", three.read(three.open(7, Mode.READ), 0));
    }

    @Test
    void r3ASealerThatStartsOverInTheSameEpochSaysThatItLostItsState() {
        var session = three.open(5, Mode.WRITE);
        var _ = three.write(session, FIRST, "a");
        var again = three.run(new SealRound(three.grant(5, Mode.WRITE), null, times()));
        assertInstanceOf(SealOutcome.LostSealerState.class, again);
    }

    @Test
    void r3TheHighestSealedEpochWinsNotTheGreatestTimestamp() {
        var five = three.open(5, Mode.WRITE);
        three.down(2, 3);
        assertInstanceOf(QuorumLost.class, three.write(five, FIRST, "lost")); // on n1 only
        three.down(1);
        var _ = three.open(6, Mode.READ);
        three.down(3);
        assertNull(three.read(three.open(7, Mode.READ), 0));
        assertEquals(7, three.node(1).state().sealed()); // INSTALL went downwards
    }

    @Nested
    class R4 {
        @Test
        void aCleanHolderHandsOverAHintThatSealsInOneRound() {
            var session = three.open(5, Mode.WRITE);
            var _ = three.write(session, FIRST, "a");
            var given =
                    assertInstanceOf(
                            HintOutcome.Given.class, three.run(new HintRound(session, times())));
            three.sent.clear();
            var next = three.open(6, Mode.READ, given.hint());
            assertEquals(List.of("n1 Promise", "n2 Promise", "n3 Promise"), three.sent);
            assertEquals("a", three.read(next, 0));
        }

        @Test
        void withAWriteInDoubtThereIsNoHint() {
            var session = three.open(5, Mode.WRITE);
            three.down(2, 3);
            assertInstanceOf(QuorumLost.class, three.write(session, FIRST, "a"));
            three.down();
            assertTrue(session.inDoubt());
            assertInstanceOf(HintOutcome.None.class, three.run(new HintRound(session, times())));
        }

        @Test
        void aReplicaThatMissedARunGivesNoHint() {
            var session = three.open(5, Mode.WRITE);
            three.down(1);
            var _ = three.write(session, FIRST, "a");
            assertFalse(session.hintSources().contains(n(1)));
        }

        @Test
        void sharedModeGivesNoHint() {
            assertEquals(List.of(), three.open(5, Mode.SHARED).hintSources());
        }

        @Test
        void aHintOfAnotherDigestSealsNothing() {
            var _ = three.open(5, Mode.WRITE);
            var hint = new Hint(5, new Digest(1, 1));
            var reply = three.node(1).ask(new RegisterRequest.Promise(CHUNK, 6, hint));
            assertEquals(new RegisterReply.Promised(5, Digest.EMPTY), reply);
        }
    }

    @Nested
    class R5 {
        @Test
        void aWriteIsStoredAtAMajorityAndTheMissedRunIsReadElsewhere() {
            var session = three.open(5, Mode.WRITE);
            three.down(1);
            var stored =
                    assertInstanceOf(WriteOutcome.Stored.class, three.write(session, FIRST, "a"));
            assertEquals(List.of(n(2), n(3)), stored.acknowledged());
            assertEquals(List.of(n(1)), stored.missing());
            assertEquals(1, stored.allocatedDelta());
            three.down();
            assertFalse(session.readable(n(1), FIRST));
            assertEquals("a", three.read(session, 0));
        }

        @Test
        void aMissedRunIsForgottenOnlyAtAnOkToIt() {
            var session = three.open(5, Mode.WRITE);
            three.down(3);
            var first = three.writeRound(session, FIRST, "a");
            assertInstanceOf(WriteOutcome.Stored.class, three.run(first));
            three.down();
            var _ = three.write(session, new SectorRun(1, 1), "b");
            assertFalse(session.readable(n(3), FIRST));
            session.onAcknowledged(n(3), FIRST, first.request().timestamp());
            assertTrue(session.readable(n(3), FIRST));
        }

        @Test
        void aValueInDoubtIsNotShownBeforeItIsStored() {
            var session = three.open(5, Mode.WRITE);
            three.down(2, 3);
            var round = three.writeRound(session, FIRST, "a");
            var outcomes = new ArrayList<WriteOutcome>();
            var queue = new ArrayDeque<Runnable>();
            var effects = three.effects(round, outcomes, queue);
            round.start(0, effects);
            assertInstanceOf(QuorumLost.class, three.finish(round, outcomes, queue, effects));
            three.down();
            assertInstanceOf(ReadPlan.Settle.class, session.readPlan(FIRST));
            outcomes.clear();
            round.resume(new RoundTimes(10, 5_000), 1_000, effects);
            assertInstanceOf(
                    WriteOutcome.Stored.class, three.finish(round, outcomes, queue, effects));
            assertEquals("a", three.read(session, 0));
        }

        @Test
        void aWriteThatStartsDuringAReadIsNotShownUnsettled() {
            var session = three.open(5, Mode.WRITE);
            var round = new ReadRound(session, FIRST, List.of(n(1)), times());
            var outcomes = new ArrayList<ReadOutcome>();
            var queue = new ArrayDeque<Runnable>();
            var effects = three.effects(round, outcomes, queue);
            round.start(0, effects);
            session.onWriteStarted(FIRST, session.nextTimestamp(), false);
            assertInstanceOf(
                    ReadOutcome.InDoubt.class, three.finish(round, outcomes, queue, effects));
        }

        @Test
        void tooManyMissedRunsMakeAReplicaLag() {
            var session = three.open(5, Mode.WRITE);
            three.down(3);
            for (int i = 0; i < 2 * ChunkSession.MISSED_RUNS_MAX + 4; i++) {
                session.onWriteStarted(new SectorRun(2 * i, 1), session.nextTimestamp(), false);
                var last = new Timestamp(5, Long.MAX_VALUE, 0);
                session.onAcknowledged(n(1), new SectorRun(2 * i, 1), last);
                session.onAcknowledged(n(2), new SectorRun(2 * i, 1), last);
                session.onSettled(new SectorRun(2 * i, 1), last);
                session.invariants();
            }
            assertTrue(session.lagging(n(3)));
            assertFalse(session.needsFreshEpoch());
        }
    }

    @Test
    void r6TheSameWriteAgainStoresOnceAndOtherBytesNeedANewTimestamp() {
        var session = three.open(5, Mode.WRITE);
        var round = three.writeRound(session, FIRST, "a");
        var _ = three.run(round);
        int records = three.node(1).log.size();
        assertEquals(new RegisterReply.Stored(0), three.node(1).ask(round.request()));
        assertEquals(records, three.node(1).log.size());
        var foreign = new Timestamp(4, 1, 7);
        assertThrows(
                InvariantViolation.class,
                () -> new WriteRound(session, FIRST, foreign, Bytes.of("b", FIRST), times()));
    }

    @Nested
    class R8 {
        @Test
        void aSharedWriteTakesACounterAboveAnySeen() {
            var session = three.open(5, Mode.SHARED);
            var high = new Timestamp(5, 40, 9);
            var _ = three.node(2).ask(write(5, high, "other"));
            three.down(1);
            var stored =
                    assertInstanceOf(
                            WriteOutcome.Stored.class,
                            three.run(
                                    new SharedWriteRound(
                                            session, FIRST, _ -> Bytes.of("a", FIRST), times())));
            assertTrue(stored.timestamp().isAfter(high));
        }

        @Test
        void aReadThatSawTwoTimestampsImposesTheGreaterBeforeItAnswers() {
            var session = three.open(5, Mode.SHARED);
            var timestamp = new Timestamp(5, 1, 9);
            var _ = three.node(2).ask(write(5, timestamp, "a"));
            three.down(3);
            var outcome =
                    assertInstanceOf(
                            ReadOutcome.Answered.class,
                            three.run(
                                    new SharedReadRound(
                                            session, FIRST, three.set().nodes(), times())));
            assertEquals("a", TestReplicas.text(outcome.values()));
            assertEquals(
                    timestamp, three.node(1).table.stamps(CHUNK, FIRST).getFirst().timestamp());
        }

        /** Who reads bytes that fail their tag avoids this one. */
        @Test
        void aReadNamesWhoSentTheBytesNotWhoSentTimestamps() {
            var session = three.open(5, Mode.SHARED);
            var value = write(5, new Timestamp(5, 1, 9), "a");
            for (int number = 1; number <= 3; number++) {
                var _ = three.node(number).ask(value);
            }
            for (int first = 1; first <= 3; first++) {
                var order = new ArrayList<>(three.set().nodes());
                Collections.swap(order, 0, first - 1);
                var outcome =
                        assertInstanceOf(
                                ReadOutcome.Answered.class,
                                three.run(new SharedReadRound(session, FIRST, order, times())));
                assertEquals(TestReplicas.n(first), outcome.source());
            }
        }

        @Test
        void aReplicaOfAnOlderSealDoesNotCount() {
            three.down(3);
            var session = three.open(5, Mode.SHARED);
            three.down(1);
            var outcome =
                    three.run(new SharedReadRound(session, FIRST, three.set().nodes(), times()));
            assertInstanceOf(QuorumLost.class, outcome);
        }

        @Test
        void aPlainWriteInSharedModeIsABug() {
            var session = three.open(5, Mode.SHARED);
            assertThrows(InvariantViolation.class, () -> three.writeRound(session, FIRST, "a"));
        }
    }

    @Test
    void r10AndR3AnEpochThatIsNoLongerCurrentIsRefusedByTheNodes() {
        var _ = three.open(6, Mode.WRITE);
        var late = three.run(new SealRound(three.grant(5, Mode.WRITE), null, times()));
        assertEquals(new StaleEpoch(6), late);
    }

    @Nested
    class R11 {
        private final TestReplicas.Replica node = three.node(1);
        private final Timestamp one = new Timestamp(5, 1, 7);

        @Test
        void readAndProbeOfAnUnknownChunkAreRefused() {
            var unknown = new Refused(RegisterReply.Reason.UNKNOWN_CHUNK);
            assertEquals(unknown, node.ask(readRequest(5)));
            assertEquals(unknown, node.ask(new RegisterRequest.Probe(CHUNK, 5)));
        }

        @Test
        void aNewChunkNeedsNoSeal() {
            assertEquals(new RegisterReply.Stored(1), node.ask(write(5, one, "a"), 5));
            assertEquals(5, node.state().sealed());
        }

        @Test
        void aNewChunkThatWasAskedAboutBeforeNeedsNoSealEither() {
            var _ = node.ask(new RegisterRequest.Stamps(CHUNK, 5, WHOLE));
            assertEquals(new RegisterReply.Stored(1), node.ask(write(5, one, "a"), 5));
        }

        @Test
        void aPromiseOfALaterEpochFencesTheCreator() {
            var _ = node.ask(promise(6));
            assertEquals(new Stale(6), node.ask(write(5, one, "a"), 5));
        }

        @Test
        void anUnknownChunkOutsideItsCreationEpochIsNotSealed() {
            assertEquals(new Unsealed(0), node.ask(write(6, one, "a"), 0));
        }

        @Test
        void aTombstoneAnswersStaleToAllButAnInstallOfALaterEpoch() {
            var _ = node.ask(write(5, one, "a"), 5);
            assertInstanceOf(DropOutcome.Dropped.class, node.drop(6, true));
            assertEquals(new Stale(6), node.ask(promise(5)));
            assertEquals(new Stale(6), node.ask(promise(7)));
            assertEquals(new Stale(6), node.ask(write(5, one, "a"), 5));
            var install = new RegisterRequest.Install(CHUNK, 7, List.of(), Digest.EMPTY);
            assertEquals(new RegisterReply.Applied(0), node.ask(install));
            assertEquals(7, node.state().sealed());
        }

        @Test
        void anOrderToGiveAwayIsStaleBelowThePromise() {
            var _ = node.ask(promise(8));
            assertEquals(new DropOutcome.StaleOrder(8), node.drop(7, true));
        }

        @Test
        void afterAFencedDropTheFloorAnswersTheCreator() {
            var _ = node.ask(write(5, one, "a"), 5);
            var _ = node.drop(9, false);
            assertNull(node.state());
            assertEquals(new Stale(9), node.ask(write(5, one, "a"), 5));
            assertEquals(new Stale(9), node.ask(promise(9)));
        }

        @Test
        void aFenceIsDoneAtAMajorityAndEndsTheOldEpoch() {
            var old = three.open(5, Mode.WRITE);
            three.down(3);
            assertEquals(
                    new FenceOutcome.Fenced(6),
                    three.run(new FenceRound(CHUNK, 6, three.set(), times())));
            three.down();
            assertEquals(new StaleEpoch(6), three.write(old, FIRST, "late"));
        }

        @Test
        void whoIsNoMemberIsRefused() {
            assertEquals(
                    new Refused(RegisterReply.Reason.NOT_A_MEMBER),
                    node.ask(promise(5), new Membership(false, 0)));
        }
    }

    @Nested
    class R12 {
        @Test
        void aDamagedCopyDoesNotVoteAndTakesOnlyALaterInstall() {
            var session = three.open(5, Mode.WRITE);
            var _ = three.write(session, FIRST, "a");
            three.node(1).damage();
            var damaged = new Refused(RegisterReply.Reason.DAMAGED);
            assertEquals(damaged, three.node(1).ask(promise(6)));
            assertEquals(damaged, three.node(1).ask(readRequest(5)));
            var same = new RegisterRequest.Install(CHUNK, 5, List.of(), Digest.EMPTY);
            assertEquals(damaged, three.node(1).ask(same));
            three.down(2); // n1 has no vote: no majority
            var outcome = three.run(new SealRound(three.grant(6, Mode.READ), null, times()));
            assertInstanceOf(QuorumLost.class, outcome);
        }

        @Test
        void aDamagedCopyIsInstalledFromEmptyByALaterSeal() {
            var session = three.open(5, Mode.WRITE);
            var _ = three.write(session, FIRST, "a");
            three.down(3);
            var _ = three.write(session, new SectorRun(3, 2), "b");
            three.down();
            three.node(1).damage();
            var six = three.open(6, Mode.READ);
            assertEquals("a", three.read(six, 0));
            assertEquals("b", three.read(six, 4));
        }
    }

    @Nested
    class Positions {
        @Test
        void anAnswerThatStoresNothingWaitsForWhatItRead() {
            var session = three.open(5, Mode.WRITE);
            var round = three.writeRound(session, FIRST, "a");
            var _ = three.run(round);
            var node = three.node(1);
            long written = node.log.size();
            assertInstanceOf(RegisterReply.Stored.class, node.ask(round.request()));
            assertEquals(written, node.lastReplyPosition);
            var _ = node.ask(readRequest(5));
            assertEquals(written, node.lastReplyPosition);
            var _ = node.ask(new RegisterRequest.Stamps(CHUNK, 5, WHOLE));
            assertEquals(written, node.lastReplyPosition);
        }

        @Test
        void aPromiseAndAStaleWaitForThePromise() {
            var node = three.node(1);
            var _ = node.ask(promise(6));
            assertEquals(1, node.lastReplyPosition);
            assertEquals(new Stale(6), node.ask(promise(5)));
            assertEquals(1, node.lastReplyPosition);
        }

        @Test
        void aPromiseSurvivesACrashThatTakesAllThatWasNotDurable() {
            var node = three.node(1);
            var _ = node.ask(promise(6));
            var recovered = new MemoryReplicaTable();
            for (int i = 0; i < node.lastReplyPosition; i++) {
                recovered.apply(node.log.get(i), i + 1);
            }
            assertEquals(6, recovered.state(CHUNK).promised());
        }
    }

    @Nested
    class Install {
        private final TestReplicas.Replica node = three.node(1);
        private final ValueRun fix =
                new ValueRun(FIRST, new Timestamp(3, 1, 7), Bytes.of("a", FIRST));
        private final Digest digest = SectorHash.of(FIRST, fix.timestamp());

        @Test
        void aWrongDigestChangesNothingAndDropsWhatWasStaged() {
            var _ = node.ask(new RegisterRequest.Stage(CHUNK, 5, List.of(fix)));
            var wrong = new RegisterRequest.Install(CHUNK, 5, List.of(), Digest.EMPTY);
            assertEquals(new Refused(RegisterReply.Reason.DIGEST_MISMATCH), node.ask(wrong));
            assertEquals(0, node.state().sealed());
            assertEquals(new RegisterReply.Applied(0), node.ask(wrong));
        }

        @Test
        void stagedFixesAreUnseenUntilTheInstall() {
            var _ = node.ask(new RegisterRequest.Stage(CHUNK, 5, List.of(fix)));
            assertEquals(
                    new RegisterReply.StampsAnswer(List.of(), 0, Digest.EMPTY),
                    node.ask(new RegisterRequest.Stamps(CHUNK, 5, WHOLE)));
            var install = new RegisterRequest.Install(CHUNK, 5, List.of(), digest);
            assertEquals(new RegisterReply.Applied(1), node.ask(install));
            assertEquals(new RegisterReply.Have(5, digest), node.ask(install));
        }

        @Test
        void aHigherPromiseDropsWhatWasStaged() {
            var _ = node.ask(new RegisterRequest.Stage(CHUNK, 5, List.of(fix)));
            var _ = node.ask(promise(6));
            assertEquals(List.of(), node.table.staged(CHUNK, 5));
        }

        @Test
        void goesDownwardsAndRemoves() {
            var five = new Timestamp(5, 1, 7);
            var _ = node.ask(write(5, five, "newer"), 5);
            var down = new RegisterRequest.Install(CHUNK, 6, List.of(fix), digest);
            assertEquals(new RegisterReply.Applied(0), node.ask(down));
            var gone =
                    new RegisterRequest.Install(
                            CHUNK,
                            7,
                            List.of(new ValueRun(FIRST, Timestamp.ZERO, null)),
                            Digest.EMPTY);
            assertEquals(new RegisterReply.Applied(-1), node.ask(gone));
        }
    }
}

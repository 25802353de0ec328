package org.keelfs.replicaset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.keelfs.register.TestReplicas.CHUNK;
import static org.keelfs.register.TestReplicas.WHOLE;
import static org.keelfs.register.TestReplicas.n;
import static org.keelfs.register.TestReplicas.times;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.model.SessionId;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.ChunkGrant.Mode;
import org.keelfs.register.QuorumLost;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.TestReplicas;
import org.keelfs.register.WriteOutcome;

/** R7 and R9 of DESIGN section 4. */
class ReplicaSetRulesTest {
    private static final SectorRun FIRST = new SectorRun(0, 1);
    private static final SectorRun SECOND = new SectorRun(1, 2);

    @Nested
    class R7 {
        private final TestReplicas three = new TestReplicas(3);

        @Test
        void aReplicaThatMissedTheSealIsInstalledFromOneThatMissedNothing() {
            three.down(3);
            var session = three.open(5, Mode.WRITE);
            var _ = three.write(session, FIRST, "a");
            three.down();
            assertEquals(List.of(n(3)), session.behind());
            var outcome = three.run(new CatchUp(session, n(3), times()));
            assertEquals(new CatchUpOutcome.CaughtUp(1), outcome);
            assertTrue(session.readable(n(3), WHOLE));
            assertEquals(List.of(), session.behind());
        }

        @Test
        void whatTheSourceMissedTheTargetHasMissedToo() {
            var five = new TestReplicas(5);
            five.down(4, 5);
            var session = five.open(5, Mode.WRITE);
            five.down(1, 5);
            // n1 misses the run; n4 is asked but not sealed: a majority needs n2, n3 and n4
            var lost = five.write(session, FIRST, "a");
            assertInstanceOf(QuorumLost.class, lost);
            five.down();
            session.beginCatchUp(n(4), n(1));
            session.onCaughtUp(n(4));
            assertFalse(session.readable(n(4), FIRST));
        }

        @Test
        void runsWrittenMeanwhileCountAsMissed() {
            three.down(3);
            var session = three.open(5, Mode.WRITE);
            session.beginCatchUp(n(3), n(1));
            assertInstanceOf(WriteOutcome.Stored.class, three.write(session, FIRST, "a"));
            session.onCaughtUp(n(3));
            assertFalse(session.readable(n(3), FIRST));
            assertTrue(session.readable(n(3), SECOND));
        }

        @Test
        void aSealedReplicaGetsWhatItMissedUnderTheOriginalTimestamp() {
            var session = three.open(5, Mode.WRITE);
            three.down(3);
            var _ = three.write(session, SECOND, "b");
            three.down();
            assertInstanceOf(
                    CatchUpOutcome.CaughtUp.class, three.run(new CatchUp(session, n(3), times())));
            assertEquals(
                    three.node(1).table.stamps(CHUNK, WHOLE),
                    three.node(3).table.stamps(CHUNK, WHOLE));
            assertTrue(session.readable(n(3), WHOLE));
        }

        @Test
        void anInstallThatFoundTheReplicaSealedIsNotTakenForApplied() {
            three.down(3);
            var session = three.open(5, Mode.WRITE);
            var _ = three.write(session, FIRST, "a");
            three.down();
            session.onSealed(n(3));
            assertFalse(session.readable(n(3), FIRST));
        }
    }

    @Nested
    class R9 {
        private final TestReplicas four = new TestReplicas(4);
        private final ReplicaSet old = new ReplicaSet(List.of(n(1), n(2), n(3)));
        private final ReplicaSet changed = new ReplicaSet(List.of(n(2), n(3), n(4)));
        private final List<String> events = new ArrayList<>();

        private ChunkGrant grant(ReplicaSet set, long epoch) {
            return new ChunkGrant(CHUNK, epoch, set, WHOLE, Mode.WRITE, new SessionId(7));
        }

        private void change(boolean accepted) {
            var change = new ReplicaSetChange(grant(changed, 6), old, times());
            var queue = new ArrayDeque<Runnable>();
            var effects =
                    new ReplicaSetEffects() {
                        @Override
                        public void commit(
                                ChunkId chunk, ReplicaSet from, ReplicaSet to, long epoch) {
                            events.add("commit " + to.nodes() + " in " + epoch);
                            queue.add(() -> change.onCommit(accepted, this));
                        }

                        @Override
                        public void send(NodeId to, RegisterRequest request) {
                            queue.add(
                                    () ->
                                            change.onReply(
                                                    to,
                                                    request,
                                                    four.node(to.value()).ask(request),
                                                    0,
                                                    this));
                        }

                        @Override
                        public void finish(ReplicaSetOutcome outcome) {
                            events.add(outcome.getClass().getSimpleName());
                        }
                    };
            change.start(0, effects);
            while (!queue.isEmpty()) {
                queue.poll().run();
                change.invariants();
            }
        }

        @Test
        void theNewSetIsInstalledBeforeTheCommitAndOpenAfterIt() {
            four.down(4);
            var session = four.open(5, Mode.WRITE);
            var _ = four.write(session, FIRST, "a");
            four.down();
            change(true);
            assertEquals(List.of("commit [n2, n3, n4] in 6", "Changed"), events);
        }

        @Test
        void aRefusedCommitOpensNothing() {
            change(false);
            assertEquals(List.of("commit [n2, n3, n4] in 6", "Refused"), events);
        }

        @Test
        void aNewerEpochEndsTheChangeBeforeTheCommit() {
            var _ = four.open(7, Mode.READ);
            change(true);
            assertEquals(List.of("NotSealed"), events);
        }
    }
}

package org.keelfs.register;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.keelfs.register.TestReplicas.FIRST;
import static org.keelfs.register.TestReplicas.n;
import static org.keelfs.register.TestReplicas.times;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.keelfs.base.InvariantViolation;
import org.keelfs.model.NodeId;
import org.keelfs.register.ChunkGrant.Mode;

/** A READ that rides along with a seal (decision 0065). */
class RidingReadTest {
    private final TestReplicas three = new TestReplicas(3);
    private final List<SealOutcome> outcomes = new ArrayList<>();
    private final List<Sent> sent = new ArrayList<>();
    private final RoundEffects<SealOutcome> out =
            new RoundEffects<>() {
                @Override
                public void send(NodeId to, RegisterRequest request) {
                    sent.add(new Sent(to, request));
                }

                @Override
                public void finish(SealOutcome outcome) {
                    outcomes.add(outcome);
                }
            };
    private @Nullable Hint hint;
    private SealRound seal = seal(6, null, 1, 2, 3);

    private record Sent(NodeId to, RegisterRequest request) {
        @Override
        public String toString() {
            return to + " " + request.getClass().getSimpleName();
        }
    }

    private SealRound seal(long epoch, @Nullable Hint with, int... order) {
        var round = new SealRound(three.grant(epoch, Mode.READ), with, times());
        round.letRide(FIRST, java.util.Arrays.stream(order).mapToObj(TestReplicas::n).toList());
        return round;
    }

    /** What all three have, and what their writer hands over. */
    @BeforeEach
    void write() {
        var writer = three.open(5, Mode.WRITE);
        assertInstanceOf(WriteOutcome.Stored.class, three.write(writer, FIRST, "a"));
        var given = three.run(new HintRound(writer, times()));
        hint = assertInstanceOf(HintOutcome.Given.class, given).hint();
    }

    /** All that was sent to this node arrives there, in its order, and the answers here. */
    private void deliver(int number, long nowNs) {
        deliver(number, nowNs, Object.class);
    }

    /** The same of one kind. */
    private void deliver(int number, long nowNs, Class<?> kind) {
        for (Sent one : List.copyOf(sent)) {
            if (one.to.equals(n(number)) && kind.isInstance(one.request)) {
                sent.remove(one);
                var reply = three.node(number).ask(one.request);
                seal.onReply(one.to, one.request, reply, nowNs, out);
                seal.invariants();
            }
        }
    }

    private List<String> sent() {
        return sent.stream().map(Sent::toString).toList();
    }

    private SealOutcome.Opened opened() {
        assertEquals(1, outcomes.size());
        return assertInstanceOf(SealOutcome.Opened.class, outcomes.getFirst());
    }

    private void assertBrought(int source) {
        var read = opened().read();
        assertNotNull(read);
        assertEquals(n(source), read.source());
        assertEquals("a", TestReplicas.text(read.values()));
    }

    @Test
    void itRidesBehindAnInstallWithoutFixes() {
        seal.start(0, out);
        deliver(1, 1);
        deliver(2, 1);
        assertEquals(List.of("n3 Promise", "n1 Install", "n2 Install", "n1 Read"), sent());
        deliver(1, 2);
        assertTrue(outcomes.isEmpty(), "one replica is no majority");
        deliver(2, 2);
        assertBrought(1);
    }

    @Test
    void itRidesBehindAPromiseWithAHint() {
        seal = seal(6, hint, 2, 1, 3);
        seal.start(0, out);
        assertEquals(List.of("n1 Promise", "n2 Promise", "n3 Promise", "n2 Read"), sent());
        deliver(2, 1);
        assertTrue(outcomes.isEmpty(), "one replica is no majority");
        deliver(1, 1);
        assertBrought(2);
    }

    @Test
    void whereTheHintDoesNotFitItRidesOnceMoreBehindTheInstall() {
        seal = seal(6, new Hint(5, Digest.EMPTY), 1, 2, 3);
        seal.start(0, out);
        deliver(1, 1);
        deliver(2, 1);
        assertEquals(List.of("n3 Promise", "n1 Install", "n2 Install", "n1 Read"), sent());
        deliver(1, 2);
        deliver(2, 2);
        assertBrought(1);
    }

    @Test
    void bytesOfAReplicaThatIsNotKnownToBeSealedAreNotShown() {
        seal = seal(6, hint, 3, 1, 2);
        seal.start(0, out);
        deliver(3, 1, RegisterRequest.Promise.class); // its answer is lost
        outcomes.clear();
        seal = seal(6, hint, 3, 1, 2);
        seal.start(0, out);
        deliver(3, 1, RegisterRequest.Read.class);
        deliver(1, 1);
        deliver(2, 1);
        assertTrue(outcomes.isEmpty(), "its PROMISE may be answered yet");
        seal.onTick(seal.nextDeadlineNs(), out);
        assertNull(opened().read());
        assertEquals(List.of(n(1), n(2)), opened().sealed());
    }

    @Test
    void itIsWaitedForAsLongAgainAsTheSealTook() {
        seal = seal(6, hint, 1, 2, 3);
        seal.start(0, out);
        deliver(2, 4);
        deliver(3, 4);
        assertEquals(8, seal.nextDeadlineNs());
        seal.onTick(7, out);
        assertTrue(outcomes.isEmpty());
        seal.onTick(8, out);
        assertNull(opened().read());
    }

    @Test
    void whoFailsIsNotWaitedFor() {
        seal.start(0, out);
        deliver(1, 1);
        deliver(2, 1);
        deliver(1, 2, RegisterRequest.Install.class);
        var read = sent.stream().filter(s -> s.request instanceof RegisterRequest.Read).findAny();
        seal.onFailure(n(1), read.orElseThrow().request, 3, out);
        assertEquals("n2 Read", sent().getLast(), "asks another");
        deliver(2, 4);
        assertBrought(2);
    }

    @Test
    void whoFailsWhenOnlyItWasWaitedForEndsTheSeal() {
        seal = seal(6, hint, 1, 2, 3);
        seal.start(0, out);
        deliver(2, 4);
        deliver(3, 4);
        assertTrue(outcomes.isEmpty());
        seal.onFailure(n(1), sent.getLast().request, 5, out);
        assertNull(opened().read());
    }

    @Test
    void aReadThatOvertakesItsInstallIsNoAnswer() {
        seal.start(0, out);
        deliver(1, 1);
        deliver(2, 1);
        deliver(1, 2, RegisterRequest.Read.class);
        assertEquals("n1 Read", sent().getLast(), "once more");
        deliver(1, 3, RegisterRequest.Read.class);
        deliver(1, 4);
        deliver(2, 4);
        assertNull(opened().read());
    }

    @Test
    void atTheDeadlineAChunkThatOnlyWaitsForItIsOpen() {
        seal = seal(6, hint, 1, 2, 3);
        seal.start(0, out);
        deliver(2, 900);
        deliver(3, 900);
        assertTrue(outcomes.isEmpty());
        seal.onTick(1_000, out);
        assertNull(opened().read());
    }

    @Test
    void aNewerPromiseEndsTheSealAndTheReadWithIt() {
        seal.start(0, out);
        deliver(1, 1);
        deliver(2, 1);
        deliver(1, 2);
        var _ = three.open(7, Mode.READ);
        deliver(2, 3);
        assertEquals(List.of(new StaleEpoch(7)), outcomes);
    }

    @Test
    void sharersReadByTheirOwnRounds() {
        var shared = new SealRound(three.grant(6, Mode.SHARED), null, times());
        assertThrows(InvariantViolation.class, () -> shared.letRide(FIRST, List.of(n(1))));
    }
}

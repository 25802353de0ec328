package org.keelfs.register;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.keelfs.model.ChunkId;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.RegisterReply.Reason;
import org.keelfs.register.RegisterReply.Refused;
import org.keelfs.register.TestReplicas.Bytes;

/** A replica of a copy of a frozen chunk (decision 0070). */
class CopyRulesTest {
    private static final ChunkId ORIGIN = new ChunkId(1);
    private static final ChunkId COPY = new ChunkId(2);
    private static final long FROZEN = 7;
    private static final long CREATED = 20;
    private static final long EPOCH = 21;
    private static final SectorRun RUN = new SectorRun(2, 3);
    private static final Timestamp WRITTEN = new Timestamp(5, 1, 9);
    private static final Membership.Origin FROM = new Membership.Origin(ORIGIN, FROZEN, CREATED);
    private static final Membership MEMBER = new Membership(true, 0, FROM);

    private final TestReplicas.Replica node = new TestReplicas(3).node(1);

    private void originSealedIn(long epoch) {
        assertInstanceOf(RegisterReply.Stored.class, node.ask(write(ORIGIN, 5, WRITTEN), 5));
        var digest = node.table.state(ORIGIN).digest();
        var _ = node.ask(new RegisterRequest.Install(ORIGIN, epoch, List.of(), digest));
    }

    private static RegisterRequest write(ChunkId chunk, long epoch, Timestamp timestamp) {
        return new RegisterRequest.Write(chunk, epoch, RUN, timestamp, Bytes.of("a", RUN));
    }

    private static RegisterRequest promise(long epoch) {
        return new RegisterRequest.Promise(COPY, epoch, null);
    }

    private RegisterReply step(RegisterRequest step, boolean first) {
        var answers = new ArrayList<RegisterReply>();
        node.register.onCopy(answers, step, first, node.effects);
        return answers.getFirst();
    }

    private RegisterReply copyHere() {
        var values = node.table.values(ORIGIN, TestReplicas.WHOLE);
        var staged = step(new RegisterRequest.Stage(COPY, CREATED, values), true);
        var digest = node.register.frozen(FROM);
        return staged instanceof RegisterReply.Staged && digest != null
                ? step(new RegisterRequest.Install(COPY, CREATED, List.of(), digest), false)
                : staged;
    }

    @Test
    void withoutTheContentsItHasNoVoteAndPromisesNothing() {
        originSealedIn(FROZEN);
        assertEquals(new Refused(Reason.UNCOPIED), node.ask(promise(EPOCH), MEMBER));
        var stamp = new Timestamp(EPOCH, 1, 9);
        assertEquals(new RegisterReply.Unsealed(0), node.ask(write(COPY, EPOCH, stamp), MEMBER));
        assertNull(node.table.state(COPY), "a promise would keep the contents out");
        assertTrue(node.register.wantsCopy(promise(EPOCH), MEMBER), "to vote it copies");
    }

    @Test
    void withTheContentsItIsSealedInTheCreatedEpochAndVotes() {
        originSealedIn(FROZEN);
        assertInstanceOf(RegisterReply.Applied.class, copyHere());
        var digest = node.table.state(ORIGIN).digest();
        assertEquals(new RegisterReply.Promised(CREATED, digest), node.ask(promise(EPOCH), MEMBER));
        assertEquals(
                node.table.stamps(ORIGIN, TestReplicas.WHOLE),
                node.table.stamps(COPY, TestReplicas.WHOLE));
        assertFalse(node.register.wantsCopy(promise(EPOCH + 1), MEMBER), "once is enough");
    }

    @Test
    void aReplicaThatMissedTheSealOfTheFrozenContentsDoesNotHaveThem() {
        originSealedIn(FROZEN - 1);
        assertNull(node.register.frozen(FROM), "what it has may be older");
        var _ =
                node.ask(
                        new RegisterRequest.Install(
                                ORIGIN, FROZEN + 3, List.of(), node.table.state(ORIGIN).digest()));
        assertEquals(node.table.state(ORIGIN).digest(), node.register.frozen(FROM));
    }

    @Test
    void whatWasSealedLaterIsNotOverwritten() {
        originSealedIn(FROZEN);
        assertInstanceOf(RegisterReply.Applied.class, copyHere());
        var digest = node.table.state(COPY).digest();
        var _ = node.ask(new RegisterRequest.Install(COPY, EPOCH, List.of(), digest), MEMBER);
        var _ = node.ask(write(COPY, EPOCH, new Timestamp(EPOCH, 1, 9)), MEMBER);
        var written = node.table.state(COPY);
        assertEquals(new Refused(Reason.UNCOPIED), copyHere());
        assertEquals(written, node.table.state(COPY));
    }

    @Test
    void aFenceNeedsNoContents() {
        var fence = node.ask(promise(EPOCH), new Membership(true, 0));
        assertEquals(new RegisterReply.Promised(0, Digest.EMPTY), fence);
        assertEquals(new RegisterReply.Stale(EPOCH), node.ask(promise(EPOCH - 1), MEMBER));
    }

    @Test
    void aCopyDroppedHalfwayDoesNotComeBack() {
        originSealedIn(FROZEN);
        var values = node.table.values(ORIGIN, TestReplicas.WHOLE);
        var _ = step(new RegisterRequest.Stage(COPY, CREATED, values), true);
        var _ = node.register.onDrop(COPY, 0, false, node.effects);
        var rest = new RegisterRequest.Stage(COPY, CREATED, values);
        assertEquals(new Refused(Reason.UNCOPIED), step(rest, false));
        assertNull(node.table.state(COPY));
    }

    @Test
    void aCopyBegunTwiceIsWholeAllTheSame() {
        originSealedIn(FROZEN);
        var values = node.table.values(ORIGIN, TestReplicas.WHOLE);
        var _ = step(new RegisterRequest.Stage(COPY, CREATED, values), true);
        assertInstanceOf(RegisterReply.Applied.class, copyHere());
        assertEquals(node.table.state(ORIGIN).digest(), node.table.state(COPY).digest());
    }

    @Test
    void theFloorOfOtherDeletionsDoesNotKeepTheContentsOut() {
        originSealedIn(FROZEN);
        var _ = node.register.onDrop(new ChunkId(99), CREATED, false, node.effects);
        assertInstanceOf(RegisterReply.Applied.class, copyHere());
        var promised = node.ask(promise(EPOCH), MEMBER);
        assertInstanceOf(RegisterReply.Promised.class, promised);
    }

    @Test
    void aHealerBringsTheContentsWhereTheOriginIsBehind() {
        var values = List.of(new ValueRun(RUN, WRITTEN, Bytes.of("a", RUN)));
        var digest = Digest.EMPTY.xor(SectorHash.of(RUN, WRITTEN));
        var install = new RegisterRequest.Install(COPY, EPOCH, values, digest);
        assertInstanceOf(RegisterReply.Applied.class, node.ask(install, MEMBER));
        assertEquals(
                new RegisterReply.Promised(EPOCH, digest), node.ask(promise(EPOCH + 1), MEMBER));
    }
}

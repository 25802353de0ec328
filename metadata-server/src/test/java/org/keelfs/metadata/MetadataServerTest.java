package org.keelfs.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.base.Errno;
import org.keelfs.model.FileSize;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.security.tls.Role;
import org.keelfs.wire.proto.MetadataProto.*;
import org.keelfs.wire.proto.NodeProto;

@Timeout(60)
class MetadataServerTest {
    @TempDir Path directory;
    private TestServer server;
    private TestServer.Mount a;

    @BeforeEach
    void start() throws Exception {
        server = new TestServer(directory);
        a = server.mount("a");
    }

    @AfterEach
    void stop() throws Exception {
        assertNull(server.fatal());
        server.close();
    }

    @Test
    void aFileIsCreatedLookedUpAndItsAbsenceIsLeased() {
        LookupReply absent = a.lookup(a.root, "f");
        assertEquals(Errno.ENOENT.number(), absent.getErrno());
        assertEquals(LeaseMode.READ, absent.getParentLease().getMode());
        CommandResult created = a.create(a.root, "f");
        assertEquals(0, created.getErrno());
        assertEquals(LeaseMode.WRITE, created.getLease().getMode());
        LookupReply found = a.lookup(a.root, "f");
        assertEquals(created.getInode().getInode(), found.getInode().getInode());
        assertEquals(created.getLease().getGeneration(), found.getLease().getGeneration());
    }

    @Test
    void anotherMountsChangeWaitsForTheDirectoryLease() throws Exception {
        var b = server.mount("b");
        a.lookup(a.root, "f");
        var creating = b.submitAsync(TestServer.createCommand(b.root, "f"));
        Recall recall = a.recalled();
        assertEquals(a.root, recall.getInode());
        assertFalse(creating.isDone());
        a.giveBack(recall);
        assertEquals(0, creating.get(5, TimeUnit.SECONDS).getResults(0).getErrno());
        var looking =
                a.askAsync(RpcMethod.LOOKUP, a.lookupRequest(a.root, "f"), LookupReply.parser());
        // B got WRITE with its create: A's lookup asks for it back but for READ.
        Recall write = b.recalled();
        assertEquals(LeaseMode.READ, write.getKeep());
        assertEquals(LeaseMode.READ, b.giveBack(write).getLease().getMode());
        assertEquals(0, looking.get(5, TimeUnit.SECONDS).getErrno());
    }

    @Test
    void aBatchSentAgainIsAnsweredAndNotAppliedAgain() {
        SubmitRequest batch =
                a.batch(
                        TestServer.createCommand(a.root, "x"),
                        TestServer.unlinkCommand(a.root, "x"));
        SubmitReply first = a.ask(RpcMethod.SUBMIT, batch, SubmitReply.parser());
        SubmitReply again = a.ask(RpcMethod.SUBMIT, batch, SubmitReply.parser());
        assertEquals(0, first.getResults(1).getErrno());
        assertEquals(first.getResults(0).getInode(), again.getResults(0).getInode());
        assertEquals(0, again.getResults(0).getErrno());
        assertEquals(0, again.getResults(1).getErrno());
    }

    @Test
    void aNewFilesChunkIsOpenAtOnceAndEveryHandOverDrawsAFreshEpoch() throws Exception {
        server.registerNodes(3);
        var b = server.mount("b");
        long file = a.create(a.root, "f").getInode().getInode();
        Layout created = a.layout(file, 0, true, 0);
        assertEquals(0, created.getErrno());
        assertTrue(created.getOpen());
        assertTrue(created.getWritable());
        assertEquals(created.getEpoch(), created.getCreatedEpoch());
        assertEquals(3, created.getReplicasCount());
        assertEquals(created.getEpoch(), a.layout(file, 0, true, created.getEpoch()).getEpoch());

        var reading =
                b.askAsync(
                        RpcMethod.ACQUIRE_LEASE,
                        b.acquireRequest(file, LeaseMode.READ),
                        AcquireLeaseReply.parser());
        var hint =
                NodeProto.Hint.newBuilder()
                        .setSealed(created.getEpoch())
                        .setDigest(NodeProto.DigestValue.newBuilder().setHigh(7).setLow(8))
                        .build();
        a.giveBack(
                a.recalled(),
                HandOver.newBuilder().setChunk(created.getChunk()).setHint(hint).build());
        assertEquals(LeaseMode.READ, reading.get(5, TimeUnit.SECONDS).getLease().getMode());

        Layout read = b.layout(file, 0, false, 0);
        assertTrue(read.getEpoch() > created.getEpoch());
        assertFalse(read.getOpen());
        assertFalse(read.getWritable());
        assertEquals(hint, read.getHint());
        assertEquals(Errno.EAGAIN.number(), a.layout(file, 0, false, 0).getErrno());
        assertTrue(b.sealed(read));
        Layout shared = a.layout(file, 0, false, 0);
        assertEquals(read.getEpoch(), shared.getEpoch());
        assertTrue(shared.getOpen());
        assertFalse(a.sealed(created));
    }

    @Test
    void theLastChunkOfAllBoundsTheTrimByTheGreatestSize() throws Exception {
        server.registerNodes(3);
        var b = server.mount("b");
        long file = a.create(a.root, "f").getInode().getInode();
        long last = (FileSize.MAX_BYTES - 1) / (1 << 20);
        Layout made = a.layout(file, last, true, 0);
        assertEquals(0, made.getErrno());
        assertEquals(last, made.getChunkIndex());
        assertEquals(Errno.EINVAL.number(), a.layout(file, last + 1, true, 0).getErrno());
        var writing =
                b.askAsync(
                        RpcMethod.ACQUIRE_LEASE,
                        b.acquireRequest(file, LeaseMode.WRITE),
                        AcquireLeaseReply.parser());
        a.giveBack(a.recalled());
        LeaseGrant grant = writing.get(5, TimeUnit.SECONDS).getLease();
        assertEquals(FileSize.MAX_BYTES, grant.getTrimBound());
        assertEquals(made.getChunk(), b.layout(file, last, false, 0).getChunk());
    }

    @Test
    void aLayoutTakesALease() throws Exception {
        server.registerNodes(3);
        var b = server.mount("b");
        long file = a.create(a.root, "f").getInode().getInode();
        assertEquals(Errno.ENOLCK.number(), b.layout(file, 0, false, 0).getErrno());
        assertTrue(a.layout(file, 3, false, 0).getAbsent());
    }

    @Test
    void withoutNodesThereIsNoChunk() {
        long file = a.create(a.root, "f").getInode().getInode();
        int errno = a.layout(file, 0, true, 0).getErrno();
        assertTrue(errno == Errno.EIO.number() || errno == Errno.EAGAIN.number(), "" + errno);
    }

    @Test
    void aRestartKeepsWhatWasAnsweredAndLetsLeasesBeReclaimed() throws Exception {
        server.registerNodes(3);
        long file = a.create(a.root, "f").getInode().getInode();
        Layout before = a.layout(file, 0, true, 0);
        long position = a.submit(TestServer.createCommand(a.root, "g")).getPosition();
        ForceRequest force =
                ForceRequest.newBuilder()
                        .setServerIncarnation(a.incarnation)
                        .setPosition(position)
                        .build();
        a.ask(RpcMethod.FORCE, force, ForceReply.parser());
        server.restart();
        // What it knows under that position may be another command.
        assertEquals(
                RpcStatus.BUSY, statusOf(() -> a.ask(RpcMethod.FORCE, force, ForceReply.parser())));
        assertEquals(RpcStatus.BUSY, statusOf(() -> a.create(a.root, "h")));
        a.sequence--;
        long restarted = awaitRenewed(a);
        assertNotEquals(a.incarnation, restarted);
        a.incarnation = restarted;
        AcquireLeaseReply reclaimed =
                a.ask(
                        RpcMethod.ACQUIRE_LEASE,
                        a.acquireRequest(file, LeaseMode.WRITE).toBuilder()
                                .setReclaim(true)
                                .build(),
                        AcquireLeaseReply.parser());
        assertEquals(0, reclaimed.getErrno());
        assertEquals(LeaseMode.WRITE, reclaimed.getLease().getMode());
        a.renew(true);
        assertEquals(0, a.lookup(a.root, "g").getErrno());
        server.registerNodes(3);
        // It says that it still knows its state of the chunk: the epoch recorded OPEN goes on.
        assertEquals(before.getEpoch(), a.layout(file, 0, true, before.getEpoch()).getEpoch());
        Layout forgot = a.layout(file, 0, true, 0);
        assertTrue(forgot.getEpoch() > before.getEpoch());
        assertTrue(a.layout(file, 1, true, 0).getEpoch() > forgot.getEpoch());
    }

    @Test
    void epochsAndSessionsAreNeverReused() throws Exception {
        server.registerNodes(3);
        long lastEpoch = 0;
        long lastSession = 0;
        for (int i = 0; i < 3; i++) {
            assertTrue(a.session > lastSession);
            lastSession = a.session;
            long file = a.create(a.root, "f" + i).getInode().getInode();
            long epoch = a.layout(file, 0, true, 0).getEpoch();
            assertTrue(epoch > lastEpoch);
            lastEpoch = epoch;
            server.restart();
            awaitReopened(a);
            server.registerNodes(3);
        }
    }

    @Test
    void aSuccessorEvictsItsPredecessorAtOnce() throws Exception {
        long file = a.create(a.root, "f").getInode().getInode();
        long old = a.session;
        a.open();
        assertEquals(LeaseMode.WRITE, a.acquire(file, LeaseMode.WRITE).getLease().getMode());
        a.session = old;
        assertEquals(RpcStatus.SESSION_GONE, statusOf(() -> a.renew(false)));
    }

    @Test
    void aSilentHolderIsEvictedWhenItsLeaseIsWanted() throws Exception {
        var b = server.mount("b");
        long file = a.create(a.root, "f").getInode().getInode();
        var writing =
                b.askAsync(
                        RpcMethod.ACQUIRE_LEASE,
                        b.acquireRequest(file, LeaseMode.WRITE),
                        AcquireLeaseReply.parser());
        assertEquals(LeaseMode.WRITE, writing.get(8, TimeUnit.SECONDS).getLease().getMode());
        assertEquals(RpcStatus.SESSION_GONE, statusOf(() -> a.renew(false)));
    }

    @Test
    void anotherCertificateMayNotUseASession() throws Exception {
        var b = server.mount("b");
        b.session = a.session;
        assertEquals(RpcStatus.REFUSED, statusOf(() -> b.lookup(b.root, "f")));
    }

    @Test
    void aStoreThatLostDataComesBackAsANewNode() throws Exception {
        int first = server.registerNode("node1", 1, 5, false).getNode();
        assertEquals(first, server.registerNode("node1", 1, 6, false).getNode());
        int restored = server.registerNode("node1", 1, 4, false).getNode();
        assertNotEquals(first, restored);
        int damaged = server.registerNode("node1", 1, 7, true).getNode();
        assertNotEquals(restored, damaged);
        int wiped = server.registerNode("node1", 2, 1, false).getNode();
        assertNotEquals(damaged, wiped);
        StatusReply status =
                TestServer.call(
                        server.connect("admin", Role.ADMIN),
                        RpcMethod.STATUS,
                        StatusRequest.getDefaultInstance(),
                        StatusReply.parser());
        long standing = status.getNodesList().stream().filter(n -> !n.getReplaced()).count();
        assertEquals(1, standing);
    }

    @Test
    void deletedChunksAreDroppedUntilTheNodesHaveForgottenThem() throws Exception {
        server.registerNodes(3);
        long file = a.create(a.root, "f").getInode().getInode();
        long chunk = a.layout(file, 0, true, 0).getChunk();
        assertEquals(0, a.submit(TestServer.unlinkCommand(a.root, "f")).getResults(0).getErrno());
        for (int node = 1; node <= 3; node++) {
            assertEquals(chunk, heartbeat(node, 0).getDrops(0).getChunk());
            heartbeat(node, chunk);
            assertEquals(0, heartbeat(node, 0).getDropsCount());
        }
        StatusReply status =
                TestServer.call(
                        server.connect("admin", Role.ADMIN),
                        RpcMethod.STATUS,
                        StatusRequest.getDefaultInstance(),
                        StatusReply.parser());
        assertEquals(0, status.getGarbageChunks());
        assertEquals(0, status.getChunks());
    }

    @Test
    void whatAnEvictedMountCouldStillWriteIsFencedBeforeItIsDropped() throws Exception {
        var nodes = new TestServer.PromisingNode[3];
        for (int i = 0; i < 3; i++) {
            nodes[i] = server.new PromisingNode("node" + (i + 1), i + 1);
        }
        var b = server.mount("b");
        long file = a.create(a.root, "f").getInode().getInode();
        Layout layout = a.layout(file, 0, true, 0);
        // A falls silent, B takes the file over and empties it without ever opening its chunk.
        b.askAsync(
                        RpcMethod.ACQUIRE_LEASE,
                        b.acquireRequest(file, LeaseMode.WRITE),
                        AcquireLeaseReply.parser())
                .get(8, TimeUnit.SECONDS);
        SubmitReply emptied = b.submit(TestServer.truncateCommand(file));
        assertEquals(0, emptied.getResults(0).getErrno());
        long promised = Stream.of(nodes).filter(n -> !n.promised.isEmpty()).count();
        assertTrue(promised >= 2, "promised by " + promised);
        long fence = Stream.of(nodes).flatMap(n -> n.promised.stream()).findAny().orElseThrow();
        assertTrue(fence > layout.getEpoch());
        DropChunk drop = heartbeat(1, 0).getDrops(0);
        assertEquals(layout.getChunk(), drop.getChunk());
        assertEquals(fence, drop.getFencedEpoch());
    }

    @Test
    void withoutAMajorityForTheFenceTheCommandWaits() throws Exception {
        server.registerNodes(3);
        var b = server.mount("b");
        long file = a.create(a.root, "f").getInode().getInode();
        assertEquals(0, a.layout(file, 0, true, 0).getErrno());
        b.askAsync(
                        RpcMethod.ACQUIRE_LEASE,
                        b.acquireRequest(file, LeaseMode.WRITE),
                        AcquireLeaseReply.parser())
                .get(8, TimeUnit.SECONDS);
        assertEquals(RpcStatus.BUSY, statusOf(() -> b.submit(TestServer.truncateCommand(file))));
    }

    @Test
    void aClientMakesNoVolume() throws Exception {
        var client = server.connect("c", Role.CLIENT);
        var create =
                VolumeRequest.newBuilder().setCreate(VolumeInfo.newBuilder().setName("v")).build();
        assertEquals(
                RpcStatus.REFUSED,
                statusOf(
                        () ->
                                TestServer.call(
                                        client, RpcMethod.VOLUME, create, VolumeReply.parser())));
    }

    private HeartbeatReply heartbeat(int node, long dropped) throws Exception {
        var request =
                HeartbeatRequest.newBuilder()
                        .setNode(node)
                        .setStoreIdentity(TestServer.storeIdentity(node))
                        .setTotalBytes(1L << 40)
                        .setFreeBytes(1L << 39);
        if (dropped != 0) {
            request.addDropped(dropped);
        }
        return TestServer.call(
                server.connect("node" + node, Role.NODE),
                RpcMethod.HEARTBEAT,
                request.build(),
                HeartbeatReply.parser());
    }

    private static long awaitRenewed(TestServer.Mount mount) {
        return await("a renewal")
                .until(() -> mount.renew(false).getServerIncarnation(), incarnation -> true);
    }

    private static void awaitReopened(TestServer.Mount mount) {
        await("a new session").until(() -> mount.open().getSession() != 0);
    }

    private static RpcStatus statusOf(Runnable call) {
        return await("an answer")
                .until(
                        () -> {
                            var failure = assertThrows(CompletionException.class, call::run);
                            return ((RpcException) failure.getCause()).status();
                        },
                        status -> status != RpcStatus.UNREACHABLE);
    }

    private static ConditionFactory await(String what) {
        return Awaitility.await(what)
                .pollInterval(Duration.ofMillis(20))
                .atMost(Duration.ofSeconds(10))
                .ignoreExceptionsInstanceOf(CompletionException.class);
    }
}

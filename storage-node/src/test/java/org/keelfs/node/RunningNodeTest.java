package org.keelfs.node;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.node.store.StoreLock;
import org.keelfs.node.store.TestSectors;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterReply.Reason;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.ValueRun;
import org.keelfs.security.capability.CapabilityRights;
import org.keelfs.wire.SectorAnswer;
import org.keelfs.wire.proto.MetadataProto.DropChunk;
import org.keelfs.wire.proto.NodeProto.Capability;

/** A node as clients meet it: TLS, capabilities, the log on a disk, restarts. */
@Timeout(60)
class RunningNodeTest {
    private static final ChunkId CHUNK = new ChunkId(42);
    private static final long EPOCH = 5;

    @TempDir Path directory;
    private TestCluster cluster;

    @BeforeEach
    void start() throws Exception {
        cluster = new TestCluster(directory);
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    private static Timestamp at(long counter) {
        return new Timestamp(EPOCH, counter, TestCluster.SESSION);
    }

    private static RegisterRequest.Write write(int first, int count, long counter, Payload bytes) {
        return new RegisterRequest.Write(
                CHUNK, EPOCH, new SectorRun(first, count), at(counter), bytes);
    }

    private static RegisterRequest.Read read(int first, int count) {
        return new RegisterRequest.Read(CHUNK, EPOCH, new SectorRun(first, count));
    }

    private static List<ValueRun> values(RegisterReply reply) {
        if (reply instanceof RegisterReply.Values(var values)) {
            return values;
        }
        throw new AssertionError("values expected, not " + reply);
    }

    @Test
    void whatWasWrittenIsReadAlsoAfterARestart() throws Exception {
        var one = TestSectors.of(256, 1);
        var two = TestSectors.of(3, 2);
        assertEquals(
                List.of(
                        new RegisterReply.Stored(256),
                        new RegisterReply.Stored(3),
                        new RegisterReply.Stored(0)),
                cluster.ask(
                        write(0, 256, 1, one),
                        write(300, 3, 2, two),
                        write(301, 1, 1, TestSectors.of(1, 3))));
        for (int restart = 0; restart < 2; restart++) {
            var values = values(cluster.ask(read(0, 400)).getFirst());
            assertEquals(2, values.size());
            assertArrayEquals(
                    TestSectors.bytes(one), TestSectors.bytes(values.getFirst().payload()));
            assertEquals(new SectorRun(300, 3), values.getLast().run());
            assertEquals(at(2), values.getLast().timestamp());
            assertArrayEquals(
                    TestSectors.bytes(two), TestSectors.bytes(values.getLast().payload()));
            cluster.stopNode();
            cluster.startNode();
        }
        assertEquals(3, cluster.registrations.getLast().getStartCounter());
        assertEquals(
                cluster.registrations.getFirst().getStoreIdentity(),
                cluster.registrations.getLast().getStoreIdentity());
    }

    @Test
    void aFlippedByteIsDetectedAndHealedByAWriteOfTheSameValue() throws Exception {
        var bytes = TestSectors.of(4, 1);
        assertEquals(List.of(new RegisterReply.Stored(4)), cluster.ask(write(8, 4, 1, bytes)));
        byte[] sector = TestSectors.bytes(bytes.sectors(2, 1));
        assertEquals(1, cluster.flip(Arrays.copyOfRange(sector, 100, 200)));
        assertEquals(List.of(new RegisterReply.Refused(Reason.DAMAGED)), cluster.ask(read(8, 4)));
        assertEquals(1, values(cluster.ask(read(8, 2)).getFirst()).size());
        assertEquals(List.of(new RegisterReply.Refused(Reason.DAMAGED)), cluster.ask(read(10, 1)));
        // Who may only read may give it back, but not change it.
        UnaryOperator<Capability> reader =
                c -> c.toBuilder().setRights(CapabilityRights.READ).build();
        assertEquals(
                List.of(new SectorAnswer.CapabilityRefused(false)),
                cluster.send(reader, write(10, 1, 2, bytes.sectors(2, 1))));
        assertEquals(
                List.of(new SectorAnswer.Replied(new RegisterReply.Stored(0))),
                cluster.send(reader, write(10, 1, 1, bytes.sectors(2, 1))));
        var value = values(cluster.ask(read(10, 1)).getFirst()).getFirst();
        assertArrayEquals(sector, TestSectors.bytes(value.payload()));
    }

    @Test
    void capabilitiesAreChecked() throws Exception {
        var request = write(0, 1, 1, TestSectors.of(1, 1));
        var refused = List.of(new SectorAnswer.CapabilityRefused(false));
        assertEquals(
                List.of(new SectorAnswer.CapabilityRefused(true)),
                cluster.send(c -> c.toBuilder().setExpiresMs(1).build(), request));
        assertEquals(refused, cluster.send(c -> c.toBuilder().setChunk(1).build(), request));
        assertEquals(
                refused, cluster.send(c -> c.toBuilder().setEpoch(EPOCH - 1).build(), request));
        assertEquals(
                refused,
                cluster.send(c -> c.toBuilder().setRights(CapabilityRights.READ).build(), request));
        assertEquals(
                refused,
                cluster.send(
                        c ->
                                c.toBuilder()
                                        .setCertificate(
                                                com.google.protobuf.ByteString.copyFrom(
                                                        new byte[32]))
                                        .build(),
                        request));
        assertEquals(
                List.of(new SectorAnswer.Replied(new RegisterReply.Refused(Reason.NOT_A_MEMBER))),
                cluster.send(c -> c.toBuilder().clearMembers().addMembers(1).build(), request));
        assertEquals(
                List.of(new SectorAnswer.Replied(new RegisterReply.Stored(1))),
                cluster.send(UnaryOperator.identity(), request));
    }

    @Test
    void aFencedDeletionLeavesTheFloor() throws Exception {
        assertEquals(
                List.of(new RegisterReply.Stored(1)),
                cluster.ask(write(0, 1, 1, TestSectors.of(1, 1))));
        cluster.drops.add(
                DropChunk.newBuilder().setChunk(CHUNK.value()).setFencedEpoch(EPOCH + 1).build());
        assertEquals(CHUNK.value(), cluster.dropped.poll(10, TimeUnit.SECONDS));
        for (int restart = 0; restart < 2; restart++) {
            assertEquals(
                    List.of(new RegisterReply.Stale(EPOCH + 1)),
                    cluster.ask(write(0, 1, 2, TestSectors.of(1, 2))));
            cluster.stopNode();
            cluster.startNode();
        }
    }

    @Test
    void aFullDiskTakesPromisesAndDeletionsButNoSectors() throws Exception {
        assertEquals(
                List.of(new RegisterReply.Stored(1)),
                cluster.ask(write(0, 1, 1, TestSectors.of(1, 1))));
        cluster.stopNode();
        cluster.startNode(Map.of("reserve-mib", "1000000000"));
        assertEquals(
                List.of(
                        new RegisterReply.Refused(Reason.NO_SPACE),
                        new RegisterReply.Stored(-1),
                        new RegisterReply.ProbeOk()),
                cluster.ask(
                        write(1, 1, 2, TestSectors.of(1, 2)),
                        new RegisterRequest.Write(CHUNK, EPOCH, new SectorRun(0, 1), at(3), null),
                        new RegisterRequest.Probe(CHUNK, EPOCH + 1)));
        cluster.drops.add(DropChunk.newBuilder().setChunk(CHUNK.value()).build());
        assertEquals(CHUNK.value(), cluster.dropped.poll(10, TimeUnit.SECONDS));
    }

    @Test
    void manyFramesAtOnceShareCommitsAndComeBackWhole() throws Exception {
        var answers = new ArrayList<Future<List<RegisterReply>>>();
        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 200; i++) {
                int number = i;
                answers.add(
                        clients.submit(
                                () ->
                                        cluster.ask(
                                                write(
                                                        number * 4,
                                                        4,
                                                        number + 1L,
                                                        TestSectors.of(4, number)),
                                                read(number * 4, 4))));
            }
            for (int i = 0; i < 200; i++) {
                var replies = answers.get(i).get();
                assertEquals(new RegisterReply.Stored(4), replies.getFirst());
                assertArrayEquals(
                        TestSectors.bytes(TestSectors.of(4, i)),
                        TestSectors.bytes(values(replies.getLast()).getFirst().payload()));
            }
        }
        assertEquals(List.of(), cluster.failures);
    }

    @Test
    void aSecondProcessIsKeptOff() {
        var refusal =
                assertThrows(IOException.class, () -> StoreLock.acquire(cluster.dataDirectory()));
        assertTrue(refusal.getMessage().contains("in use by another process"));
    }
}

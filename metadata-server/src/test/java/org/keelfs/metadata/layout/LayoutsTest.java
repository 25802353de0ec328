package org.keelfs.metadata.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.base.Clock;
import org.keelfs.base.Errno;
import org.keelfs.lease.LeaseMode;
import org.keelfs.lease.LeaseTable;
import org.keelfs.lease.LeaseTableConfig;
import org.keelfs.metadata.heal.NodeTable;
import org.keelfs.metadata.lease.LeaseDriver;
import org.keelfs.metadata.log.LocalLog;
import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.metadata.log.MetadataLog;
import org.keelfs.metadata.log.SubmitCommand;
import org.keelfs.metadata.log.Submitted;
import org.keelfs.metadata.store.StoreBudget;
import org.keelfs.model.Caller;
import org.keelfs.model.ChunkId;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.CreateCommand;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.RootDirectory;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.security.capability.CapabilityKeys;
import org.keelfs.security.capability.CapabilitySigner;
import org.keelfs.wire.proto.MetadataProto.Layout;
import org.keelfs.wire.proto.MetadataProto.LayoutReply;
import org.keelfs.wire.proto.MetadataProto.LayoutRequest;
import org.keelfs.wire.proto.MetadataProto.LayoutWant;

/** What two sessions are told that ask for the same chunk at the same moment. */
class LayoutsTest {
    private static final SessionId A = new SessionId(7);
    private static final SessionId B = new SessionId(8);
    private static final ChunkId CHUNK = new ChunkId(1000);
    private static final long SECOND = 1_000_000_000L;

    @TempDir Path scratch;

    private final List<Throwable> fatal = new ArrayList<>();
    private LocalLog local;
    private LateLog log;
    private LeaseDriver leases;
    private Layouts layouts;
    private InodeId file;

    /** Commands are applied at once, and whoever gave them hears of it when the test says so. */
    private static final class LateLog implements MetadataLog {
        private final MetadataLog log;
        private final Queue<Runnable> late = new ArrayDeque<>();
        private boolean isLate;

        LateLog(MetadataLog log) {
            this.log = log;
        }

        void tellNext() {
            late.remove().run();
        }

        @Override
        public <T> CompletableFuture<Submitted<T>> submit(MetadataCommand<T> command) {
            var applied = log.submit(command);
            if (!isLate) {
                return applied;
            }
            var told = new CompletableFuture<Submitted<T>>();
            Submitted<T> result = applied.join();
            late.add(() -> told.complete(result));
            return told;
        }

        @Override
        public CompletableFuture<Long> force(long position) {
            return CompletableFuture.completedFuture(log.force(position).join());
        }

        @Override
        public long forcedPosition() {
            return log.forcedPosition();
        }

        @Override
        public <T extends @Nullable Object> T read(Function<Tables, T> reader) {
            return log.read(reader);
        }

        @Override
        public void close() {
            log.close();
        }
    }

    /** A volume with two sessions. */
    private record SetUp() implements MetadataCommand<Boolean> {
        @Override
        public Boolean apply(Tables tables) {
            tables.putVolume(new VolumeRow(1, "v", 1 << 20, 1, new byte[0], InodeId.ROOT));
            for (SessionId session : List.of(A, B)) {
                tables.putSession(
                        new SessionRow(
                                session,
                                new byte[16],
                                1,
                                SessionRow.State.OPEN,
                                new byte[0],
                                0,
                                0));
            }
            return RootDirectory.create(tables, 1, 0, 0, 0755, 1).isDirectory();
        }
    }

    /** A chunk that somebody wrote long ago. */
    private record AddChunk(InodeId inode, long index, ChunkId chunk)
            implements MetadataCommand<Boolean> {
        @Override
        public Boolean apply(Tables tables) {
            tables.putChunk(
                    new ChunkRow(
                            chunk,
                            inode,
                            index,
                            1,
                            true,
                            1,
                            chunk.value(),
                            new byte[] {1},
                            new ReplicaSet(List.of(new NodeId(1))),
                            1,
                            1,
                            null,
                            99,
                            false));
            tables.putChunkAt(inode, index, chunk);
            return true;
        }
    }

    private static InodeId makeFile(MetadataLog log) {
        var create =
                new CreateCommand(
                        InodeId.ROOT,
                        Name.of("file"),
                        FileType.REGULAR.modeBits() | 0644,
                        0,
                        0,
                        new byte[0],
                        false,
                        false);
        var _ =
                log.submit(
                                new SubmitCommand(
                                        A,
                                        1,
                                        List.of(new IssuedCommand(Caller.ROOT, 5, create)),
                                        0))
                        .join();
        var entry = log.read(tables -> tables.entry(InodeId.ROOT, Name.of("file")));
        return entry.inode();
    }

    private static final LeaseDriver.Port NO_PORT =
            new LeaseDriver.Port() {
                @Override
                public void recall(SessionId holder, List<LeaseDriver.Recalled> recalls) {}

                @Override
                public void evict(SessionId session, String why, Runnable done) {}

                @Override
                public void onWriteGranted(InodeId inode) {}

                @Override
                public void onSharersChanged() {}
            };

    @BeforeEach
    void open() {
        local =
                LocalLog.open(
                        scratch, StoreBudget.SMALL, Thread.ofPlatform().factory(), fatal::add);
        log = new LateLog(local);
        assertTrue(local.submit(new SetUp()).join().result());
        file = makeFile(local);
        assertTrue(local.submit(new AddChunk(file, 0, CHUNK)).join().result());
        Clock clock = Clock.SYSTEM;
        Epochs epochs = Epochs.start(log, Runnable::run);
        var times =
                new LeaseTableConfig(
                        30 * SECOND, 5 * SECOND, 30 * SECOND, 600 * SECOND, 5 * SECOND, 100);
        leases = new LeaseDriver(new LeaseTable(times, 1), clock, NO_PORT);
        leases.stamp(epochs.last());
        var _ = leases.open(A);
        var _ = leases.open(B);
        var issuer =
                new CapabilityIssuer(
                        new CapabilitySigner(
                                new CapabilityKeys(new byte[CapabilityKeys.KEY_BYTES])),
                        clock,
                        60_000);
        var nodes = new NodeTable(List.of(), SECOND, clock.nanoTime());
        layouts = new Layouts(log, Runnable::run, clock, epochs, nodes, leases, issuer);
        log.isLate = true;
    }

    @AfterEach
    void close() {
        local.close();
        assertEquals(List.of(), fatal);
    }

    private List<LayoutReply> ask(SessionId session) {
        assertNotNull(leases.tryGrant(session, file, LeaseMode.READ));
        return ask(session, LayoutWant.newBuilder().setInode(file.value()));
    }

    private List<LayoutReply> ask(SessionId session, LayoutWant.Builder... wants) {
        var request = LayoutRequest.newBuilder();
        for (LayoutWant.Builder want : wants) {
            request.addWants(want);
        }
        var replies = new ArrayList<LayoutReply>();
        layouts.layout(
                new Layouts.Asker(session, 1, ByteString.copyFrom(new byte[32])),
                request.build(),
                replies::add,
                fatal::add);
        return replies;
    }

    private Layout found(SessionId session, long from, int most) {
        var want = LayoutWant.newBuilder().setInode(file.value()).setChunkIndex(from);
        return ask(session, want.setFind(most)).getFirst().getLayouts(0);
    }

    @Test
    void whoHoldsALeaseIsToldWhichChunksThereAre() {
        long far = (1L << 43) - 1;
        assertTrue(local.submit(new AddChunk(file, 1L << 31, new ChunkId(1001))).join().result());
        assertTrue(local.submit(new AddChunk(file, far, new ChunkId(1002))).join().result());
        assertEquals(Errno.ENOLCK.number(), found(A, 0, 10).getErrno());
        assertNotNull(leases.tryGrant(A, file, LeaseMode.READ));
        assertEquals(List.of(0L, 1L << 31, far), found(A, 0, 10).getFoundList());
        assertEquals(List.of(1L << 31, far), found(A, 1, 10).getFoundList());
        assertEquals(List.of(1L << 31), found(A, 1, 1).getFoundList());
        assertEquals(List.of(far), found(A, far, 10).getFoundList());
        assertEquals(List.of(), found(A, far + 1, 10).getFoundList());
        assertTrue(log.late.isEmpty(), "nothing is recorded for it");
    }

    @Test
    void noRequestFindsMoreThanTheBoundOrInFrontOfTheFile() {
        assertNotNull(leases.tryGrant(A, file, LeaseMode.READ));
        assertEquals(0, found(A, 0, ChunkSearch.FOUND_MAX).getErrno());
        assertEquals(Errno.EINVAL.number(), found(A, 0, ChunkSearch.FOUND_MAX + 1).getErrno());
        assertEquals(Errno.EINVAL.number(), found(A, 0, -1).getErrno());
        assertEquals(Errno.EINVAL.number(), found(A, -1, 1).getErrno());
        var want = LayoutWant.newBuilder().setInode(file.value()).setFind(ChunkSearch.FOUND_MAX);
        for (Layout refused : ask(A, want, want).getFirst().getLayoutsList()) {
            assertEquals(Errno.EINVAL.number(), refused.getErrno());
        }
    }

    @Test
    void aChunkThatNoFileReachesIsAbsentAndNotMade() {
        assertNotNull(leases.tryGrant(A, file, LeaseMode.WRITE));
        for (long index : new long[] {1L << 43, Long.MAX_VALUE, -1}) {
            var want = LayoutWant.newBuilder().setInode(file.value()).setChunkIndex(index);
            assertTrue(ask(A, want).getFirst().getLayouts(0).getAbsent());
            want.setWrite(true).setWrappedKey(ByteString.copyFromUtf8("key"));
            Layout refused = ask(A, want).getFirst().getLayouts(0);
            assertEquals(Errno.EINVAL.number(), refused.getErrno());
        }
    }

    private long epoch() {
        return log.read(tables -> tables.chunk(CHUNK)).epoch();
    }

    @Test
    void anEpochThatIsBeingRecordedIsNotTakenForOneThatNobodySeals() {
        List<LayoutReply> first = ask(A);
        List<LayoutReply> second = ask(B);
        assertTrue(first.isEmpty() && second.isEmpty());
        log.tellNext();
        Layout told = first.getFirst().getLayouts(0);
        assertEquals(epoch(), told.getEpoch());
        assertFalse(told.getOpen());
        assertEquals(
                Errno.EAGAIN.number(),
                second.getFirst().getLayouts(0).getErrno(),
                "B waits for A's seal");
        assertTrue(log.late.isEmpty(), "no further epoch");
    }
}

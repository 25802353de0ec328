package org.keelfs.metadata.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.metadata.store.StoreBudget;
import org.keelfs.model.Caller;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.CreateCommand;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.RootDirectory;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.UnlinkCommand;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.wire.proto.MetadataProto.CommandResult;

class LocalLogTest {
    private static final SessionId SESSION = new SessionId(7);

    @TempDir Path scratch;

    private final List<Throwable> fatal = new ArrayList<>();
    private LocalLog log;

    @BeforeEach
    void open() {
        log = open(scratch.resolve("db"));
    }

    @AfterEach
    void close() {
        log.close();
        assertEquals(List.of(), fatal);
    }

    private LocalLog open(Path directory) {
        return LocalLog.open(
                directory, StoreBudget.SMALL, Thread.ofPlatform().factory(), fatal::add);
    }

    private record SetUp() implements MetadataCommand<Boolean> {
        @Override
        public Boolean apply(Tables tables) {
            tables.putVolume(new VolumeRow(1, "v", 1 << 20, 3, new byte[0], InodeId.ROOT));
            tables.putSession(
                    new SessionRow(
                            SESSION, new byte[16], 1, SessionRow.State.OPEN, new byte[0], 0, 0));
            return RootDirectory.create(tables, 1, 0, 0, 0755, 1).isDirectory();
        }
    }

    private static <T> T done(CompletableFuture<T> future) {
        try {
            return future.get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof FsException refused) {
                throw refused;
            }
            throw new AssertionError(e);
        } catch (InterruptedException | java.util.concurrent.TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    private static IssuedCommand create(String name) {
        return new IssuedCommand(
                Caller.ROOT,
                5,
                new CreateCommand(
                        InodeId.ROOT,
                        Name.of(name),
                        FileType.REGULAR.modeBits() | 0644,
                        0,
                        0,
                        new byte[0],
                        false,
                        false));
    }

    private static SubmitCommand submit(long first, long acknowledged, IssuedCommand... commands) {
        return new SubmitCommand(SESSION, first, List.of(commands), acknowledged);
    }

    private boolean exists(LocalLog in, String name) {
        return in.read(tables -> tables.entry(InodeId.ROOT, Name.of(name))) != null;
    }

    @Test
    void aCommandSentAgainIsAnsweredAndNotAppliedAgainAlsoAfterARestart() {
        done(log.submit(new SetUp()));
        List<CommandResult> first =
                done(log.submit(submit(1, 0, create("a"), create("a")))).result();
        assertEquals(0, first.get(0).getErrno());
        assertEquals(Errno.EEXIST.number(), first.get(1).getErrno());
        assertEquals(first, done(log.submit(submit(1, 0, create("a"), create("a")))).result());
        log.close();
        log = open(scratch.resolve("db"));
        assertEquals(first, done(log.submit(submit(1, 0, create("a"), create("a")))).result());
        assertEquals(1, log.read(t -> t.entriesAfter(InodeId.ROOT, 0, 10)).size());
    }

    @Test
    void anAcknowledgedAnswerIsForgottenAndItsCommandIsNotAppliedAgain() {
        done(log.submit(new SetUp()));
        done(log.submit(submit(1, 0, create("a"))));
        done(log.submit(submit(2, 1, create("b"))));
        assertNull(log.read(t -> t.reply(SESSION, 1)));
        assertNotNull(log.read(t -> t.reply(SESSION, 2)));
        assertEquals(
                CommandResult.getDefaultInstance(),
                done(log.submit(submit(1, 1, create("c")))).result().getFirst());
        assertEquals(false, exists(log, "c"));
    }

    @Test
    void batchesOfOneSessionMayOvertakeEachOther() {
        done(log.submit(new SetUp()));
        assertEquals(0, done(log.submit(submit(5, 0, create("e")))).result().getFirst().getErrno());
        assertEquals(0, done(log.submit(submit(2, 0, create("b")))).result().getFirst().getErrno());
        assertTrue(exists(log, "b") && exists(log, "e"));
    }

    @Test
    void aSessionThatIsNotOpenIsRefusedAndNothingIsWritten() {
        done(log.submit(new SetUp()));
        long before = log.appliedPosition();
        var refused =
                assertThrows(
                        FsException.class,
                        () ->
                                done(
                                        log.submit(
                                                new SubmitCommand(
                                                        new SessionId(8),
                                                        1,
                                                        List.of(create("x")),
                                                        0))));
        assertEquals(Errno.ESTALE, refused.errno());
        assertEquals(before, log.appliedPosition());
    }

    @Test
    void laterCommandsOfABatchSeeWhatEarlierOnesDid() {
        done(log.submit(new SetUp()));
        var unlink =
                new IssuedCommand(
                        Caller.ROOT, 6, new UnlinkCommand(InodeId.ROOT, Name.of("a"), false));
        var results =
                done(log.submit(submit(1, 0, create("a"), unlink, create("a"), unlink))).result();
        results.forEach(r -> assertEquals(0, r.getErrno()));
        assertEquals(List.of(), log.read(t -> t.entriesAfter(InodeId.ROOT, 0, 10)));
        assertEquals(3, log.read(t -> t.inode(InodeId.ROOT)).nextPosition() - 2);
    }

    private record Broken() implements MetadataCommand<Boolean> {
        @Override
        public Boolean apply(Tables tables) {
            tables.putVolume(new VolumeRow(9, "x", 1, 1, new byte[0], InodeId.ROOT));
            throw new org.keelfs.base.InvariantViolation("broken on purpose");
        }
    }

    @Test
    void aCommandThatBreaksALawEndsTheServerAndLeavesNothing() {
        assertTrue(log.submit(new Broken()).isCompletedExceptionally());
        assertEquals(1, fatal.size());
        fatal.clear();
        assertNull(log.read(t -> t.volume(9)));
    }

    @Test
    void aStoreThatIsInUseIsNamed() {
        var refused = assertThrows(RuntimeException.class, () -> open(scratch.resolve("db")));
        assertTrue(refused.getMessage().contains(scratch.resolve("db").toString()));
    }

    @Test
    void forceReachesThePositionAndIsSharedByAllWhoWait() {
        done(log.submit(new SetUp()));
        List<CompletableFuture<Long>> forces = new ArrayList<>();
        long last = 0;
        for (int i = 0; i < 50; i++) {
            last = done(log.submit(submit(1 + i, 0, create("f" + i)))).position();
            forces.add(log.force(last));
        }
        for (CompletableFuture<Long> force : forces) {
            done(force);
        }
        assertTrue(log.forcedPosition() >= last);
        assertEquals(log.forcedPosition(), done(log.force(last)));
    }

    @Test
    void aPowerCutAtAnyByteOfTheLogLeavesAPrefixThatHoldsAllThatWasForced() throws IOException {
        done(log.submit(new SetUp()));
        int forced = 20;
        int all = 60;
        for (int i = 0; i < all; i++) {
            long position = done(log.submit(submit(1 + i, 0, create("f" + i)))).position();
            if (i == forced - 1) {
                done(log.force(position));
                Files.copy(forcedRecords("db"), scratch.resolve("forced"));
            }
        }
        Path source = scratch.resolve("db");
        long whole = walBytes(source);
        Random random = new Random(1);
        int shortest = all;
        for (int cut = 0; cut < 12; cut++) {
            Path copy = scratch.resolve("copy" + cut);
            copyTo(source, copy);
            // The committer may have forced more since, which this power cut does not show.
            Files.copy(
                    scratch.resolve("forced"),
                    forcedRecords("copy" + cut),
                    StandardCopyOption.REPLACE_EXISTING);
            long keep = whole - random.nextLong(whole / 2);
            cutWal(copy, keep);
            try (LocalLog after = open(copy)) {
                int survivors = 0;
                while (exists(after, "f" + survivors)) {
                    survivors++;
                }
                assertEquals(
                        survivors, after.read(t -> t.entriesAfter(InodeId.ROOT, 0, all)).size());
                assertEquals(survivors, after.read(t -> t.session(SESSION)).answeredSequence());
                shortest = Math.min(shortest, survivors);
            }
        }
        assertTrue(shortest < all, "no cut lost anything: the test cuts nothing");
        try (LocalLog uncut = copyAndOpen(source)) {
            assertTrue(exists(uncut, "f" + (all - 1)));
        }
    }

    private Path forcedRecords(String directory) {
        return scratch.resolve(directory).resolve("forced-records");
    }

    private LocalLog copyAndOpen(Path source) throws IOException {
        copyTo(source, scratch.resolve("whole"));
        return open(scratch.resolve("whole"));
    }

    private static Path wal(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(f -> f.toString().endsWith(".log")).sorted().toList().getLast();
        }
    }

    private static long walBytes(Path directory) throws IOException {
        return Files.size(wal(directory));
    }

    private static void cutWal(Path directory, long bytes) throws IOException {
        try (var file = new RandomAccessFile(wal(directory).toFile(), "rw")) {
            file.setLength(bytes);
        }
    }

    private static void copyTo(Path source, Path target) throws IOException {
        try (Stream<Path> files = Files.walk(source)) {
            files.forEach(
                    f -> {
                        try {
                            Files.copy(f, target.resolve(source.relativize(f).toString()));
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    });
        }
    }
}

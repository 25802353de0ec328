package org.keelfs.namespace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Attributes;
import org.keelfs.model.Caller;
import org.keelfs.model.ChunkId;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SessionId;

/** One test per rule of the man pages; what random commands seldom meet. */
class NamespaceRulesTest {
    private static final int VOLUME = 1;
    private static final int CHUNK_BYTES = 1 << 20;
    private static final Caller ALICE = new Caller(1000, 1000, new int[] {50});
    private static final Caller BOB = new Caller(1001, 1001, new int[] {50});
    private static final SessionId SESSION = new SessionId(1);

    private final MemoryTables tables = new MemoryTables();
    private Caller caller = Caller.ROOT;
    private long now = 100;

    @BeforeEach
    void makeRoot() {
        tables.putVolume(new VolumeRow(VOLUME, "v", CHUNK_BYTES, 3, new byte[0], InodeId.ROOT));
        tables.putVolume(new VolumeRow(2, "w", CHUNK_BYTES, 3, new byte[0], new InodeId(2)));
        assertEquals(InodeId.ROOT, RootDirectory.create(tables, VOLUME, 0, 0, 0777, 1).id());
        assertEquals(2, RootDirectory.create(tables, 2, 0, 0, 0777, 1).id().value());
    }

    private CommandOutcome run(NamespaceCommand<?> command) {
        return command.run(tables, new Origin(SESSION, VOLUME, caller, now));
    }

    private CommandOutcome done(NamespaceCommand<?> command) {
        CommandOutcome outcome = run(command);
        assertNull(outcome.errno());
        return outcome;
    }

    private void refused(Errno errno, NamespaceCommand<?> command) {
        assertEquals(errno, run(command).errno());
    }

    private static CreateCommand create(InodeId parent, String name, FileType type, int mode) {
        return new CreateCommand(
                parent, Name.of(name), type.modeBits() | mode, 0, 0, new byte[0], false, false);
    }

    private static CreateCommand symlink(String name, int length) {
        int mode = FileType.SYMLINK.modeBits() | 0777;
        byte[] target = "t".repeat(length).getBytes(java.nio.charset.StandardCharsets.UTF_8);
        return new CreateCommand(InodeId.ROOT, Name.of(name), mode, 0, 0, target, false, false);
    }

    private InodeId file(String name) {
        return made(create(InodeId.ROOT, name, FileType.REGULAR, 0644));
    }

    private InodeId directory(InodeId parent, String name) {
        return made(create(parent, name, FileType.DIRECTORY, 0755));
    }

    private InodeId made(NamespaceCommand<?> command) {
        Attributes created = done(command).inode();
        assertNotNull(created);
        return created.inode();
    }

    private Attributes attributes(InodeId inode) {
        InodeRow row = tables.inode(inode);
        assertNotNull(row);
        return row.attributes();
    }

    private static UnlinkCommand unlink(InodeId parent, String name) {
        return new UnlinkCommand(parent, Name.of(name), false);
    }

    private static UnlinkCommand rmdir(InodeId parent, String name) {
        return new UnlinkCommand(parent, Name.of(name), true);
    }

    private static RenameCommand rename(InodeId from, String oldName, InodeId to, String newName) {
        return new RenameCommand(from, Name.of(oldName), to, Name.of(newName), 0);
    }

    private static SetAttributesCommand chmod(InodeId inode, int mode) {
        return set(inode, mode, null, null, null);
    }

    private static SetAttributesCommand chown(InodeId inode, Integer uid, Integer gid) {
        return set(inode, null, uid, gid, null);
    }

    private static SetAttributesCommand truncate(InodeId inode, long size) {
        return set(inode, null, null, null, size);
    }

    private static SetAttributesCommand set(
            InodeId inode, Integer mode, Integer uid, Integer gid, Long size) {
        return new SetAttributesCommand(
                inode, mode, uid, gid, size, null, null, null, false, false, false, false, 0);
    }

    private static SetAttributesCommand times(
            InodeId inode, Long at, Long mt, boolean an, boolean mn) {
        return new SetAttributesCommand(
                inode, null, null, null, null, at, mt, null, an, mn, false, false, 0);
    }

    private static SetXattrCommand setXattr(InodeId inode, String name, byte[] value) {
        return new SetXattrCommand(inode, Name.of(name), value, 0, false);
    }

    @Nested
    class Names {
        @Test
        void of255BytesAreFineAndLongerOnesAreTooLong() {
            file("x".repeat(255));
            refused(
                    Errno.ENAMETOOLONG,
                    create(InodeId.ROOT, "x".repeat(256), FileType.REGULAR, 0644));
        }

        @Test
        void withNulOrSlashAreInvalidAndEmptyOnesDoNotExist() {
            refused(Errno.EINVAL, create(InodeId.ROOT, "a/b", FileType.REGULAR, 0644));
            refused(Errno.EINVAL, create(InodeId.ROOT, "a\0b", FileType.REGULAR, 0644));
            refused(Errno.ENOENT, create(InodeId.ROOT, "", FileType.REGULAR, 0644));
        }

        @Test
        void dotAndDotDotGetTheErrnosOfLinux() {
            InodeId d = directory(InodeId.ROOT, "d");
            for (String dots : List.of(".", "..")) {
                refused(Errno.EEXIST, create(d, dots, FileType.DIRECTORY, 0755));
                refused(Errno.EEXIST, new LinkCommand(file("f" + dots), d, Name.of(dots)));
                refused(Errno.EISDIR, unlink(d, dots));
                refused(Errno.EBUSY, rename(d, dots, InodeId.ROOT, "x"));
                refused(Errno.EBUSY, rename(InodeId.ROOT, "d", d, dots));
            }
            refused(Errno.EINVAL, rmdir(d, "."));
            refused(Errno.ENOTEMPTY, rmdir(d, ".."));
        }

        @Test
        void lookupKnowsDotAndDotDot() {
            InodeId d = directory(InodeId.ROOT, "d");
            assertEquals(d, lookup(d, ".").id());
            assertEquals(InodeId.ROOT, lookup(d, "..").id());
            assertEquals(InodeId.ROOT, lookup(InodeId.ROOT, "..").id());
        }

        private InodeRow lookup(InodeId directory, String name) {
            return NamespaceReads.lookup(tables, VOLUME, directory, Name.of(name), caller);
        }
    }

    @Nested
    class Creating {
        @Test
        void inAFileIsNotADirectoryAndInNothingIsStale() {
            refused(Errno.ENOTDIR, create(file("f"), "x", FileType.REGULAR, 0644));
            refused(Errno.ESTALE, create(new InodeId(99), "x", FileType.REGULAR, 0644));
            refused(Errno.ESTALE, create(new InodeId(2), "x", FileType.REGULAR, 0644));
        }

        @Test
        void anExistingNameCountsBeforeTheRightToWrite() {
            InodeId d = directory(InodeId.ROOT, "d");
            done(create(d, "x", FileType.REGULAR, 0644));
            caller = ALICE;
            refused(Errno.EEXIST, create(d, "x", FileType.REGULAR, 0644));
            refused(Errno.EACCES, create(d, "y", FileType.REGULAR, 0644));
        }

        @Test
        void symlinkTargetsHaveOneToFourThousandAndNinetyFiveBytes() {
            refused(Errno.ENOENT, symlink("s", 0));
            refused(Errno.ENAMETOOLONG, symlink("s", 4096));
            assertEquals(4095, attributes(made(symlink("s", 4095))).size());
        }

        @Test
        void deviceNodesAreForRootAndWhiteoutsForAll() {
            caller = ALICE;
            refused(Errno.EPERM, create(InodeId.ROOT, "b", FileType.BLOCK_DEVICE, 0644));
            done(create(InodeId.ROOT, "w", FileType.CHARACTER_DEVICE, 0644));
            done(create(InodeId.ROOT, "p", FileType.FIFO, 0644));
        }

        @Test
        void aSetgidDirectoryPassesItsGroupOnAndDirectoriesTheBitToo() {
            InodeId d = directory(InodeId.ROOT, "d");
            done(chown(d, 1000, 60));
            done(chmod(d, 02777));
            caller = ALICE;
            Attributes file = attributes(made(create(d, "f", FileType.REGULAR, 02755)));
            assertEquals(60, file.gid());
            assertEquals(0755, file.mode(), "a stranger to the group keeps no setgid executable");
            assertEquals(02755, attributes(directory(d, "sub")).mode());
        }

        @Test
        void aRemovedDirectoryTakesNothing() {
            InodeId d = directory(InodeId.ROOT, "d");
            done(new PinCommand(d, true));
            done(rmdir(InodeId.ROOT, "d"));
            refused(Errno.ENOENT, create(d, "x", FileType.REGULAR, 0644));
        }

        @Test
        void aSubdirectoryRaisesTheLinkCountUpToItsLimit() {
            InodeId d = directory(InodeId.ROOT, "d");
            directory(d, "sub");
            assertEquals(3, attributes(d).linkCount());
            InodeEdit full = InodeEdit.of(tables.inode(d));
            full.linkCount = Integer.MAX_VALUE;
            assertTrue(full.put(tables).isDirectory());
            refused(Errno.EMLINK, create(d, "more", FileType.DIRECTORY, 0755));
        }

        @Test
        void raisesTheVersionOfTheDirectoryAndItsTimes() {
            long version = attributes(InodeId.ROOT).version();
            now = 777;
            file("f");
            assertEquals(version + 1, attributes(InodeId.ROOT).version());
            assertEquals(777, attributes(InodeId.ROOT).mtimeNs());
            assertEquals(777, attributes(InodeId.ROOT).ctimeNs());
        }
    }

    @Nested
    class Unlinking {
        @Test
        void inAStickyDirectoryIsForOwners() {
            done(chmod(InodeId.ROOT, 01777));
            caller = ALICE;
            file("f");
            caller = BOB;
            refused(Errno.EPERM, unlink(InodeId.ROOT, "f"));
            refused(Errno.EPERM, rename(InodeId.ROOT, "f", InodeId.ROOT, "g"));
            caller = ALICE;
            done(unlink(InodeId.ROOT, "f"));
        }

        @Test
        void theWrongKindAndAFullDirectoryAreRefused() {
            InodeId d = directory(InodeId.ROOT, "d");
            file("f");
            done(create(d, "x", FileType.REGULAR, 0644));
            refused(Errno.EISDIR, unlink(InodeId.ROOT, "d"));
            refused(Errno.ENOTDIR, rmdir(InodeId.ROOT, "f"));
            refused(Errno.ENOTEMPTY, rmdir(InodeId.ROOT, "d"));
            refused(Errno.ENOENT, unlink(InodeId.ROOT, "none"));
        }

        @Test
        void aPinnedFileLivesUntilItsLastPinGoes() {
            InodeId f = file("f");
            done(new PinCommand(f, true));
            assertEquals(0, done(unlink(InodeId.ROOT, "f")).inode().linkCount());
            refused(Errno.ENOENT, new LinkCommand(f, InodeId.ROOT, Name.of("again")));
            done(new PinCommand(f, false));
            assertNull(tables.inode(f));
            refused(Errno.ESTALE, chmod(f, 0));
        }

        @Test
        void theEndOfAPinSaysWhetherTheFileLivesOn() {
            InodeId f = file("f");
            done(new PinCommand(f, true));
            assertEquals(1, done(new PinCommand(f, false)).inode().linkCount());
            done(new PinCommand(f, true));
            done(unlink(InodeId.ROOT, "f"));
            assertNull(done(new PinCommand(f, false)).inode());
        }

        @Test
        void aPinGoesWithItsSession() {
            InodeId f = file("f");
            done(new PinCommand(f, true));
            done(unlink(InodeId.ROOT, "f"));
            Orphans.releasePins(tables, SESSION);
            assertNull(tables.inode(f));
        }

        @Test
        void anUnnamedFileCanBeLinkedOnce() {
            int mode = FileType.REGULAR.modeBits() | 0600;
            InodeId f =
                    made(
                            new CreateCommand(
                                    InodeId.ROOT,
                                    Name.of(""),
                                    mode,
                                    0,
                                    0,
                                    new byte[0],
                                    true,
                                    true));
            done(new LinkCommand(f, InodeId.ROOT, Name.of("f")));
            done(unlink(InodeId.ROOT, "f"));
            refused(Errno.ENOENT, new LinkCommand(f, InodeId.ROOT, Name.of("f")));
        }

        @Test
        void theLastLinkPutsItsChunksIntoTheGarbageQueue() {
            InodeId f = file("f");
            putChunk(f, 0, true);
            putChunk(f, 5, false);
            done(unlink(InodeId.ROOT, "f"));
            assertEquals(
                    List.of(true, false),
                    tables.garbageAfter(0, 10).stream().map(GarbageRow::fence).toList());
            assertEquals(List.of(), tables.chunksFrom(f, 0, 10));
            assertEquals(0, tables.counter(Counter.LIVE_CHUNKS));
        }
    }

    private ChunkId putChunk(InodeId inode, int index, boolean exposed) {
        ChunkId id = new ChunkId(tables.draw(Counter.CHUNK));
        var set = new ReplicaSet(List.of(new NodeId(1)));
        tables.putChunk(
                new ChunkRow(
                        id,
                        inode,
                        index,
                        1,
                        true,
                        1,
                        id.value(),
                        new byte[0],
                        set,
                        1,
                        1,
                        null,
                        1,
                        exposed));
        tables.putChunkAt(inode, index, id);
        tables.addTo(Counter.LIVE_CHUNKS, 1);
        return id;
    }

    @Nested
    class Linking {
        @Test
        void aDirectoryAnImmutableOrAnAppendOnlyFileIsRefused() {
            InodeId d = directory(InodeId.ROOT, "d");
            refused(Errno.EPERM, new LinkCommand(d, InodeId.ROOT, Name.of("e")));
            InodeId f = file("f");
            done(setFlags(f, InodeEdit.IMMUTABLE));
            refused(Errno.EPERM, new LinkCommand(f, InodeId.ROOT, Name.of("e")));
            done(setFlags(f, InodeEdit.APPEND_ONLY));
            refused(Errno.EPERM, new LinkCommand(f, InodeId.ROOT, Name.of("e")));
        }

        @Test
        void changesTheCtimeOfTheFileOnly() {
            InodeId f = file("f");
            now = 300;
            Attributes linked = done(new LinkCommand(f, InodeId.ROOT, Name.of("g"))).inode();
            assertEquals(2, linked.linkCount());
            assertEquals(300, linked.ctimeNs());
            assertEquals(100, linked.mtimeNs());
        }
    }

    private static SetAttributesCommand setFlags(InodeId inode, int flags) {
        return new SetAttributesCommand(
                inode, null, null, null, null, null, null, flags, false, false, false, false, 0);
    }

    @Nested
    class Renaming {
        @Test
        void intoItsOwnSubtreeIsInvalidAndOverAnAncestorNotEmpty() {
            InodeId a = directory(InodeId.ROOT, "a");
            InodeId b = directory(a, "b");
            directory(b, "c");
            refused(Errno.EINVAL, rename(InodeId.ROOT, "a", b, "x"));
            refused(Errno.EINVAL, rename(InodeId.ROOT, "a", a, "x"));
            refused(Errno.ENOTEMPTY, rename(b, "c", InodeId.ROOT, "a"));
            refused(
                    Errno.EINVAL,
                    new RenameCommand(b, Name.of("c"), InodeId.ROOT, Name.of("a"), 2));
        }

        @Test
        void twoNamesOfOneInodeChangesNothing() {
            InodeId f = file("f");
            done(new LinkCommand(f, InodeId.ROOT, Name.of("g")));
            long version = attributes(f).version();
            done(rename(InodeId.ROOT, "f", InodeId.ROOT, "g"));
            assertEquals(version, attributes(f).version());
            assertNotNull(tables.entry(InodeId.ROOT, Name.of("f")));
        }

        @Test
        void aDirectoryOverAFileAndTheOtherWayRoundAreRefused() {
            directory(InodeId.ROOT, "d");
            file("f");
            refused(Errno.ENOTDIR, rename(InodeId.ROOT, "d", InodeId.ROOT, "f"));
            refused(Errno.EISDIR, rename(InodeId.ROOT, "f", InodeId.ROOT, "d"));
        }

        @Test
        void aDirectoryMovesItsDotDotAndTheLinkCounts() {
            InodeId a = directory(InodeId.ROOT, "a");
            InodeId b = directory(InodeId.ROOT, "b");
            InodeId d = directory(a, "d");
            CommandOutcome moved = done(rename(a, "d", b, "e"));
            assertEquals(2, attributes(a).linkCount());
            assertEquals(3, attributes(b).linkCount());
            assertEquals(b, tables.inode(d).parent());
            assertEquals(d, moved.moved().inode());
            assertEquals(a, moved.otherParent().inode());
            assertEquals(b, moved.parent().inode());
        }

        @Test
        void ofADirectoryToAnotherParentNeedsTheRightToWriteToIt() {
            InodeId a = directory(InodeId.ROOT, "a");
            done(chmod(a, 0777));
            caller = ALICE;
            directory(a, "mine");
            done(chmod(tables.entry(a, Name.of("mine")).inode(), 0555));
            refused(Errno.EACCES, rename(a, "mine", InodeId.ROOT, "mine"));
            done(rename(a, "mine", a, "other"));
        }

        @Test
        void overAnotherFileKeepsThePositionOfTheNameAndRemovesTheVictim() {
            InodeId f = file("f");
            InodeId g = file("g");
            long position = tables.entry(InodeId.ROOT, Name.of("g")).position();
            CommandOutcome outcome = done(rename(InodeId.ROOT, "f", InodeId.ROOT, "g"));
            assertEquals(position, outcome.entryPosition());
            assertNull(outcome.inode());
            assertNull(tables.inode(g));
            assertEquals(f, tables.entry(InodeId.ROOT, Name.of("g")).inode());
            assertEquals(1, tables.entriesAfter(InodeId.ROOT, 0, 10).size());
        }

        @Test
        void flagsForbidOrDemandTheNewName() {
            file("f");
            InodeId d = directory(InodeId.ROOT, "d");
            file("g");
            refused(
                    Errno.EEXIST,
                    new RenameCommand(InodeId.ROOT, Name.of("f"), InodeId.ROOT, Name.of("g"), 1));
            refused(
                    Errno.ENOENT,
                    new RenameCommand(InodeId.ROOT, Name.of("f"), InodeId.ROOT, Name.of("h"), 2));
            refused(
                    Errno.EINVAL,
                    new RenameCommand(InodeId.ROOT, Name.of("f"), InodeId.ROOT, Name.of("h"), 4));
            done(new RenameCommand(InodeId.ROOT, Name.of("f"), InodeId.ROOT, Name.of("d"), 2));
            assertEquals(d, tables.entry(InodeId.ROOT, Name.of("f")).inode());
        }
    }

    @Nested
    class Attributing {
        @Test
        void chownTakesSetuidAwayEvenFromRootButNotFromDirectories() {
            InodeId f = file("f");
            done(chmod(f, 06755));
            done(chown(f, 1000, null));
            assertEquals(0755, attributes(f).mode());
            done(chmod(f, 02744));
            done(chown(f, 1000, null));
            assertEquals(02744, attributes(f).mode(), "mandatory locking, not setgid");
            InodeId d = directory(InodeId.ROOT, "d");
            done(chmod(d, 06755));
            done(chown(d, 1000, 1000));
            assertEquals(06755, attributes(d).mode());
        }

        @Test
        void onlyRootGivesFilesAwayAndOwnersChooseAmongTheirGroups() {
            caller = ALICE;
            InodeId f = file("f");
            refused(Errno.EPERM, chown(f, 1001, null));
            refused(Errno.EPERM, chown(f, null, 60));
            done(chown(f, 1000, 50));
            caller = BOB;
            refused(Errno.EPERM, chown(f, null, 50));
            refused(Errno.EPERM, chmod(f, 0777));
        }

        @Test
        void chmodDropsSetgidForAGroupThatTheOwnerIsNotIn() {
            caller = ALICE;
            InodeId f = file("f");
            caller = Caller.ROOT;
            done(chown(f, null, 60));
            caller = ALICE;
            done(chmod(f, 02755));
            assertEquals(0755, attributes(f).mode());
        }

        @Test
        void timesAreForOwnersAndTouchForWhoMayWrite() {
            InodeId f = file("f");
            done(chmod(f, 0666));
            caller = ALICE;
            refused(Errno.EPERM, times(f, 1L, 2L, false, false));
            refused(Errno.EPERM, times(f, null, null, true, false));
            done(times(f, null, null, true, true));
            caller = Caller.ROOT;
            done(chmod(f, 0644));
            caller = ALICE;
            refused(Errno.EACCES, times(f, null, null, true, true));
        }

        @Test
        void anImmutableFileTakesNoChangeFromAnybody() {
            InodeId f = file("f");
            done(setFlags(f, InodeEdit.IMMUTABLE));
            refused(Errno.EPERM, chmod(f, 0));
            refused(Errno.EPERM, truncate(f, 0));
            refused(Errno.EPERM, times(f, null, null, true, true));
            refused(Errno.EPERM, unlink(InodeId.ROOT, "f"));
            refused(Errno.EPERM, setXattr(f, "user.a", new byte[1]));
            done(setFlags(f, 0));
            done(unlink(InodeId.ROOT, "f"));
        }

        @Test
        void protectiveFlagsAreForRoot() {
            caller = ALICE;
            InodeId f = file("f");
            refused(Errno.EPERM, setFlags(f, InodeEdit.APPEND_ONLY));
            refused(Errno.EOPNOTSUPP, setFlags(f, 0x4000_0000));
            done(setFlags(f, 0x40));
        }

        @Test
        void anAppendOnlyDirectoryGainsNamesAndLosesNone() {
            InodeId d = directory(InodeId.ROOT, "d");
            done(setFlags(d, InodeEdit.APPEND_ONLY));
            done(create(d, "f", FileType.REGULAR, 0644));
            refused(Errno.EPERM, unlink(d, "f"));
        }

        @Test
        void truncationIsForFilesBelowTheLimitWithTheRightToWrite() {
            refused(Errno.EISDIR, truncate(directory(InodeId.ROOT, "d"), 0));
            refused(Errno.EINVAL, truncate(made(symlink("s", 3)), 0));
            InodeId f = file("f");
            refused(Errno.EINVAL, truncate(f, -1));
            refused(Errno.EFBIG, truncate(f, Long.MAX_VALUE));
            caller = ALICE;
            refused(Errno.EACCES, truncate(f, 5));
            done(
                    new SetAttributesCommand(
                            f, null, null, null, 5L, null, null, null, false, false, true, false,
                            0));
        }
    }

    @Nested
    class Truncating {
        @Test
        void dropsWholeChunksAndRaisesTheTrimBoundToTheEndOfThePartialOne() {
            InodeId f = file("f");
            for (int i = 0; i < 4; i++) {
                putChunk(f, i, false);
            }
            done(new WriteBackCommand(f, 4L * CHUNK_BYTES, 0, 0, 1024, false, 0));
            done(truncate(f, CHUNK_BYTES + 5));
            assertEquals(2, tables.chunksFrom(f, 0, 10).size());
            assertEquals(2L * CHUNK_BYTES, tables.inode(f).trimBound());
            assertEquals(512, attributes(f).allocatedSectors());
            assertEquals(2, tables.garbageAfter(0, 10).size());
            done(new TrimmedCommand(f, 2L * CHUNK_BYTES));
            assertEquals(0, tables.inode(f).trimBound());
        }

        @Test
        void toZeroLeavesNothing() {
            InodeId f = file("f");
            putChunk(f, 0, false);
            done(new WriteBackCommand(f, 10, 0, 0, 1, false, 0));
            done(truncate(f, 0));
            assertEquals(List.of(), tables.chunksFrom(f, 0, 10));
            assertEquals(0, tables.inode(f).trimBound());
            assertEquals(0, attributes(f).allocatedSectors());
        }

        @Test
        void alsoDropsChunksBehindTheSizeThatOnlyTheTrimBoundKnows() {
            InodeId f = file("f");
            putChunk(f, 0, false);
            InodeRow given = InodeEdit.of(tables.inode(f)).trimBound(CHUNK_BYTES).put(tables);
            assertEquals(0, given.attributes().size());
            done(truncate(f, 0));
            assertEquals(List.of(), tables.chunksFrom(f, 0, 10));
            assertEquals(0, tables.inode(f).trimBound());
        }

        @Test
        void growingIsOnlyTheSize() {
            InodeId f = file("f");
            putChunk(f, 0, false);
            done(truncate(f, 10L * CHUNK_BYTES));
            assertEquals(10L * CHUNK_BYTES, attributes(f).size());
            assertEquals(1, tables.chunksFrom(f, 0, 10).size());
        }

        @Test
        void aTrimThatDoesNotReachTheBoundChangesNothing() {
            InodeId f = file("f");
            assertNotNull(InodeEdit.of(tables.inode(f)).trimBound(100).put(tables));
            done(new TrimmedCommand(f, 99));
            assertEquals(100, tables.inode(f).trimBound());
        }
    }

    @Nested
    class WritingBack {
        @Test
        void onlyGrowsTheSizeAndNeverMovesTheCtimeBack() {
            InodeId f = file("f");
            done(new WriteBackCommand(f, 100, 500, 0, 3, false, 0));
            done(new WriteBackCommand(f, 50, 400, 450, -10, false, 0));
            Attributes a = attributes(f);
            assertEquals(100, a.size());
            assertEquals(400, a.mtimeNs());
            assertEquals(500, a.ctimeNs());
            assertEquals(450, a.atimeNs());
            assertEquals(0, a.allocatedSectors());
        }

        @Test
        void clearsSetuidSetgidAndCapabilities() {
            InodeId f = file("f");
            done(chmod(f, 06755));
            done(setXattr(f, "security.capability", new byte[20]));
            done(new WriteBackCommand(f, 1, 500, 0, 1, true, 0));
            assertEquals(0755, attributes(f).mode());
            assertNull(tables.xattr(f, Name.of("security.capability")));
            assertEquals(0, tables.inode(f).xattrBytes());
        }

        @Test
        void ofADirectoryTakesTheAccessTimeAlone() {
            InodeId d = directory(InodeId.ROOT, "d");
            done(new WriteBackCommand(d, 0, 0, 9, 0, false, 0));
            assertEquals(9, attributes(d).atimeNs());
            refused(Errno.EISDIR, new WriteBackCommand(d, 10, 0, 0, 0, false, 0));
        }
    }

    @Nested
    class ExtendedAttributes {
        @Test
        void namesAndValuesHaveTheLimitsOfLinux() {
            InodeId f = file("f");
            refused(Errno.ERANGE, setXattr(f, "", new byte[1]));
            refused(Errno.ERANGE, setXattr(f, "user." + "x".repeat(251), new byte[1]));
            refused(Errno.EINVAL, setXattr(f, "user.", new byte[1]));
            refused(Errno.EOPNOTSUPP, setXattr(f, "nobody.x", new byte[1]));
            refused(Errno.EOPNOTSUPP, setXattr(f, "system.x", new byte[1]));
            refused(Errno.E2BIG, setXattr(f, "user.x", new byte[65537]));
            done(setXattr(f, "user." + "x".repeat(250), new byte[65536]));
            done(setXattr(f, "user.2", new byte[65536]));
            done(setXattr(f, "user.3", new byte[65536]));
            refused(Errno.ENOSPC, setXattr(f, "user.4", new byte[65536]));
        }

        @Test
        void createAndReplaceWantTheNameAbsentAndPresent() {
            InodeId f = file("f");
            refused(
                    Errno.ENODATA,
                    new SetXattrCommand(f, Name.of("user.a"), new byte[1], 2, false));
            done(new SetXattrCommand(f, Name.of("user.a"), new byte[1], 1, false));
            refused(Errno.EEXIST, new SetXattrCommand(f, Name.of("user.a"), new byte[1], 1, false));
            refused(Errno.EINVAL, new SetXattrCommand(f, Name.of("user.a"), new byte[1], 4, false));
            done(new RemoveXattrCommand(f, Name.of("user.a")));
            refused(Errno.ENODATA, new RemoveXattrCommand(f, Name.of("user.a")));
        }

        @Test
        void userAttributesAreForFilesAndDirectoriesAndOthersForRoot() {
            refused(Errno.EPERM, setXattr(made(symlink("s", 3)), "user.a", new byte[1]));
            done(setXattr(made(symlink("t", 3)), "trusted.a", new byte[1]));
            caller = ALICE;
            InodeId f = file("f");
            done(setXattr(f, "user.a", new byte[1]));
            refused(Errno.EPERM, setXattr(f, "trusted.a", new byte[1]));
            refused(Errno.EPERM, setXattr(f, "security.capability", new byte[1]));
            caller = BOB;
            refused(Errno.EACCES, setXattr(f, "user.a", new byte[1]));
        }

        @Test
        void readingHidesWhatTheCallerMayNotSee() {
            InodeId f = file("f");
            done(chmod(f, 0600));
            InodeRow row = tables.inode(f);
            var trusted =
                    assertThrows(
                            FsException.class,
                            () -> Xattrs.requireMayRead(tables, row, Name.of("trusted.a"), ALICE));
            assertEquals(Errno.ENODATA, trusted.errno());
            var user =
                    assertThrows(
                            FsException.class,
                            () -> Xattrs.requireMayRead(tables, row, Name.of("user.a"), ALICE));
            assertEquals(Errno.EACCES, user.errno());
        }
    }

    @Nested
    class AccessControlLists {
        private static final String ACCESS = "system.posix_acl_access";
        private static final String DEFAULT = "system.posix_acl_default";

        /** Triples of tag, permissions, id. */
        private byte[] acl(int... entries) {
            ByteBuffer out = ByteBuffer.allocate(4 + entries.length / 3 * 8);
            out.order(ByteOrder.LITTLE_ENDIAN).putInt(2);
            for (int i = 0; i < entries.length; i += 3) {
                out.putShort((short) entries[i]).putShort((short) entries[i + 1]);
                out.putInt(entries[i + 2]);
            }
            return out.array();
        }

        /** rwx for the owner, this for BOB, nothing for the group, a mask, r for others. */
        private byte[] forBob(int permissions, int mask) {
            return acl(1, 7, -1, 2, permissions, 1001, 4, 0, -1, 0x10, mask, -1, 0x20, 4, -1);
        }

        private boolean may(Caller who, InodeId inode, int mask) {
            return Permissions.allows(tables, tables.inode(inode), who, mask);
        }

        @Test
        void allowANamedUserWhatTheMaskLeaves() {
            InodeId f = file("f");
            done(setXattr(f, ACCESS, forBob(6, 4)));
            assertEquals(0744, attributes(f).mode(), "the mask is the group's bits");
            assertTrue(may(BOB, f, 4));
            assertFalse(may(BOB, f, 2));
            assertTrue(may(ALICE, f, 4));
            done(chmod(f, 0764));
            assertTrue(may(BOB, f, 2), "chmod sets the mask");
        }

        @Test
        void ofAGroupThatDeniesKeepsOthersRightsFromItsMembers() {
            InodeId f = file("f");
            done(setXattr(f, ACCESS, acl(1, 6, -1, 4, 4, -1, 8, 0, 50, 0x10, 7, -1, 0x20, 4, -1)));
            assertFalse(may(ALICE, f, 4));
            assertTrue(may(new Caller(7, 7, new int[0]), f, 4));
        }

        @Test
        void thatSayNoMoreThanTheModeAreNotKept() {
            InodeId f = file("f");
            done(setXattr(f, ACCESS, forBob(6, 6)));
            done(setXattr(f, ACCESS, acl(1, 6, -1, 4, 4, -1, 0x20, 0, -1)));
            assertEquals(0640, attributes(f).mode());
            assertNull(tables.xattr(f, Name.of(ACCESS)));
            assertEquals(0, tables.inode(f).xattrBytes());
        }

        @Test
        void thatAreMalformedAreInvalid() {
            InodeId f = file("f");
            refused(Errno.EINVAL, setXattr(f, ACCESS, new byte[] {2, 0, 0}));
            refused(Errno.EINVAL, setXattr(f, ACCESS, acl(1, 6, -1, 4, 4, -1)));
            refused(
                    Errno.EINVAL,
                    setXattr(f, ACCESS, acl(1, 6, -1, 2, 7, 1001, 4, 4, -1, 0x20, 0, -1)));
            refused(Errno.EINVAL, setXattr(f, ACCESS, acl(1, 9, -1, 4, 4, -1, 0x20, 0, -1)));
            refused(Errno.EACCES, setXattr(f, DEFAULT, forBob(6, 6)));
        }

        @Test
        void areForOwnersAndRemovingWhatIsNotThereSucceeds() {
            caller = ALICE;
            InodeId f = file("f");
            done(setXattr(f, ACCESS, forBob(6, 6)));
            done(new RemoveXattrCommand(f, Name.of(ACCESS)));
            done(new RemoveXattrCommand(f, Name.of(ACCESS)));
            caller = BOB;
            refused(Errno.EPERM, setXattr(f, ACCESS, forBob(6, 6)));
        }

        @Test
        void byDefaultPassOnAndTakeThePlaceOfTheUmask() {
            InodeId d = directory(InodeId.ROOT, "d");
            done(setXattr(d, DEFAULT, forBob(7, 7)));
            InodeId sub =
                    made(
                            new CreateCommand(
                                    d,
                                    Name.of("sub"),
                                    FileType.DIRECTORY.modeBits() | 0777,
                                    077,
                                    0,
                                    new byte[0],
                                    false,
                                    false));
            assertEquals(0774, attributes(sub).mode());
            assertArrayEquals(forBob(7, 7), tables.xattr(sub, Name.of(DEFAULT)));
            assertTrue(may(BOB, sub, 7));
            InodeId f = made(create(sub, "f", FileType.REGULAR, 0644));
            assertEquals(0644, attributes(f).mode());
            assertTrue(may(BOB, f, 4));
            assertFalse(may(BOB, f, 2), "the mode asked for limits the mask");
            assertNull(tables.xattr(f, Name.of(DEFAULT)));
            InodeId link = made(symlinkIn(sub));
            assertEquals(0777, attributes(link).mode());
            assertEquals(0, tables.inode(link).xattrBytes());
        }

        private CreateCommand symlinkIn(InodeId parent) {
            int mode = FileType.SYMLINK.modeBits() | 0777;
            return new CreateCommand(
                    parent, Name.of("l"), mode, 0, 0, new byte[] {'t'}, false, false);
        }
    }

    @Nested
    class Cloning {
        @Test
        void sharesChunksAndTheLastReferenceDropsThem() {
            InodeId f = file("f");
            InodeId g = file("g");
            ChunkId chunk = putChunk(f, 0, false);
            ChunkId replaced = putChunk(g, 3, false);
            done(new CloneCommand(f, g, 0, 3, 1));
            assertEquals(2, tables.chunk(chunk).references());
            assertEquals(chunk, tables.chunkAt(g, 3));
            assertNotNull(tables.garbage(replaced));
            done(unlink(InodeId.ROOT, "f"));
            assertEquals(1, tables.chunk(chunk).references());
            done(unlink(InodeId.ROOT, "g"));
            assertNotNull(tables.garbage(chunk));
        }

        @Test
        void overlappingRangesOfOneFileAreRefused() {
            InodeId f = file("f");
            refused(Errno.EINVAL, new CloneCommand(f, f, 0, 1, 2));
            done(new CloneCommand(f, f, 0, 2, 2));
        }

        @Test
        void onlyFilesCanBeCloned() {
            InodeId d = directory(InodeId.ROOT, "d");
            refused(Errno.EISDIR, new CloneCommand(d, file("f"), 0, 0, 1));
        }
    }
}

package org.keelfs.namespace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.keelfs.base.Errno;
import org.keelfs.model.Attributes;
import org.keelfs.model.ChunkId;
import org.keelfs.model.FileSize;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/** One test per rule of the man pages on names; what random commands seldom meet. */
class NamespaceRulesTest extends NamespaceFixture {
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
    class Cloning {
        @Test
        void sharesChunksAndTheLastReferenceDropsThem() {
            InodeId f = file("f");
            InodeId g = file("g");
            ChunkId chunk = putReadChunk(f, 0);
            ChunkId replaced = putChunk(g, 3, false);
            done(clone(f, g, 0, 3, 1));
            assertEquals(2, tables.chunk(chunk).references());
            assertEquals(tables.chunk(chunk).epoch(), tables.chunk(chunk).frozenEpoch());
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
            refused(Errno.EINVAL, clone(f, f, 0, 1, 2));
            done(clone(f, f, 0, 2, 2));
        }

        private CloneCommand clone(InodeId f, InodeId g, long from, long to, int count) {
            return new CloneCommand(f, g, from, to, count, 0, 0, false);
        }

        @Test
        void aChunkThatSomebodyMayWriteIsNotShared() {
            InodeId f = file("f");
            InodeId g = file("g");
            ChunkId chunk = putChunk(f, 0, false);
            refused(Errno.EAGAIN, clone(f, g, 0, 0, 1));
            tables.putChunk(tables.chunk(chunk).withLastWriter(0).withEpoch(7));
            refused(Errno.EAGAIN, clone(f, g, 0, 0, 1));
            assertNull(tables.chunkAt(g, 0));
            tables.putChunk(tables.chunk(chunk).withOpened());
            done(clone(f, g, 0, 0, 1));
            assertEquals(7, tables.chunk(chunk).frozenEpoch());
        }

        @Test
        void theLastChunkOfAllIsCloned() {
            InodeId f = file("f");
            InodeId g = file("g");
            long last = (FileSize.MAX_BYTES - 1) / CHUNK_BYTES;
            done(truncate(f, FileSize.MAX_BYTES));
            ChunkId chunk = putReadChunk(f, last);
            done(new CloneCommand(f, g, last, last, 1, FileSize.MAX_BYTES, 3, false));
            assertEquals(chunk, tables.chunkAt(g, last));
            assertEquals(0, tables.inode(g).trimBound());
            refused(Errno.EINVAL, clone(f, g, last, 0, 2));
            refused(Errno.EINVAL, clone(f, g, 0, last + 1, 1));
            refused(Errno.EINVAL, clone(f, g, Long.MAX_VALUE, 0, 2));
        }

        @Test
        void sizeAndSectorsComeWithTheChunksAndOldBytesBehindTheEndAreBounded() {
            InodeId f = file("f");
            InodeId g = file("g");
            done(set(f, null, null, null, 1000L));
            ChunkId _ = putReadChunk(f, 0);
            done(new CloneCommand(f, g, 0, 0, 1, 1000, 3, false));
            InodeRow row = tables.inode(g);
            assertEquals(1000, row.attributes().size());
            assertEquals(3, row.attributes().allocatedSectors());
            assertEquals(Chunks.chunkBytes(tables, row), row.trimBound());
        }

        @Test
        void whatLiesBehindTheSourcesEndIsNotClonedInFrontOfTheTargetsEnd() {
            InodeId f = file("f");
            InodeId g = file("g");
            done(set(f, null, null, null, 1000L));
            done(set(g, null, null, null, 2000L));
            ChunkId _ = putReadChunk(f, 0);
            refused(Errno.EINVAL, new CloneCommand(f, g, 0, 0, 1, 1000, 0, false));
        }

        @Test
        void aCopyKeepsWhatItIsMadeOfFrozenUntilItIsOpen() {
            InodeId f = file("f");
            InodeId g = file("g");
            ChunkId chunk = putReadChunk(f, 0);
            done(clone(f, g, 0, 0, 1));
            ChunkRow copy = tables.chunk(chunk).copy(new ChunkId(77), g, 0, 20, 21, 5);
            Copies.put(tables, copy);
            assertEquals(2, tables.chunk(chunk).references());
            assertEquals(chunk, tables.chunk(copy.id()).origin());
            refused(Errno.EAGAIN, clone(g, f, 0, 1, 1));
            Copies.opened(tables, tables.chunk(copy.id()));
            assertEquals(1, tables.chunk(chunk).references());
            assertNull(tables.chunk(copy.id()).origin());
            done(unlink(InodeId.ROOT, "f"));
            assertNotNull(tables.garbage(chunk));
            assertNull(tables.garbage(copy.id()));
        }

        @Test
        void aCopyThatWasNeverOpenedLetsGoOfWhatItIsMadeOf() {
            InodeId f = file("f");
            InodeId g = file("g");
            ChunkId chunk = putReadChunk(f, 0);
            done(clone(f, g, 0, 0, 1));
            Copies.put(tables, tables.chunk(chunk).copy(new ChunkId(77), g, 0, 20, 21, 5));
            done(unlink(InodeId.ROOT, "f"));
            assertEquals(1, tables.chunk(chunk).references());
            done(unlink(InodeId.ROOT, "g"));
            assertNotNull(tables.garbage(chunk));
            assertNotNull(tables.garbage(new ChunkId(77)));
            assertEquals(0, tables.counter(Counter.LIVE_CHUNKS));
        }

        @Test
        void onlyFilesCanBeCloned() {
            InodeId d = directory(InodeId.ROOT, "d");
            refused(Errno.EISDIR, clone(d, file("f"), 0, 0, 1));
        }
    }
}

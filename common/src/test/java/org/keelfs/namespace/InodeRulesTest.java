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
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Attributes;
import org.keelfs.model.Caller;
import org.keelfs.model.FileSize;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/** One test per rule of the man pages on inodes; what random commands seldom meet. */
class InodeRulesTest extends NamespaceFixture {
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
            refused(Errno.EFBIG, truncate(f, FileSize.MAX_BYTES + 1));
            done(truncate(f, FileSize.MAX_BYTES));
            refused(Errno.EFBIG, new WriteBackCommand(f, Long.MAX_VALUE, 0, 0, 1, false, 0));
            refused(Errno.EFBIG, new WriteBackCommand(f, -1, 0, 0, 1, false, -1));
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
        void insideTheLastChunkOfAllTheBoundIsTheGreatestSize() {
            InodeId f = file("f");
            long last = (FileSize.MAX_BYTES - 1) / CHUNK_BYTES;
            putChunk(f, 1L << 31, false);
            putChunk(f, last, false);
            done(new WriteBackCommand(f, FileSize.MAX_BYTES, 0, 0, 512, false, 0));
            done(truncate(f, FileSize.MAX_BYTES - 5));
            assertEquals(FileSize.MAX_BYTES, tables.inode(f).trimBound());
            assertEquals(2, tables.chunksFrom(f, 0, 10).size());
            done(truncate(f, last * CHUNK_BYTES));
            assertEquals(0, tables.inode(f).trimBound());
            assertEquals(1, tables.chunksFrom(f, 0, 10).size());
            done(truncate(f, (1L << 31) * CHUNK_BYTES));
            assertEquals(List.of(), tables.chunksFrom(f, 0, 10));
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
}

package org.keelfs.fuse.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.keelfs.client.vfs.Entry;
import org.keelfs.fuse.kernel.protocol.Layout.Dirent;
import org.keelfs.fuse.kernel.protocol.Layout.EntryOut;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/** Entries in the body of READDIR and READDIRPLUS. */
final class DirectoryPackerTest {
    private static final InodeId INODE = new InodeId(77);

    private final ByteBuffer out = ByteBuffer.allocate(512).order(ByteOrder.nativeOrder());

    @Test
    void entriesArePaddedAndTheOneThatDoesNotFitIsLeftOut() {
        var packer = new DirectoryPacker(out, 8, 64, false, true);
        assertTrue(packer.add(Name.of("nine byte"), INODE, FileType.REGULAR, 5, null));
        assertEquals(40, packer.length());
        assertEquals(77, out.getLong(8 + Dirent.INO));
        assertEquals(5, out.getLong(8 + Dirent.OFF));
        assertEquals(9, out.getInt(8 + Dirent.NAMELEN));
        assertEquals(8, out.getInt(8 + Dirent.TYPE));
        assertFalse(packer.add(Name.of("a"), INODE, FileType.REGULAR, 6, null));
        assertEquals(40, packer.length());
    }

    @Test
    void paddingIsZeroWhateverWasThere() {
        for (int i = 0; i < out.capacity(); i++) {
            out.put(i, (byte) -1);
        }
        var packer = new DirectoryPacker(out, 0, 512, false, true);
        assertTrue(packer.add(Name.of("abc"), INODE, FileType.SYMLINK, 1, null));
        for (int i = Dirent.SIZE + 3; i < packer.length(); i++) {
            assertEquals(0, out.get(i));
        }
    }

    @Test
    void plusGivesAttributesWhereTheyAreAtHand() {
        var attributes =
                new Attributes(INODE, FileType.REGULAR, 0644, 1, 2, 1, 0, 3, 1, -1, 0, 0, 0, 0, 0);
        var packer = new DirectoryPacker(out, 0, 512, true, true);
        assertTrue(
                packer.add(
                        Name.of("a"),
                        INODE,
                        FileType.REGULAR,
                        1,
                        new Entry(attributes, 2_500_000_000L, 1)));
        assertTrue(packer.add(Name.of("b"), INODE, FileType.REGULAR, 2, null));
        assertEquals(2 * (EntryOut.SIZE + Dirent.SIZE + 8), packer.length());
        assertEquals(77, out.getLong(EntryOut.NODEID));
        assertEquals(2, out.getLong(EntryOut.ENTRY_VALID));
        assertEquals(500_000_000, out.getInt(EntryOut.ENTRY_VALID_NSEC));
        assertEquals(0, out.getLong(packer.length() / 2 + EntryOut.NODEID));
    }
}

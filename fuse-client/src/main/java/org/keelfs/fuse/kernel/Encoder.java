package org.keelfs.fuse.kernel;

import java.nio.ByteBuffer;
import org.keelfs.client.vfs.AttributesAnswer;
import org.keelfs.client.vfs.Entry;
import org.keelfs.client.vfs.FileSystemStatistics;
import org.keelfs.client.vfs.Opened;
import org.keelfs.fuse.kernel.protocol.Layout.Attr;
import org.keelfs.fuse.kernel.protocol.Layout.AttrOut;
import org.keelfs.fuse.kernel.protocol.Layout.EntryOut;
import org.keelfs.fuse.kernel.protocol.Layout.Kstatfs;
import org.keelfs.fuse.kernel.protocol.Layout.OpenOut;
import org.keelfs.fuse.kernel.protocol.Layout.StatxOut;
import org.keelfs.model.Attributes;

/** Answers of the file system as structs of the protocol. Stateless. */
final class Encoder {
    private static final long NS = 1_000_000_000L;

    /** st_blksize: the largest transfer that pays; a sector is 4096. */
    private static final int BLOCK_BYTES = 4096;

    private static final int SECTOR_BLOCKS = 8;

    private Encoder() {}

    /** Zeroes a struct; sizes are multiples of 8. */
    static void clear(ByteBuffer out, int at, int bytes) {
        for (int i = 0; i < bytes; i += Long.BYTES) {
            out.putLong(at + i, 0);
        }
    }

    static void attributes(ByteBuffer out, int at, Attributes a) {
        out.putLong(at + Attr.INO, a.inode().value());
        out.putLong(at + Attr.FILE_SIZE, a.size());
        out.putLong(at + Attr.BLOCKS, a.allocatedSectors() * SECTOR_BLOCKS);
        out.putLong(at + Attr.ATIME, Math.floorDiv(a.atimeNs(), NS));
        out.putLong(at + Attr.MTIME, Math.floorDiv(a.mtimeNs(), NS));
        out.putLong(at + Attr.CTIME, Math.floorDiv(a.ctimeNs(), NS));
        out.putInt(at + Attr.ATIMENSEC, (int) Math.floorMod(a.atimeNs(), NS));
        out.putInt(at + Attr.MTIMENSEC, (int) Math.floorMod(a.mtimeNs(), NS));
        out.putInt(at + Attr.CTIMENSEC, (int) Math.floorMod(a.ctimeNs(), NS));
        out.putInt(at + Attr.MODE, a.stMode());
        out.putInt(at + Attr.NLINK, a.linkCount());
        out.putInt(at + Attr.UID, a.uid());
        out.putInt(at + Attr.GID, a.gid());
        out.putInt(at + Attr.RDEV, a.rdev());
        out.putInt(at + Attr.BLKSIZE, BLOCK_BYTES);
        out.putInt(at + Attr.FLAGS, 0);
    }

    static int attributesAnswer(ByteBuffer out, int at, AttributesAnswer answer) {
        out.putLong(at + AttrOut.ATTR_VALID, seconds(answer.validNs()));
        // The 4 bytes behind the nanoseconds are padding.
        out.putLong(at + AttrOut.ATTR_VALID_NSEC, nanos(answer.validNs()));
        attributes(out, at + AttrOut.ATTR, answer.attributes());
        return AttrOut.SIZE;
    }

    static int entry(ByteBuffer out, int at, Entry entry, boolean mayKeepNames) {
        long entryValidNs = mayKeepNames ? entry.entryValidNs() : 0;
        out.putLong(at + EntryOut.NODEID, entry.attributes().inode().value());
        out.putLong(at + EntryOut.GENERATION, 0);
        out.putLong(at + EntryOut.ENTRY_VALID, seconds(entryValidNs));
        out.putLong(at + EntryOut.ATTR_VALID, seconds(entry.attributesValidNs()));
        out.putInt(at + EntryOut.ENTRY_VALID_NSEC, nanos(entryValidNs));
        out.putInt(at + EntryOut.ATTR_VALID_NSEC, nanos(entry.attributesValidNs()));
        attributes(out, at + EntryOut.ATTR, entry.attributes());
        return EntryOut.SIZE;
    }

    /** A name that is known to be absent for so long. */
    static int absence(ByteBuffer out, int at, long validNs) {
        clear(out, at, EntryOut.SIZE);
        out.putLong(at + EntryOut.ENTRY_VALID, seconds(validNs));
        out.putInt(at + EntryOut.ENTRY_VALID_NSEC, nanos(validNs));
        return EntryOut.SIZE;
    }

    static int opened(ByteBuffer out, int at, Opened opened) {
        int flags = opened.directIo() ? OpenOut.FOPEN_DIRECT_IO : 0;
        flags |= opened.keepCache() ? OpenOut.FOPEN_KEEP_CACHE : 0;
        flags |= opened.parallelDirectWrites() ? OpenOut.FOPEN_PARALLEL_DIRECT_WRITES : 0;
        return opened(out, at, opened.handle(), flags);
    }

    static int openedDirectory(ByteBuffer out, int at, Opened opened) {
        int flags = opened.keepCache() ? OpenOut.FOPEN_CACHE_DIR | OpenOut.FOPEN_KEEP_CACHE : 0;
        return opened(out, at, opened.handle(), flags);
    }

    private static int opened(ByteBuffer out, int at, long handle, int flags) {
        out.putLong(at + OpenOut.FH, handle);
        out.putLong(at + OpenOut.OPEN_FLAGS, flags);
        return OpenOut.SIZE;
    }

    static int statistics(ByteBuffer out, int at, FileSystemStatistics s) {
        clear(out, at, Kstatfs.SIZE);
        out.putLong(at + Kstatfs.BLOCKS, s.blocks());
        out.putLong(at + Kstatfs.BFREE, s.blocksFree());
        out.putLong(at + Kstatfs.BAVAIL, s.blocksFree());
        out.putLong(at + Kstatfs.FILES, s.inodes());
        out.putLong(at + Kstatfs.FFREE, s.inodesFree());
        out.putInt(at + Kstatfs.BSIZE, BLOCK_BYTES);
        out.putInt(at + Kstatfs.FRSIZE, BLOCK_BYTES);
        out.putInt(at + Kstatfs.NAMELEN, s.nameBytesMax());
        return Kstatfs.SIZE;
    }

    static int statx(ByteBuffer out, int at, AttributesAnswer answer) {
        Attributes a = answer.attributes();
        clear(out, at, StatxOut.SIZE);
        out.putLong(at + StatxOut.ATTR_VALID, seconds(answer.validNs()));
        out.putInt(at + StatxOut.ATTR_VALID_NSEC, nanos(answer.validNs()));
        out.putInt(at + StatxOut.MASK, StatxOut.MASK_ALL);
        out.putInt(at + StatxOut.BLKSIZE, BLOCK_BYTES);
        out.putLong(at + StatxOut.ATTRIBUTES, a.flags() & StatxOut.ATTRIBUTES_KNOWN);
        out.putLong(at + StatxOut.ATTRIBUTES_MASK, StatxOut.ATTRIBUTES_KNOWN);
        out.putInt(at + StatxOut.NLINK, a.linkCount());
        out.putInt(at + StatxOut.UID, a.uid());
        out.putInt(at + StatxOut.GID, a.gid());
        out.putShort(at + StatxOut.MODE, (short) a.stMode());
        out.putLong(at + StatxOut.INO, a.inode().value());
        out.putLong(at + StatxOut.FILE_SIZE, a.size());
        out.putLong(at + StatxOut.BLOCKS, a.allocatedSectors() * SECTOR_BLOCKS);
        time(out, at + StatxOut.ATIME, a.atimeNs());
        time(out, at + StatxOut.BTIME, a.btimeNs());
        time(out, at + StatxOut.CTIME, a.ctimeNs());
        time(out, at + StatxOut.MTIME, a.mtimeNs());
        // new_encode_dev(): 8 low bits of the minor, 12 of the major, then the rest of the minor.
        out.putInt(at + StatxOut.RDEV_MAJOR, (a.rdev() >>> 8) & 0xfff);
        out.putInt(at + StatxOut.RDEV_MINOR, (a.rdev() & 0xff) | ((a.rdev() >>> 12) & 0xfff00));
        return StatxOut.SIZE;
    }

    private static void time(ByteBuffer out, int at, long ns) {
        out.putLong(at, Math.floorDiv(ns, NS));
        out.putInt(at + Long.BYTES, (int) Math.floorMod(ns, NS));
    }

    private static long seconds(long ns) {
        return ns / NS;
    }

    private static int nanos(long ns) {
        return (int) (ns % NS);
    }
}

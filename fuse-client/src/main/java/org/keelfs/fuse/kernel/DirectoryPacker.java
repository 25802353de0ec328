package org.keelfs.fuse.kernel;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.vfs.DirectorySink;
import org.keelfs.client.vfs.Entry;
import org.keelfs.fuse.kernel.protocol.Layout.Dirent;
import org.keelfs.fuse.kernel.protocol.Layout.EntryOut;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/** Packs directory entries into the body of a reply. Used by one thread for one request. */
final class DirectoryPacker implements DirectorySink {
    private final ByteBuffer out;
    private final int start;
    private final int end;
    private final boolean plus;
    private final boolean mayKeepNames;
    private int at;

    DirectoryPacker(ByteBuffer out, int start, int room, boolean plus, boolean mayKeepNames) {
        this.out = out;
        this.start = start;
        this.end = start + room;
        this.plus = plus;
        this.mayKeepNames = mayKeepNames;
        this.at = start;
    }

    @Override
    public boolean add(
            Name name, InodeId inode, FileType type, long nextPosition, @Nullable Entry entry) {
        int prefix = plus ? EntryOut.SIZE : 0;
        int padded = (name.length() + 7) & ~7;
        if (at + prefix + Dirent.SIZE + padded > end) {
            return false;
        }
        if (plus) {
            if (entry != null) {
                Encoder.entry(out, at, entry, mayKeepNames);
            } else {
                Encoder.clear(out, at, EntryOut.SIZE);
            }
            at += EntryOut.SIZE;
        }
        out.putLong(at + Dirent.INO, inode.value());
        out.putLong(at + Dirent.OFF, nextPosition);
        out.putInt(at + Dirent.NAMELEN, name.length());
        out.putInt(at + Dirent.TYPE, type.direntType());
        at += Dirent.SIZE;
        if (padded > 0) {
            out.putLong(at + padded - Long.BYTES, 0);
        }
        out.put(at, name.bytes());
        at += padded;
        return true;
    }

    /** Bytes packed. */
    int length() {
        return at - start;
    }
}

package org.keelfs.namespace;

import org.keelfs.model.Attributes;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;

/** The first inode of a volume. */
public final class RootDirectory {
    private RootDirectory() {}

    /** Makes it, under the next inode number: that of a cluster's first volume is 1. */
    public static InodeRow create(
            Tables tables, int volume, int uid, int gid, int mode, long timeNs) {
        InodeId id = new InodeId(tables.draw(Counter.INODE));
        InodeRow row =
                new InodeRow(
                        new Attributes(
                                id,
                                FileType.DIRECTORY,
                                mode & Modes.ALL,
                                uid,
                                gid,
                                2,
                                0,
                                CreateCommand.DIRECTORY_BYTES,
                                0,
                                timeNs,
                                timeNs,
                                timeNs,
                                timeNs,
                                0,
                                1),
                        volume,
                        id,
                        EntryRow.FIRST_POSITION,
                        0,
                        0,
                        0,
                        InodeRow.NO_TARGET,
                        false);
        tables.putInode(row);
        tables.addTo(Counter.LIVE_INODES, 1);
        return row;
    }
}

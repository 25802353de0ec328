package org.keelfs.namespace;

import org.keelfs.model.Attributes;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;

/**
 * A change of one inode row in the making; {@link #put} stores it with the next version. Confined
 * to the command that makes it.
 */
public final class InodeEdit {
    /** FS_IMMUTABLE_FL of FS_IOC_SETFLAGS. */
    public static final int IMMUTABLE = 0x10;

    /** FS_APPEND_FL of FS_IOC_SETFLAGS. */
    public static final int APPEND_ONLY = 0x20;

    private final InodeRow before;
    int mode;
    int uid;
    int gid;
    int linkCount;
    long size;
    long allocatedSectors;
    long atimeNs;
    long mtimeNs;
    long ctimeNs;
    int flags;
    InodeId parent;
    long nextPosition;
    long trimBound;
    int xattrBits;
    int xattrBytes;
    boolean linkable;

    private InodeEdit(InodeRow row) {
        Attributes a = row.attributes();
        before = row;
        mode = a.mode();
        uid = a.uid();
        gid = a.gid();
        linkCount = a.linkCount();
        size = a.size();
        allocatedSectors = a.allocatedSectors();
        atimeNs = a.atimeNs();
        mtimeNs = a.mtimeNs();
        ctimeNs = a.ctimeNs();
        flags = a.flags();
        parent = row.parent();
        nextPosition = row.nextPosition();
        trimBound = row.trimBound();
        xattrBits = row.xattrBits();
        xattrBytes = row.xattrBytes();
        linkable = row.linkable();
    }

    /** Starts from the row as it is. */
    public static InodeEdit of(InodeRow row) {
        return new InodeEdit(row);
    }

    /** Bytes; see {@link InodeRow#trimBound}. Never below the size. */
    public InodeEdit trimBound(long bound) {
        trimBound = bound;
        return this;
    }

    /** The content of a directory, or of a file, changed at this time. */
    InodeEdit contentChanged(long timeNs) {
        mtimeNs = timeNs;
        ctimeNs = timeNs;
        return this;
    }

    InodeEdit attributesChanged(long timeNs) {
        ctimeNs = timeNs;
        return this;
    }

    InodeEdit addLinks(int count) {
        linkCount += count;
        return this;
    }

    /**
     * Clears setuid, and setgid where the group may execute, as a write by an unprivileged user
     * does.
     */
    InodeEdit killSuidSgid() {
        mode &= ~Modes.SETUID;
        if ((mode & Modes.GROUP_EXECUTE) != 0) {
            mode &= ~Modes.SETGID;
        }
        return this;
    }

    FileType type() {
        return before.attributes().type();
    }

    /** Stores the row with the next version and returns it. */
    public InodeRow put(Tables tables) {
        InodeRow row = build(before.attributes().version() + 1);
        tables.putInode(row);
        return row;
    }

    /**
     * Stores the row with its version as it was: nothing of what is changed shows in the
     * attributes. A holder of WRITE knows them, and counts its own changes.
     */
    public InodeRow putUnseen(Tables tables) {
        InodeRow row = build(before.attributes().version());
        tables.putInode(row);
        return row;
    }

    private InodeRow build(long version) {
        Attributes a = before.attributes();
        return new InodeRow(
                new Attributes(
                        a.inode(),
                        a.type(),
                        mode,
                        uid,
                        gid,
                        linkCount,
                        a.rdev(),
                        size,
                        allocatedSectors,
                        atimeNs,
                        mtimeNs,
                        ctimeNs,
                        a.btimeNs(),
                        flags,
                        version),
                before.volume(),
                parent,
                nextPosition,
                trimBound,
                xattrBits,
                xattrBytes,
                before.target(),
                linkable);
    }
}

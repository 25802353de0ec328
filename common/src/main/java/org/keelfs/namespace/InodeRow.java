package org.keelfs.namespace;

import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;

/**
 * An inode as it is stored. Changes go through {@link InodeEdit}, which raises the version.
 *
 * @param attributes what stat(2) shows
 * @param volume number of its volume: an inode never leaves it
 * @param parent of a directory the directory that holds it (the root: itself); of anything else 0
 * @param nextPosition of a directory the position that its next entry gets, from {@link
 *     EntryRow#FIRST_POSITION}
 * @param trimBound bytes: from the size to here sectors may hold old bytes and are trimmed before
 *     an extension (DESIGN section 4, size after a crash)
 * @param xattrBits which of the attributes with a meaning to the file system exist: ACCESS_ACL and
 *     so on
 * @param xattrBytes names and values of all extended attributes together
 * @param target of a symlink; else empty. Not to be changed
 * @param linkable made by O_TMPFILE and never linked: link(2) may give it a name although its link
 *     count is 0
 */
public record InodeRow(
        Attributes attributes,
        int volume,
        InodeId parent,
        long nextPosition,
        long trimBound,
        int xattrBits,
        int xattrBytes,
        byte[] target,
        boolean linkable) {
    /** There is a system.posix_acl_access. */
    public static final int ACCESS_ACL = 1;

    /** There is a system.posix_acl_default. */
    public static final int DEFAULT_ACL = 2;

    /** There is a security.capability. */
    public static final int CAPABILITY = 4;

    /** Of inodes that are no symlinks. */
    public static final byte[] NO_TARGET = {};

    public InodeId id() {
        return attributes.inode();
    }

    public boolean isDirectory() {
        return attributes.isDirectory();
    }

    public boolean hasXattrBit(int bit) {
        return (xattrBits & bit) != 0;
    }

    public boolean hasFlag(int flag) {
        return (attributes.flags() & flag) != 0;
    }
}

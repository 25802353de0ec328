package org.keelfs.namespace;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Caller;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/** Looking things up in a volume; throws FsException as the system calls do. */
public final class NamespaceReads {
    private static final Name SELF = Name.of(".");
    private static final Name PARENT = Name.of("..");

    private NamespaceReads() {}

    /** The inode, orphans too; ESTALE when it is gone or another volume's. */
    public static InodeRow inode(Tables tables, int volume, InodeId id) {
        InodeRow row = tables.inode(id);
        if (row == null || row.volume() != volume) {
            throw new FsException(Errno.ESTALE);
        }
        return row;
    }

    /** The inode, which must be a directory, else ENOTDIR. */
    public static InodeRow directory(Tables tables, int volume, InodeId id) {
        InodeRow row = inode(tables, volume, id);
        if (!row.isDirectory()) {
            throw new FsException(Errno.ENOTDIR);
        }
        return row;
    }

    /**
     * What a name in a directory names, "." and ".." too. ENOENT when nothing; EACCES without the
     * right to search.
     */
    public static InodeRow lookup(
            Tables tables, int volume, InodeId directory, Name name, Caller caller) {
        InodeRow row = directory(tables, volume, directory);
        Permissions.require(tables, row, caller, Modes.EXECUTE);
        if (name.equals(SELF)) {
            return row;
        }
        if (name.equals(PARENT)) {
            return inode(tables, volume, row.parent());
        }
        requireLength(name);
        EntryRow entry = tables.entry(directory, name);
        InodeRow found = entry == null ? null : tables.inode(entry.inode());
        if (found == null) {
            throw new FsException(Errno.ENOENT);
        }
        return found;
    }

    /**
     * Entries behind this position in ascending order, without "." and "..", at most {@code limit}.
     */
    public static List<EntryRow> readDirectory(
            Tables tables, int volume, InodeId directory, long afterPosition, int limit) {
        InodeRow row = directory(tables, volume, directory);
        return tables.entriesAfter(row.id(), afterPosition, limit);
    }

    /** All extended attributes, whoever may see them: the adapter hides trusted.* from users. */
    public static List<XattrRow> xattrs(Tables tables, InodeRow inode) {
        return inode.xattrBytes() == 0 ? List.of() : tables.xattrs(inode.id());
    }

    static boolean isSelfOrParent(Name name) {
        return name.equals(SELF) || name.equals(PARENT);
    }

    static boolean isSelf(Name name) {
        return name.equals(SELF);
    }

    /** The directory and its entry of this name, searched for with the caller's rights. */
    static @Nullable EntryRow find(Tables tables, InodeRow directory, Name name, Caller caller) {
        Permissions.require(tables, directory, caller, Modes.EXECUTE);
        requireLength(name);
        if (directory.attributes().linkCount() == 0) {
            throw new FsException(Errno.ENOENT);
        }
        return tables.entry(directory.id(), name);
    }

    /** The inode that an entry names: there is one as long as there is the entry. */
    static InodeRow named(Tables tables, EntryRow entry) {
        InodeRow row = tables.inode(entry.inode());
        if (row == null) {
            throw new org.keelfs.base.InvariantViolation(
                    "entry " + entry + " names an inode that does not exist");
        }
        return row;
    }

    private static void requireLength(Name name) {
        if (name.length() == 0) {
            throw new FsException(Errno.ENOENT);
        }
        if (name.length() > Name.BYTES_MAX) {
            throw new FsException(Errno.ENAMETOOLONG);
        }
        for (byte b : name.bytes()) {
            if (b == 0 || b == '/') {
                throw new FsException(Errno.EINVAL);
            }
        }
    }
}

package org.keelfs.namespace;

import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.base.Invariant;
import org.keelfs.model.Attributes;
import org.keelfs.model.Caller;
import org.keelfs.model.Capability;

/**
 * Who may do what: mode bits, supplementary groups, access control lists, capabilities, inode
 * flags, as fs/namei.c has them.
 */
public final class Permissions {
    private Permissions() {}

    /**
     * Throws EACCES, or EPERM for a write to an immutable inode.
     *
     * @param mask R_OK 4, W_OK 2, X_OK 1
     */
    public static void require(Tables tables, InodeRow inode, Caller caller, int mask) {
        if ((mask & Modes.WRITE) != 0 && inode.hasFlag(InodeEdit.IMMUTABLE)) {
            throw new FsException(Errno.EPERM);
        }
        if (!allows(tables, inode, caller, mask)) {
            throw new FsException(Errno.EACCES);
        }
    }

    /** Whether mode bits, access control list or capabilities allow all of the mask. */
    public static boolean allows(Tables tables, InodeRow inode, Caller caller, int mask) {
        return overrides(inode.attributes(), caller, mask)
                || allowsByMode(tables, inode, caller, mask);
    }

    /** Whether capabilities alone allow all of the mask, as generic_permission has it. */
    public static boolean overrides(Attributes inode, Caller caller, int mask) {
        boolean reads = inode.isDirectory() ? (mask & Modes.WRITE) == 0 : (mask & ~Modes.READ) == 0;
        if (reads && caller.has(Capability.DAC_READ_SEARCH)) {
            return true;
        }
        boolean runs = (mask & Modes.EXECUTE) != 0 && !inode.isDirectory();
        return caller.has(Capability.DAC_OVERRIDE) && (!runs || (inode.mode() & 0111) != 0);
    }

    private static boolean allowsByMode(Tables tables, InodeRow inode, Caller caller, int mask) {
        int mode = inode.attributes().mode();
        if (caller.uid() == inode.attributes().uid()) {
            return (mode >> 6 & mask) == mask;
        }
        if (inode.hasXattrBit(InodeRow.ACCESS_ACL) && (mode & 0070) != 0) {
            return accessAcl(tables, inode).allows(caller, inode.attributes().gid(), mask);
        }
        boolean inGroup = caller.isInGroup(inode.attributes().gid());
        return ((inGroup ? mode >> 3 : mode) & mask) == mask;
    }

    static Acl accessAcl(Tables tables, InodeRow inode) {
        byte[] value = tables.xattr(inode.id(), Acl.ACCESS);
        Acl acl = value == null ? null : Acl.decode(value);
        if (acl == null) {
            Invariant.check(false, "%s says it has an access control list", inode.id());
            throw new AssertionError();
        }
        return acl;
    }

    static boolean isOwnerOrCapable(InodeRow inode, Caller caller) {
        return caller.has(Capability.FOWNER) || caller.uid() == inode.attributes().uid();
    }

    /** Whether the caller keeps a setgid bit for this group. */
    static boolean mayUseGroup(Caller caller, int gid) {
        return caller.has(Capability.FSETID) || caller.isInGroup(gid);
    }

    /** may_create of fs/namei.c, for a name that is not there. */
    static void requireMayCreate(Tables tables, InodeRow directory, Caller caller) {
        if (directory.attributes().linkCount() == 0) {
            throw new FsException(Errno.ENOENT);
        }
        require(tables, directory, caller, Modes.WRITE | Modes.EXECUTE);
    }

    /** may_delete of fs/namei.c. */
    static void requireMayDelete(
            Tables tables,
            InodeRow directory,
            InodeRow victim,
            boolean asDirectory,
            Caller caller) {
        require(tables, directory, caller, Modes.WRITE | Modes.EXECUTE);
        if (directory.hasFlag(InodeEdit.APPEND_ONLY)
                || isStickyAgainst(directory, victim, caller)
                || victim.hasFlag(InodeEdit.APPEND_ONLY | InodeEdit.IMMUTABLE)) {
            throw new FsException(Errno.EPERM);
        }
        if (asDirectory && !victim.isDirectory()) {
            throw new FsException(Errno.ENOTDIR);
        }
        if (!asDirectory && victim.isDirectory()) {
            throw new FsException(Errno.EISDIR);
        }
    }

    private static boolean isStickyAgainst(InodeRow directory, InodeRow victim, Caller caller) {
        return (directory.attributes().mode() & Modes.STICKY) != 0
                && !isOwnerOrCapable(victim, caller)
                && !isOwnerOrCapable(directory, caller);
    }
}

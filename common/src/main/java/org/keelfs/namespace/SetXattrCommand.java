package org.keelfs.namespace;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * setxattr(2). Setting system.posix_acl_access sets the permission bits too; a list that says no
 * more than they do is not kept.
 *
 * @param inode what changes
 * @param name with its namespace
 * @param value not to be changed
 * @param flags XATTR_CREATE 1, XATTR_REPLACE 2
 * @param killSgid an ACL takes setgid away, as FUSE_SETXATTR_ACL_KILL_SGID asks
 */
public record SetXattrCommand(InodeId inode, Name name, byte[] value, int flags, boolean killSgid)
        implements NamespaceCommand<SetXattrCommand.Plan> {
    /** XATTR_CREATE of sys/xattr.h. */
    public static final int CREATE = 1;

    /** XATTR_REPLACE of sys/xattr.h. */
    public static final int REPLACE = 2;

    /**
     * What it is about.
     *
     * @param acl the list, when the attribute is one and says something
     */
    public record Plan(InodeRow row, @Nullable Acl acl) {}

    @Override
    public Plan check(Tables tables, Origin origin) {
        require((flags & ~(CREATE | REPLACE)) == 0, Errno.EINVAL);
        require(value.length <= Xattrs.VALUE_BYTES_MAX, Errno.E2BIG);
        InodeRow row = NamespaceReads.inode(tables, origin.volume(), inode);
        Xattrs.requireMayChange(tables, row, name, origin.caller());
        boolean exists = tables.xattr(inode, name) != null;
        require((flags & CREATE) == 0 || !exists, Errno.EEXIST);
        require((flags & REPLACE) == 0 || exists, Errno.ENODATA);
        Acl acl = Xattrs.isAcl(name) ? Acl.decode(value) : null;
        require(acl == null || !name.equals(Acl.DEFAULT) || row.isDirectory(), Errno.EACCES);
        int total = Xattrs.totalWith(tables, row, new XattrRow(name, value));
        require(total <= Xattrs.TOTAL_BYTES_MAX, Errno.ENOSPC);
        return new Plan(row, acl);
    }

    private static void require(boolean holds, Errno otherwise) {
        if (!holds) {
            throw new FsException(otherwise);
        }
    }

    @Override
    public CommandOutcome apply(Plan plan, Tables tables, Origin origin) {
        InodeEdit edit = InodeEdit.of(plan.row).attributesChanged(origin.timeNs());
        boolean access = name.equals(Acl.ACCESS);
        if (access && plan.acl != null) {
            setMode(edit, plan.acl, origin);
        }
        boolean kept = !Xattrs.isAcl(name) || (plan.acl != null && !isMinimalAccess(plan.acl));
        if (kept) {
            Xattrs.put(tables, edit, inode, new XattrRow(name, value));
        } else {
            Xattrs.remove(tables, edit, inode, name);
        }
        return CommandOutcome.ofInode(edit.put(tables));
    }

    private boolean isMinimalAccess(Acl acl) {
        return name.equals(Acl.ACCESS) && acl.isMinimal();
    }

    /** posix_acl_update_mode of fs/posix_acl.c. */
    private void setMode(InodeEdit edit, Acl acl, Origin origin) {
        edit.mode = (edit.mode & ~Modes.PERMISSIONS) | acl.modeBits();
        if (killSgid || !Permissions.mayUseGroup(origin.caller(), edit.gid)) {
            edit.mode &= ~Modes.SETGID;
        }
    }

    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {
        action.accept(inode);
    }
}

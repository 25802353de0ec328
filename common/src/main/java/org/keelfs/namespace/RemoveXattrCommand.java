package org.keelfs.namespace;

import java.util.function.Consumer;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * removexattr(2). Removing an access control list that is not there succeeds, as on other file
 * systems.
 *
 * @param inode what changes
 * @param name with its namespace
 */
public record RemoveXattrCommand(InodeId inode, Name name) implements NamespaceCommand<InodeRow> {
    @Override
    public InodeRow check(Tables tables, Origin origin) {
        InodeRow row = NamespaceReads.inode(tables, origin.volume(), inode);
        Xattrs.requireMayChange(tables, row, name, origin.caller());
        if (tables.xattr(inode, name) == null && !Xattrs.isAcl(name)) {
            throw new FsException(Errno.ENODATA);
        }
        return row;
    }

    @Override
    public CommandOutcome apply(InodeRow row, Tables tables, Origin origin) {
        InodeEdit edit = InodeEdit.of(row).attributesChanged(origin.timeNs());
        Xattrs.remove(tables, edit, inode, name);
        return CommandOutcome.ofInode(edit.put(tables));
    }

    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {
        action.accept(inode);
    }
}

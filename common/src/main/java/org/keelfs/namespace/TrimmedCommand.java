package org.keelfs.namespace;

import java.util.function.Consumer;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.InodeId;

/**
 * Everything from the size to the bound reads as zeros: it was trimmed, or never written. Said by a
 * holder of WRITE that returns it with nothing in doubt; said earlier, what it writes next behind
 * the size would be forgotten.
 *
 * @param inode the file
 * @param bound bytes
 */
public record TrimmedCommand(InodeId inode, long bound) implements NamespaceCommand<InodeRow> {
    @Override
    public InodeRow check(Tables tables, Origin origin) {
        InodeRow row = NamespaceReads.inode(tables, origin.volume(), inode);
        if (!row.attributes().isRegular()) {
            throw new FsException(Errno.EINVAL);
        }
        return row;
    }

    @Override
    public CommandOutcome apply(InodeRow row, Tables tables, Origin origin) {
        if (row.trimBound() == 0 || row.trimBound() > bound) {
            return CommandOutcome.ofInode(row);
        }
        return CommandOutcome.ofInode(InodeEdit.of(row).trimBound(0).put(tables));
    }

    /** None: what a reader sees stays the same. */
    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {}
}

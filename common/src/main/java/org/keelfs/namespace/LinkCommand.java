package org.keelfs.namespace;

import java.util.function.Consumer;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * link(2).
 *
 * @param inode gets another name
 * @param parent directory of the new name
 * @param name the new name
 */
public record LinkCommand(InodeId inode, InodeId parent, Name name)
        implements NamespaceCommand<LinkCommand.Plan> {
    /** What it is about. */
    public record Plan(InodeRow inode, InodeRow parent) {}

    @Override
    public Plan check(Tables tables, Origin origin) {
        InodeRow row = NamespaceReads.inode(tables, origin.volume(), inode);
        InodeRow directory = NamespaceReads.directory(tables, origin.volume(), parent);
        if (NamespaceReads.isSelfOrParent(name)
                || NamespaceReads.find(tables, directory, name, origin.caller()) != null) {
            throw new FsException(Errno.EEXIST);
        }
        Permissions.requireMayCreate(tables, directory, origin.caller());
        if (row.hasFlag(InodeEdit.APPEND_ONLY | InodeEdit.IMMUTABLE) || row.isDirectory()) {
            throw new FsException(Errno.EPERM);
        }
        if (row.attributes().linkCount() == 0 && !row.linkable()) {
            throw new FsException(Errno.ENOENT);
        }
        if (row.attributes().linkCount() >= CreateCommand.LINK_COUNT_MAX) {
            throw new FsException(Errno.EMLINK);
        }
        return new Plan(row, directory);
    }

    @Override
    public CommandOutcome apply(Plan plan, Tables tables, Origin origin) {
        InodeEdit linked = InodeEdit.of(plan.inode).addLinks(1).attributesChanged(origin.timeNs());
        linked.linkable = false;
        InodeEdit directory = InodeEdit.of(plan.parent).contentChanged(origin.timeNs());
        long position = directory.nextPosition++;
        tables.putEntry(
                parent, new EntryRow(name, inode, plan.inode.attributes().type(), position));
        return new CommandOutcome(
                null,
                linked.put(tables).attributes(),
                directory.put(tables).attributes(),
                null,
                null,
                position);
    }

    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {
        action.accept(inode);
        action.accept(parent);
    }
}

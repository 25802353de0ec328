package org.keelfs.namespace;

import java.util.function.Consumer;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * unlink(2) and rmdir(2).
 *
 * @param parent directory
 * @param name of the entry to remove
 * @param directory rmdir
 */
public record UnlinkCommand(InodeId parent, Name name, boolean directory)
        implements NamespaceCommand<UnlinkCommand.Plan> {
    /** What it is about. */
    public record Plan(InodeRow parent, EntryRow entry, InodeRow victim) {}

    @Override
    public Plan check(Tables tables, Origin origin) {
        InodeRow holder = NamespaceReads.directory(tables, origin.volume(), parent);
        if (NamespaceReads.isSelfOrParent(name)) {
            throw new FsException(specialNameErrno());
        }
        EntryRow entry = NamespaceReads.find(tables, holder, name, origin.caller());
        if (entry == null) {
            throw new FsException(Errno.ENOENT);
        }
        InodeRow victim = NamespaceReads.named(tables, entry);
        Permissions.requireMayDelete(tables, holder, victim, directory, origin.caller());
        if (directory && !tables.entriesAfter(victim.id(), 0, 1).isEmpty()) {
            throw new FsException(Errno.ENOTEMPTY);
        }
        return new Plan(holder, entry, victim);
    }

    private Errno specialNameErrno() {
        if (!directory) {
            return Errno.EISDIR;
        }
        return NamespaceReads.isSelf(name) ? Errno.EINVAL : Errno.ENOTEMPTY;
    }

    @Override
    public CommandOutcome apply(Plan plan, Tables tables, Origin origin) {
        tables.deleteEntry(parent, plan.entry);
        InodeEdit holder = InodeEdit.of(plan.parent).contentChanged(origin.timeNs());
        if (directory) {
            holder.addLinks(-1);
        }
        InodeRow victim = removeLink(tables, plan.victim, origin.timeNs());
        boolean gone = Orphans.removeIfUnused(tables, victim);
        return new CommandOutcome(
                null,
                gone ? null : victim.attributes(),
                holder.put(tables).attributes(),
                null,
                null,
                0);
    }

    /** Takes one link off a file, or all off an empty directory. */
    static InodeRow removeLink(Tables tables, InodeRow victim, long timeNs) {
        InodeEdit edit = InodeEdit.of(victim).attributesChanged(timeNs);
        edit.linkCount = victim.isDirectory() ? 0 : edit.linkCount - 1;
        return edit.put(tables);
    }

    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {
        action.accept(parent);
        EntryRow entry = tables.entry(parent, name);
        if (entry != null) {
            action.accept(entry.inode());
        }
    }
}

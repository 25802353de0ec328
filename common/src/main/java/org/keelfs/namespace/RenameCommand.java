package org.keelfs.namespace;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Caller;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * renameat2(2). The order of its checks is that of do_renameat2 and vfs_rename in fs/namei.c.
 *
 * @param oldParent directory of the old name
 * @param oldName entry to move
 * @param newParent directory of the new name
 * @param newName where it goes; what is there is replaced
 * @param flags RENAME_NOREPLACE 1, RENAME_EXCHANGE 2
 */
public record RenameCommand(
        InodeId oldParent, Name oldName, InodeId newParent, Name newName, int flags)
        implements NamespaceCommand<RenameCommand.Plan> {
    /** RENAME_NOREPLACE of linux/fs.h: EEXIST when the new name is there. */
    public static final int NOREPLACE = 1;

    /** RENAME_EXCHANGE of linux/fs.h: both names are there and change places. */
    public static final int EXCHANGE = 2;

    /**
     * What it is about.
     *
     * @param target entry and inode at the new name; null when there is none
     */
    public record Plan(
            InodeRow oldParent, InodeRow newParent, Found source, @Nullable Found target) {}

    /** An entry and what it names. */
    public record Found(EntryRow entry, InodeRow inode) {}

    @Override
    public Plan check(Tables tables, Origin origin) {
        boolean exchange = flags == EXCHANGE;
        if ((flags & ~(NOREPLACE | EXCHANGE)) != 0 || flags == (NOREPLACE | EXCHANGE)) {
            throw new FsException(Errno.EINVAL);
        }
        InodeRow from = NamespaceReads.directory(tables, origin.volume(), oldParent);
        InodeRow to = NamespaceReads.directory(tables, origin.volume(), newParent);
        if (NamespaceReads.isSelfOrParent(oldName)) {
            throw new FsException(Errno.EBUSY);
        }
        if (NamespaceReads.isSelfOrParent(newName)) {
            throw new FsException(flags == NOREPLACE ? Errno.EEXIST : Errno.EBUSY);
        }
        Found source = find(tables, from, oldName, origin.caller());
        if (source == null) {
            throw new FsException(Errno.ENOENT);
        }
        Found target = find(tables, to, newName, origin.caller());
        if (target != null && flags == NOREPLACE) {
            throw new FsException(Errno.EEXIST);
        }
        if (target == null && exchange) {
            throw new FsException(Errno.ENOENT);
        }
        requireNoLoop(tables, source.inode, target == null ? null : target.inode);
        Plan plan = new Plan(from, to, source, target);
        if (target == null || !target.inode.id().equals(source.inode.id())) {
            requirePermitted(tables, plan, origin.caller());
        }
        return plan;
    }

    private static @Nullable Found find(
            Tables tables, InodeRow directory, Name name, Caller caller) {
        EntryRow entry = NamespaceReads.find(tables, directory, name, caller);
        return entry == null ? null : new Found(entry, NamespaceReads.named(tables, entry));
    }

    /** A directory goes neither below itself nor over one that it is below. */
    private void requireNoLoop(Tables tables, InodeRow source, @Nullable InodeRow target) {
        if (oldParent.equals(newParent)) {
            return;
        }
        if (source.isDirectory() && isSelfOrAncestor(tables, source.id(), newParent)) {
            throw new FsException(Errno.EINVAL);
        }
        if (target != null
                && target.isDirectory()
                && isSelfOrAncestor(tables, target.id(), oldParent)) {
            throw new FsException(flags == EXCHANGE ? Errno.EINVAL : Errno.ENOTEMPTY);
        }
    }

    private static boolean isSelfOrAncestor(Tables tables, InodeId ancestor, InodeId directory) {
        InodeId at = directory;
        while (!at.equals(ancestor)) {
            InodeRow row = tables.inode(at);
            if (row == null || row.parent().equals(at)) {
                return false;
            }
            at = row.parent();
        }
        return true;
    }

    private void requirePermitted(Tables tables, Plan plan, Caller caller) {
        InodeRow moved = plan.source.inode;
        InodeRow target = plan.target == null ? null : plan.target.inode;
        boolean exchange = flags == EXCHANGE;
        Permissions.requireMayDelete(tables, plan.oldParent, moved, moved.isDirectory(), caller);
        if (target == null) {
            Permissions.requireMayCreate(tables, plan.newParent, caller);
        } else {
            boolean asDirectory = exchange ? target.isDirectory() : moved.isDirectory();
            Permissions.requireMayDelete(tables, plan.newParent, target, asDirectory, caller);
        }
        if (!oldParent.equals(newParent)) {
            requireMayChangeParent(tables, moved, caller);
            if (exchange && target != null) {
                requireMayChangeParent(tables, target, caller);
            }
            boolean gainsDirectory =
                    moved.isDirectory() && (target == null || !target.isDirectory());
            boolean losesDirectory =
                    exchange && target != null && target.isDirectory() && !moved.isDirectory();
            if ((gainsDirectory && isFull(plan.newParent))
                    || (losesDirectory && isFull(plan.oldParent))) {
                throw new FsException(Errno.EMLINK);
            }
        }
        if (!exchange
                && target != null
                && target.isDirectory()
                && !tables.entriesAfter(target.id(), 0, 1).isEmpty()) {
            throw new FsException(Errno.ENOTEMPTY);
        }
    }

    /** A directory that gets another ".." is written to. */
    private static void requireMayChangeParent(Tables tables, InodeRow moved, Caller caller) {
        if (moved.isDirectory()) {
            Permissions.require(tables, moved, caller, Modes.WRITE);
        }
    }

    private static boolean isFull(InodeRow directory) {
        return directory.attributes().linkCount() >= CreateCommand.LINK_COUNT_MAX;
    }

    @Override
    public CommandOutcome apply(Plan plan, Tables tables, Origin origin) {
        if (plan.target != null && plan.target.inode.id().equals(plan.source.inode.id())) {
            return unchanged(plan);
        }
        InodeEdit to = InodeEdit.of(plan.newParent).contentChanged(origin.timeNs());
        InodeEdit from =
                oldParent.equals(newParent)
                        ? to
                        : InodeEdit.of(plan.oldParent).contentChanged(origin.timeNs());
        return flags == EXCHANGE && plan.target != null
                ? exchange(plan, plan.target, from, to, tables, origin.timeNs())
                : move(plan, from, to, tables, origin.timeNs());
    }

    /** Two names of one inode: rename(2) does nothing and succeeds. */
    private CommandOutcome unchanged(Plan plan) {
        return new CommandOutcome(
                null,
                null,
                plan.newParent.attributes(),
                oldParent.equals(newParent) ? null : plan.oldParent.attributes(),
                plan.source.inode.attributes(),
                plan.source.entry.position());
    }

    private CommandOutcome move(
            Plan plan, InodeEdit from, InodeEdit to, Tables tables, long timeNs) {
        tables.deleteEntry(oldParent, plan.source.entry);
        InodeRow victim = null;
        long position;
        if (plan.target != null) {
            // The name keeps its position: a reader of the directory meets it once.
            position = plan.target.entry.position();
            victim = UnlinkCommand.removeLink(tables, plan.target.inode, timeNs);
            if (victim.isDirectory()) {
                to.addLinks(-1);
            }
            if (Orphans.removeIfUnused(tables, victim)) {
                victim = null;
            }
        } else {
            position = to.nextPosition++;
        }
        InodeRow moved = place(plan.source.inode, newName, position, newParent, tables, timeNs);
        if (moved.isDirectory()) {
            from.addLinks(-1);
            to.addLinks(1);
        }
        return outcome(victim, from, to, moved, position, tables);
    }

    private CommandOutcome exchange(
            Plan plan, Found target, InodeEdit from, InodeEdit to, Tables tables, long timeNs) {
        long oldPosition = plan.source.entry.position();
        long newPosition = target.entry.position();
        InodeRow moved = place(plan.source.inode, newName, newPosition, newParent, tables, timeNs);
        InodeRow other = place(target.inode, oldName, oldPosition, oldParent, tables, timeNs);
        int gained = (moved.isDirectory() ? 1 : 0) - (other.isDirectory() ? 1 : 0);
        from.addLinks(-gained);
        to.addLinks(gained);
        return outcome(other, from, to, moved, newPosition, tables);
    }

    private static InodeRow place(
            InodeRow inode, Name name, long position, InodeId parent, Tables tables, long timeNs) {
        tables.putEntry(
                parent, new EntryRow(name, inode.id(), inode.attributes().type(), position));
        InodeEdit edit = InodeEdit.of(inode).attributesChanged(timeNs);
        if (inode.isDirectory()) {
            edit.parent = parent;
        }
        return edit.put(tables);
    }

    private CommandOutcome outcome(
            @Nullable InodeRow other,
            InodeEdit from,
            InodeEdit to,
            InodeRow moved,
            long position,
            Tables tables) {
        boolean oneParent = oldParent.equals(newParent);
        return new CommandOutcome(
                null,
                other == null ? null : other.attributes(),
                to.put(tables).attributes(),
                oneParent ? null : from.put(tables).attributes(),
                moved.attributes(),
                position);
    }

    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {
        action.accept(oldParent);
        if (!newParent.equals(oldParent)) {
            action.accept(newParent);
        }
        EntryRow source = tables.entry(oldParent, oldName);
        EntryRow target = tables.entry(newParent, newName);
        if (source != null) {
            action.accept(source.inode());
        }
        if (target != null) {
            action.accept(target.inode());
        }
    }
}

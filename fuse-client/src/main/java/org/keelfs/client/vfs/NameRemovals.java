package org.keelfs.client.vfs;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.CachedDirectory;
import org.keelfs.client.cache.CachedDirectory.Child;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.Attr;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;

/** What removes and moves names: unlink, rmdir and rename, and what becomes of who loses a name. */
final class NameRemovals {
    private static final Name DOT = Name.of(".");
    private static final Name DOT_DOT = Name.of("..");
    private static final int RENAME_EXCHANGE = 2;

    private final VfsContext vfs;
    private final NamespaceOperations names;
    private final FileOperations files;
    private final WriteBacks writeBacks;
    private final LocalAnswers answers;

    NameRemovals(
            VfsContext vfs,
            NamespaceOperations names,
            FileOperations files,
            WriteBacks writeBacks,
            LocalAnswers answers) {
        this.vfs = vfs;
        this.names = names;
        this.files = files;
        this.writeBacks = writeBacks;
        this.answers = answers;
    }

    private Attributes update(Attr attr) {
        Attributes attributes = AttributesCodec.decode(attr);
        vfs.cache().update(attributes);
        return attributes;
    }

    void remove(Call call, InodeId parent, Name name, boolean directory) {
        NamespaceOperations.checkLength(name);
        Attributes victim = find(call, parent, name);
        Command unlink = vfs.commands().unlink(call.caller(), parent, name, directory);
        if (removedHere(call, unlink, null, victim, parent, parent) != null) {
            return;
        }
        call.beforeWait();
        List<Command> commands = new ArrayList<>(2);
        boolean pins = pinIfOpen(victim, commands);
        commands.add(unlink);
        try (DirectoryChange change = DirectoryChange.begin(vfs, parent, victim.inode())) {
            CommandResult result = change.submit(commands);
            if (result.hasParent()) {
                var _ = update(result.getParent());
            }
            change.remove(name);
            onVictim(victim, result.hasInode() ? result.getInode() : null, pins);
        }
    }

    /**
     * Answers here, if it can be, a command that takes a name of {@code victim}, which is pinned in
     * front of it when it is open: its state is locked meanwhile.
     */
    private @Nullable CommandOutcome removedHere(
            Call call,
            Command command,
            @Nullable InodeId bytesFirst,
            @Nullable Attributes victim,
            InodeId one,
            InodeId other) {
        if (!vfs.names().isEnabled()) {
            return null;
        }
        FileState state = victim == null ? null : vfs.files().ifPresent(victim.inode());
        if (victim == null || state == null) {
            CommandOutcome outcome =
                    answers.tryAnswer(call, List.of(command), bytesFirst, one, other);
            if (outcome != null && victim != null) {
                onRemovedHere(victim, outcome);
            }
            return outcome;
        }
        answers.prepare(call, one, other);
        CommandOutcome outcome;
        FileState locked = vfs.files().tryLocked(victim.inode());
        if (locked == null) {
            call.beforeWait();
            locked = vfs.files().locked(victim.inode());
        }
        try {
            boolean pins = locked.isOpen() && !locked.isPinned();
            if (!locked.isOpen() && mayBeReadElsewhere(locked, victim)) {
                return null;
            }
            List<Command> commands =
                    pins
                            ? List.of(vfs.commands().pin(victim.inode(), true), command)
                            : List.of(command);
            outcome = answers.tryAnswer(commands, bytesFirst);
            if (outcome != null && pins) {
                locked.pinned(true);
            }
        } finally {
            vfs.files().unlock(locked);
        }
        if (outcome != null) {
            onRemovedHere(victim, outcome);
        }
        return outcome;
    }

    /**
     * Whether bytes or times that only this mount has may have to outlive the last name: another
     * mount may have the file open, and only the server knows. The state is locked.
     */
    private boolean mayBeReadElsewhere(FileState state, Attributes victim) {
        boolean unsent = vfs.data().isDirty(victim.inode()) || state.hasUnsent();
        return unsent && !state.isMadeHere();
    }

    private void onRemovedHere(Attributes victim, CommandOutcome outcome) {
        if (outcome.inode() == null) {
            vfs.names().whenUnneeded(victim.inode(), () -> files.forgetGone(victim.inode()));
            if (!victim.isRegular()) {
                vfs.cache().sawRemoved(victim);
            }
        }
    }

    private Attributes find(Call call, InodeId parent, Name name) {
        if (name.equals(DOT) || name.equals(DOT_DOT)) {
            throw new FsException(name.equals(DOT) ? Errno.EINVAL : Errno.ENOTEMPTY);
        }
        return names.lookup(call, parent, name).attributes();
    }

    /**
     * A file or directory that is open here outlives its name: it is pinned in front of the command
     * that takes the name.
     */
    private boolean pinIfOpen(@Nullable Attributes victim, List<Command> commands) {
        if (victim == null) {
            return false;
        }
        FileState state = vfs.files().ifPresent(victim.inode());
        if (state == null) {
            return false;
        }
        return vfs.files()
                .with(
                        victim.inode(),
                        locked -> {
                            if (!locked.isOpen() || locked.isPinned()) {
                                return false;
                            }
                            locked.pinned(true);
                            commands.add(vfs.commands().pin(victim.inode(), true));
                            return true;
                        });
    }

    private void onVictim(@Nullable Attributes victim, @Nullable Attr left, boolean pinned) {
        if (victim == null) {
            return;
        }
        if (left != null) {
            var _ = update(left);
        } else if (!pinned && !isPinned(victim.inode())) {
            files.forgetGone(victim.inode());
            if (!victim.isRegular()) {
                vfs.cache().sawRemoved(victim);
            }
        } else {
            vfs.cache().forgetInode(victim.inode());
        }
    }

    private boolean isPinned(InodeId inode) {
        FileState state = vfs.files().ifPresent(inode);
        return state != null && vfs.files().with(inode, FileState::isPinned);
    }

    void rename(
            Call call,
            InodeId oldParent,
            Name oldName,
            InodeId newParent,
            Name newName,
            int flags) {
        NamespaceOperations.checkLength(oldName);
        NamespaceOperations.checkLength(newName);
        Attributes source = names.lookup(call, oldParent, oldName).attributes();
        Attributes victim = findOrNull(call, newParent, newName);
        boolean overwrites = victim != null && flags == 0 && source.isRegular();
        boolean replaces = (flags & RENAME_EXCHANGE) == 0;
        Command rename =
                vfs.commands().rename(call.caller(), oldParent, oldName, newParent, newName, flags);
        boolean same = victim != null && victim.inode().equals(source.inode());
        Ahead ahead = overwrites && !same ? sizeFirst(call, source.inode()) : Ahead.NOTHING;
        Attributes taken = replaces && !same ? victim : null;
        if (ahead.isQueued
                && removedHere(call, rename, ahead.bytes, taken, oldParent, newParent) != null) {
            return;
        }
        call.beforeWait();
        if (overwrites) {
            settle(source.inode());
        }
        List<Command> commands = new ArrayList<>(2);
        boolean pins = replaces && pinIfOpen(victim, commands);
        commands.add(rename);
        List<InodeId> moved =
                victim == null ? List.of(source.inode()) : List.of(source.inode(), victim.inode());
        try (NamespaceWriter.Flux _ = vfs.names().flux(moved);
                DirectoryChange from = DirectoryChange.begin(vfs, oldParent);
                DirectoryChange to = DirectoryChange.begin(vfs, newParent)) {
            CommandResult result = to.submit(commands);
            from.settled();
            for (Attr attr :
                    List.of(result.getParent(), result.getOtherParent(), result.getMoved())) {
                if (attr.getInode() != 0) {
                    var _ = update(attr);
                }
            }
            if (!replaces) {
                if (result.hasInode()) {
                    var _ = update(result.getInode());
                }
                from.forget(oldName);
                to.forget(newName);
            } else if (!same) {
                from.remove(oldName);
                to.put(
                        newName,
                        new Child(source.inode(), source.type(), result.getEntryPosition()));
                onVictim(victim, result.hasInode() ? result.getInode() : null, pins);
            }
            noteMoved(source, newParent, newName, victim, oldParent, replaces);
        }
    }

    /**
     * What a rename over an existing name has in front of it.
     *
     * @param isQueued whether the size is at the server, or queued in front of what follows
     * @param bytes the file whose bytes have to be at the nodes first, or null
     */
    private record Ahead(boolean isQueued, @Nullable InodeId bytes) {
        static final Ahead NOTHING = new Ahead(true, null);
    }

    /**
     * A rename over an existing name waits, on its way to the server, for the data of the renamed
     * file (DESIGN section 4), and for its size, which is queued in front of it.
     */
    private Ahead sizeFirst(Call call, InodeId inode) {
        if (!vfs.names().isEnabled() || vfs.files().ifPresent(inode) == null) {
            return Ahead.NOTHING;
        }
        FileState state = vfs.files().tryLocked(inode);
        if (state == null) {
            call.beforeWait();
            state = vfs.files().locked(inode);
        }
        try {
            if (state.isSending()) {
                // Not in the queue: it would be overtaken.
                call.beforeWait();
                state.awaitSent();
            }
            InodeId dirty = vfs.data().isDirty(inode) ? inode : null;
            boolean unsent = state.isOwned() && state.hasUnsent();
            return new Ahead(!unsent || writeBacks.sentLocally(state, dirty), dirty);
        } finally {
            vfs.files().unlock(state);
        }
    }

    private void noteMoved(
            Attributes source,
            InodeId newParent,
            Name newName,
            @Nullable Attributes other,
            InodeId oldParent,
            boolean replaces) {
        vfs.cache().sawAt(source.inode(), newParent, newName);
        learnParent(source, newParent);
        if (!replaces && other != null) {
            learnParent(other, oldParent);
        }
    }

    private void learnParent(Attributes moved, InodeId parent) {
        CachedDirectory cached =
                moved.isDirectory() ? vfs.cache().directoryIfPresent(moved.inode()) : null;
        if (cached != null) {
            cached.learnParent(parent);
        }
    }

    private @Nullable Attributes findOrNull(Call call, InodeId parent, Name name) {
        try {
            return names.lookup(call, parent, name).attributes();
        } catch (FsException e) {
            if (e.errno() == Errno.ENOENT) {
                return null;
            }
            throw e;
        }
    }

    /** A rename over an existing name waits for the data of the renamed file (DESIGN section 4). */
    private void settle(InodeId inode) {
        if (vfs.data().isDirty(inode)) {
            vfs.data().flush(inode);
        }
        if (vfs.files().ifPresent(inode) != null) {
            vfs.files()
                    .with(
                            inode,
                            state -> {
                                writeBacks.sendLocked(state);
                                return state;
                            });
        }
    }
}

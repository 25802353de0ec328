package org.keelfs.client.vfs;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.CachedDirectory;
import org.keelfs.client.cache.CachedDirectory.Child;
import org.keelfs.client.cache.CachedInode;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.MetadataSession.Submitted;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.Attr;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;
import org.keelfs.wire.proto.MetadataProto.CreateCommandValue;
import org.keelfs.wire.proto.MetadataProto.LookupReply;

/** Names: lookup, and every command that makes, moves or removes one. */
final class NamespaceOperations {
    private static final Name ACCESS_ACL = Name.of("system.posix_acl_access");

    private static final Name DOT = Name.of(".");
    private static final Name DOT_DOT = Name.of("..");
    private static final Name DEFAULT_ACL = Name.of("system.posix_acl_default");

    /** PATH_MAX of limits.h, for the targets of symlinks. */
    private static final int TARGET_BYTES_MAX = 4095;

    private static final int RENAME_EXCHANGE = 2;

    private final VfsContext vfs;
    private final InodeReader reader;
    private final FileOperations files;
    private final WriteBacks writeBacks;

    NamespaceOperations(
            VfsContext vfs, InodeReader reader, FileOperations files, WriteBacks writeBacks) {
        this.vfs = vfs;
        this.reader = reader;
        this.files = files;
        this.writeBacks = writeBacks;
    }

    // ---- lookup ----

    Entry lookup(Call call, InodeId parent, Name name) {
        if (name.equals(DOT)) {
            return entry(parent, reader.attributes(call, parent));
        }
        if (name.equals(DOT_DOT)) {
            InodeId up = parentOf(call, parent);
            return entry(parent, reader.attributes(call, up));
        }
        checkLength(name);
        Child child = cachedChild(parent, name);
        if (child != null && CachedDirectory.isAbsence(child)) {
            throw new FsException(Errno.ENOENT);
        }
        if (child != null) {
            return entry(parent, reader.attributes(call, child.inode()));
        }
        call.beforeWait();
        return entry(parent, reader.overlay(ask(parent, name)));
    }

    /** Whether the absence of a name is known for as long as a lease holds. */
    boolean isKnownAbsent(InodeId parent, Name name) {
        Child child = cachedChild(parent, name);
        return child != null && CachedDirectory.isAbsence(child);
    }

    private @Nullable Child cachedChild(InodeId parent, Name name) {
        if (!vfs.leases().covers(parent, LeaseMode.READ)) {
            return null;
        }
        CachedDirectory directory = vfs.cache().directoryIfPresent(parent);
        return directory == null ? null : directory.find(name);
    }

    /** Asks the server for a name, and keeps what its grants allow. */
    private Attributes ask(InodeId parent, Name name) {
        CachedDirectory directory = vfs.cache().directory(parent);
        long ticket = directory.ticket();
        LookupReply reply = vfs.namespace().lookup(parent, name);
        if (reply.getErrno() == Errno.ENOENT.number()) {
            vfs.leases()
                    .onGrant(reply.getParentLease(), () -> directory.learnAbsence(ticket, name));
        }
        if (reply.getErrno() != 0) {
            throw new FsException(Errno.of(reply.getErrno()));
        }
        CachedInode fetched =
                InodeReader.decode(
                        reply.getInode(),
                        reply.getXattrsList(),
                        reply.getXattrsComplete(),
                        reply.getSymlinkTarget());
        Attributes attributes = fetched.attributes();
        vfs.cache().sawAt(attributes.inode(), parent, name);
        var child = new Child(attributes.inode(), attributes.type(), 0);
        vfs.leases().onGrant(reply.getParentLease(), () -> directory.learn(ticket, name, child));
        reader.learn(reply.getLease(), fetched);
        return attributes;
    }

    private InodeId parentOf(Call call, InodeId directory) {
        CachedDirectory cached =
                vfs.leases().covers(directory, LeaseMode.READ)
                        ? vfs.cache().directoryIfPresent(directory)
                        : null;
        InodeId known = cached == null ? null : cached.parent();
        if (known != null) {
            return known;
        }
        call.beforeWait();
        LookupReply reply = vfs.namespace().lookup(directory, DOT_DOT);
        if (reply.getErrno() != 0) {
            throw new FsException(Errno.of(reply.getErrno()));
        }
        return new InodeId(reply.getInode().getInode());
    }

    Entry entry(InodeId parent, Attributes attributes) {
        long entryValidNs =
                vfs.leases().covers(parent, LeaseMode.READ) ? vfs.leases().remainingNs() : 0;
        return new Entry(attributes, entryValidNs, reader.validNs(attributes));
    }

    private static void checkLength(Name name) {
        if (name.length() > Name.BYTES_MAX) {
            throw new FsException(Errno.ENAMETOOLONG);
        }
        if (name.length() == 0) {
            throw new FsException(Errno.ENOENT);
        }
    }

    // ---- what makes names ----

    Entry make(Call call, InodeId parent, Name name, int mode, int rdev, byte @Nullable [] target) {
        return entry(parent, reader.overlay(create(call, parent, name, mode, rdev, target)));
    }

    private Attributes create(
            Call call, InodeId parent, Name name, int mode, int rdev, byte @Nullable [] target) {
        call.beforeWait();
        checkLength(name);
        if (target != null && (target.length > TARGET_BYTES_MAX || target.length == 0)) {
            throw new FsException(target.length == 0 ? Errno.ENOENT : Errno.ENAMETOOLONG);
        }
        var value =
                CreateCommandValue.newBuilder()
                        .setParent(parent.value())
                        .setName(Commands.bytes(name))
                        .setMode(mode)
                        .setUmask(call.umask())
                        .setRdev(rdev)
                        .setOpen(true);
        if (target != null) {
            value.setTarget(ByteString.copyFrom(target));
        }
        try (Change change = change(parent)) {
            Submitted submitted =
                    vfs.session()
                            .submit(
                                    List.of(
                                            vfs.commands()
                                                    .by(call.caller())
                                                    .setCreate(value)
                                                    .build()));
            CommandResult result = MetadataSession.orThrow(submitted.results().get(0));
            return onCreated(change, parent, name, result, target);
        }
    }

    private Attributes onCreated(
            Change change,
            InodeId parent,
            Name name,
            CommandResult result,
            byte @Nullable [] target) {
        Attributes attributes = AttributesCodec.decode(result.getInode());
        if (result.hasParent()) {
            vfs.cache().update(AttributesCodec.decode(result.getParent()));
        }
        vfs.cache().sawAt(attributes.inode(), parent, name);
        var created = new CachedInode(attributes, xattrsOfNew(parent), target);
        reader.learn(
                result.getLease(),
                created,
                known -> {
                    if (known.attributes().isDirectory()) {
                        vfs.cache().learnNewDirectory(attributes.inode(), parent);
                    }
                });
        change.put(
                name, new Child(attributes.inode(), attributes.type(), result.getEntryPosition()));
        return attributes;
    }

    /** None, where the parent is known to have no default ACL to inherit. */
    private @Nullable Map<Name, byte[]> xattrsOfNew(InodeId parent) {
        CachedInode known = reader.cached(parent);
        Map<Name, byte[]> xattrs = known == null ? null : known.xattrs();
        return xattrs == null || xattrs.containsKey(DEFAULT_ACL) ? null : Map.of();
    }

    Created createOpen(Call call, InodeId parent, Name name, int mode, int flags) {
        Attributes attributes;
        try {
            attributes =
                    create(
                            call,
                            parent,
                            name,
                            FileType.REGULAR.modeBits() | (mode & 0xFFF),
                            0,
                            null);
        } catch (FsException e) {
            if (e.errno() == Errno.EEXIST && (flags & OpenFlags.EXCLUSIVE) == 0) {
                return openExisting(call, parent, name, flags);
            }
            throw e;
        }
        Opened opened =
                vfs.files().with(attributes.inode(), state -> files.opened(state, flags, false));
        return new Created(entry(parent, attributes), opened);
    }

    /**
     * Another mount was first, after the kernel had looked the name up in vain (O_CREAT without
     * O_EXCL).
     */
    private Created openExisting(Call call, InodeId parent, Name name, int flags) {
        Entry found = lookup(call, parent, name);
        if (!found.attributes().isRegular() || !mayOpen(call, found.attributes(), flags)) {
            // The kernel looks the name up again and does what its type and its owner ask for.
            throw new FsException(Errno.ESTALE);
        }
        return new Created(found, files.open(call, found.attributes().inode(), flags));
    }

    /**
     * Whether mode bits alone let the caller open the file; the kernel takes CREATE's word for it.
     */
    private boolean mayOpen(Call call, Attributes found, int flags) {
        if (call.caller().isRoot()) {
            return true;
        }
        int bits = found.mode();
        if (call.caller().uid() == found.uid()) {
            bits >>= 6;
        } else if (call.caller().isInGroup(found.gid())) {
            bits >>= 3;
        }
        int access = flags & OpenFlags.ACCESS_MASK;
        int mask = access == OpenFlags.READ_ONLY ? 4 : access == OpenFlags.WRITE_ONLY ? 2 : 6;
        boolean truncates = (flags & OpenFlags.TRUNCATE) != 0;
        boolean listed = reader.xattrs(call, found.inode()).containsKey(ACCESS_ACL);
        return !listed && ((truncates ? mask | 2 : mask) & ~bits) == 0;
    }

    Created createUnnamed(Call call, InodeId parent, int mode, int flags) {
        call.beforeWait();
        var value =
                CreateCommandValue.newBuilder()
                        .setParent(parent.value())
                        .setMode(FileType.REGULAR.modeBits() | (mode & 0xFFF))
                        .setUmask(call.umask())
                        .setUnnamed(true)
                        .setOpen(true);
        CommandResult result =
                vfs.session().submitOne(vfs.commands().by(call.caller()).setCreate(value).build());
        Attributes attributes = AttributesCodec.decode(result.getInode());
        reader.learn(result.getLease(), new CachedInode(attributes, null, null));
        Opened opened =
                vfs.files()
                        .with(
                                attributes.inode(),
                                state -> {
                                    state.pinned(true);
                                    return files.opened(state, flags, false);
                                });
        return new Created(new Entry(attributes, 0, 0), opened);
    }

    Entry link(Call call, InodeId inode, InodeId parent, Name name) {
        call.beforeWait();
        checkLength(name);
        try (Change change = change(parent)) {
            Submitted submitted =
                    vfs.session()
                            .submit(
                                    List.of(
                                            vfs.commands()
                                                    .link(call.caller(), inode, parent, name)));
            CommandResult result = MetadataSession.orThrow(submitted.results().get(0));
            Attributes attributes = update(result.getInode());
            if (result.hasParent()) {
                var _ = update(result.getParent());
            }
            change.put(name, new Child(inode, attributes.type(), result.getEntryPosition()));
            return entry(parent, reader.overlay(attributes));
        }
    }

    private Attributes update(Attr attr) {
        Attributes attributes = AttributesCodec.decode(attr);
        vfs.cache().update(attributes);
        return attributes;
    }

    // ---- what removes and moves names ----

    void remove(Call call, InodeId parent, Name name, boolean directory) {
        call.beforeWait();
        checkLength(name);
        Attributes victim = find(call, parent, name);
        List<Command> commands = new ArrayList<>(2);
        boolean pins = pinIfOpen(victim, commands);
        commands.add(vfs.commands().unlink(call.caller(), parent, name, directory));
        try (Change change = change(parent)) {
            Submitted submitted = vfs.session().submit(commands);
            CommandResult result =
                    MetadataSession.orThrow(submitted.results().get(commands.size() - 1));
            if (result.hasParent()) {
                var _ = update(result.getParent());
            }
            change.remove(name);
            onVictim(victim, result.hasInode() ? result.getInode() : null, pins);
        }
    }

    private Attributes find(Call call, InodeId parent, Name name) {
        if (name.equals(DOT) || name.equals(DOT_DOT)) {
            throw new FsException(name.equals(DOT) ? Errno.EINVAL : Errno.ENOTEMPTY);
        }
        return lookup(call, parent, name).attributes();
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
        call.beforeWait();
        checkLength(oldName);
        checkLength(newName);
        Attributes source = lookup(call, oldParent, oldName).attributes();
        Attributes victim = findOrNull(call, newParent, newName);
        if (victim != null && flags == 0 && source.isRegular()) {
            settle(source.inode());
        }
        List<Command> commands = new ArrayList<>(2);
        boolean replaces = (flags & RENAME_EXCHANGE) == 0;
        boolean pins = replaces && pinIfOpen(victim, commands);
        commands.add(
                vfs.commands()
                        .rename(call.caller(), oldParent, oldName, newParent, newName, flags));
        try (Change from = change(oldParent);
                Change to = change(newParent)) {
            Submitted submitted = vfs.session().submit(commands);
            CommandResult result =
                    MetadataSession.orThrow(submitted.results().get(commands.size() - 1));
            for (Attr attr :
                    List.of(result.getParent(), result.getOtherParent(), result.getMoved())) {
                if (attr.getInode() != 0) {
                    var _ = update(attr);
                }
            }
            boolean same = victim != null && victim.inode().equals(source.inode());
            if (!replaces) {
                from.forget(oldName);
                to.forget(newName);
            } else if (!same) {
                from.remove(oldName);
                to.put(
                        newName,
                        new Child(source.inode(), source.type(), result.getEntryPosition()));
                onVictim(victim, result.hasInode() ? result.getInode() : null, pins);
            }
            moved(source, newParent, newName, victim, oldParent, replaces);
        }
    }

    private void moved(
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
            return lookup(call, parent, name).attributes();
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

    // ---- changes of a cached directory ----

    private Change change(InodeId directory) {
        return new Change(directory, vfs.cache().directory(directory));
    }

    /**
     * A command on a directory under way. What it changes is kept only under a lease, and answers
     * that the server gave to others meanwhile are not.
     */
    private final class Change implements AutoCloseable {
        private final InodeId inode;
        private final CachedDirectory directory;

        Change(InodeId inode, CachedDirectory directory) {
            this.inode = inode;
            this.directory = directory;
            directory.beginChange();
        }

        void put(Name name, Child child) {
            if (vfs.leases().covers(inode, LeaseMode.READ)) {
                directory.put(name, child);
            } else {
                directory.forget(name);
            }
        }

        void remove(Name name) {
            if (vfs.leases().covers(inode, LeaseMode.READ)) {
                directory.putAbsence(name);
            } else {
                directory.forget(name);
            }
        }

        void forget(Name name) {
            directory.forget(name);
        }

        @Override
        public void close() {
            directory.endChange();
            CachedDirectory now = vfs.cache().directoryIfPresent(inode);
            if (now != null && now != directory) {
                // It was recalled and read again meanwhile: what it learnt may be from before the
                // change.
                vfs.cache().forgetDirectory(inode);
            }
        }
    }
}

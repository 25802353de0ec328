package org.keelfs.client.vfs;

import com.google.protobuf.ByteString;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.CachedDirectory;
import org.keelfs.client.cache.CachedDirectory.Child;
import org.keelfs.client.cache.CachedInode;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.namespace.Permissions;
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

    private final VfsContext vfs;
    private final InodeReader reader;
    private final FileOperations files;
    private final LocalAnswers answers;
    private final EarlyPins earlyPins;

    NamespaceOperations(
            VfsContext vfs,
            InodeReader reader,
            FileOperations files,
            LocalAnswers answers,
            EarlyPins earlyPins) {
        this.earlyPins = earlyPins;
        this.vfs = vfs;
        this.reader = reader;
        this.files = files;
        this.answers = answers;
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

    static void checkLength(Name name) {
        if (name.length() > Name.BYTES_MAX) {
            throw new FsException(Errno.ENAMETOOLONG);
        }
        if (name.length() == 0) {
            throw new FsException(Errno.ENOENT);
        }
    }

    // ---- what makes names ----

    Entry make(Call call, InodeId parent, Name name, int mode, int rdev, byte @Nullable [] target) {
        return entry(
                parent, reader.overlay(create(call, parent, name, mode, rdev, target, _ -> {})));
    }

    /**
     * @param whenKnown told of the new inode as soon as this mount holds a lease on it, before that
     *     can go back
     */
    private Attributes create(
            Call call,
            InodeId parent,
            Name name,
            int mode,
            int rdev,
            byte @Nullable [] target,
            Consumer<InodeId> whenKnown) {
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
        Command command = vfs.commands().by(call.caller()).setCreate(value).build();
        CommandOutcome local = answers.tryCreate(call, command, parent, whenKnown);
        if (local != null && local.inode() != null) {
            return local.inode();
        }
        call.beforeWait();
        try (DirectoryChange change = DirectoryChange.begin(vfs, parent)) {
            CommandResult result = change.submit(List.of(command));
            return onCreated(change, parent, name, result, target, whenKnown);
        }
    }

    private Attributes onCreated(
            DirectoryChange change,
            InodeId parent,
            Name name,
            CommandResult result,
            byte @Nullable [] target,
            Consumer<InodeId> whenKnown) {
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
                    whenKnown.accept(attributes.inode());
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

    /**
     * A new file's handle. It counts from the moment on that the lease came: a recall in between
     * would not pin the file, and who removes it then removes it under the handle. The kernel makes
     * it a second time when it finds it gone. A recall that came before is what {@link EarlyPins}
     * are for.
     */
    private final class NewHandle implements Consumer<InodeId>, AutoCloseable {
        private final int flags;
        private final long open = earlyPins.begin();
        private @Nullable Opened opened;

        NewHandle(int flags) {
            this.flags = flags;
        }

        @Override
        public void accept(InodeId inode) {
            var _ = open(inode, false);
        }

        Opened of(InodeId inode) {
            Opened known = opened;
            return known != null ? known : open(inode, earlyPins.take(inode));
        }

        private Opened open(InodeId inode, boolean pinned) {
            Opened now =
                    vfs.files()
                            .with(
                                    inode,
                                    state -> {
                                        Opened opening = files.opened(state, flags, false);
                                        if (pinned) {
                                            state.pinned(true);
                                            state.pinAcknowledged();
                                        }
                                        return opening;
                                    });
            opened = now;
            return now;
        }

        @Override
        public void close() {
            earlyPins.end(open);
        }
    }

    Created createOpen(Call call, InodeId parent, Name name, int mode, int flags) {
        int fileMode = FileType.REGULAR.modeBits() | (mode & 0xFFF);
        try (var handle = new NewHandle(flags)) {
            Attributes attributes = create(call, parent, name, fileMode, 0, null, handle);
            return new Created(entry(parent, attributes), handle.of(attributes.inode()));
        } catch (FsException e) {
            if (e.errno() == Errno.EEXIST && (flags & OpenFlags.EXCLUSIVE) == 0) {
                return openExisting(call, parent, name, flags);
            }
            throw e;
        }
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
     * Whether mode bits or capabilities alone let the caller open the file; the kernel takes
     * CREATE's word for it.
     */
    private boolean mayOpen(Call call, Attributes found, int flags) {
        int access = flags & OpenFlags.ACCESS_MASK;
        int mask = access == OpenFlags.READ_ONLY ? 4 : access == OpenFlags.WRITE_ONLY ? 2 : 6;
        boolean truncates = (flags & OpenFlags.TRUNCATE) != 0;
        mask = truncates ? mask | 2 : mask;
        if (Permissions.overrides(found, call.caller(), mask)) {
            return true;
        }
        int bits = found.mode();
        if (call.caller().uid() == found.uid()) {
            bits >>= 6;
        } else if (call.caller().isInGroup(found.gid())) {
            bits >>= 3;
        }
        boolean listed = reader.xattrs(call, found.inode()).containsKey(ACCESS_ACL);
        return !listed && (mask & ~bits) == 0;
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
                vfs.names().submitOne(vfs.commands().by(call.caller()).setCreate(value).build());
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
        checkLength(name);
        Command command = vfs.commands().link(call.caller(), inode, parent, name);
        CommandOutcome local = answers.tryAnswer(call, List.of(command), null, parent, parent);
        if (local != null && local.inode() != null) {
            return entry(parent, reader.overlay(local.inode()));
        }
        call.beforeWait();
        try (DirectoryChange change = DirectoryChange.begin(vfs, parent, inode)) {
            CommandResult result = change.submit(List.of(command));
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
}

package org.keelfs.client.vfs;

import java.util.ArrayList;
import java.util.List;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.lease.LeaseUse;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.MetadataSession.Submitted;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;
import org.keelfs.wire.proto.MetadataProto.SetAttributesCommandValue;

/** setattr: modes, owners and times by a command; sizes under a WRITE lease as well. */
final class AttributeOperations {
    private final VfsContext vfs;
    private final InodeReader reader;
    private final WriteBacks writeBacks;

    AttributeOperations(VfsContext vfs, InodeReader reader, WriteBacks writeBacks) {
        this.vfs = vfs;
        this.reader = reader;
        this.writeBacks = writeBacks;
    }

    Attributes set(Call call, InodeId inode, AttributeChange change) {
        call.beforeWait();
        Long size = change.size();
        if (size == null) {
            return setOrRemoved(call, inode, change);
        }
        if (size < 0 || size > FileOperations.FILE_BYTES_MAX) {
            throw new FsException(size < 0 ? Errno.EINVAL : Errno.EFBIG);
        }
        try (LeaseUse _ = vfs.leases().use(inode, LeaseMode.WRITE, false)) {
            return vfs.files()
                    .with(
                            inode,
                            state -> {
                                resize(state, size);
                                return apply(call, state, change);
                            });
        }
    }

    private Attributes setOrRemoved(Call call, InodeId inode, AttributeChange change) {
        try {
            return vfs.files().with(inode, state -> apply(call, state, change));
        } catch (FsException e) {
            boolean gone = e.errno() == Errno.ENOENT || e.errno() == Errno.ESTALE;
            Attributes removed = gone ? vfs.cache().removed(inode) : null;
            if (removed == null) {
                throw e;
            }
            Attributes changed = RemovedInodes.changed(removed, change, vfs.clock().wallNs());
            vfs.cache().sawRemoved(changed);
            return changed;
        }
    }

    /** What makes room or drops bytes here before the server learns the new size. */
    private void resize(FileState state, long size) {
        long old = state.size();
        if (size > old && state.trimBound() > old) {
            vfs.data().trim(state.inode, old, state.trimBound());
            state.trimmed();
        }
        // The server must know how far the file reached to drop the chunks behind the new end.
        writeBacks.sendLocked(state);
    }

    /** Truncation within open(O_TRUNC); the state is locked, the lease in use. */
    void truncateLocked(Call call, FileState state) {
        boolean kills = !call.caller().isRoot();
        var change = new AttributeChange(null, null, null, 0L, null, null, null, 1, kills);
        resize(state, 0);
        var _ = apply(call, state, change);
    }

    private Attributes apply(Call call, FileState state, AttributeChange change) {
        state.awaitSent();
        List<Command> commands = new ArrayList<>(2);
        boolean pending = state.isOwned() && state.hasUnsentKill();
        if (pending) {
            commands.add(writeBacks.command(state.inode, state.takeUnsentKill()));
        }
        commands.add(
                vfs.commands()
                        .by(call.caller())
                        .setSetAttributes(value(state.inode, change))
                        .build());
        Attributes attributes;
        try {
            Submitted submitted = vfs.session().submit(commands);
            CommandResult result =
                    MetadataSession.orThrow(submitted.results().get(commands.size() - 1));
            attributes = AttributesCodec.decode(result.getInode());
            vfs.cache().update(attributes);
        } finally {
            state.arrived();
        }
        if (change.atimeNs() != null) {
            state.dropAccess();
        }
        if (state.isOwned()) {
            settle(state, change, attributes);
        }
        return reader.overlay(attributes);
    }

    /** FS_IOC_SETFLAGS: immutable, append-only and the like, all at once. */
    void setInodeFlags(Call call, InodeId inode, int flags) {
        call.beforeWait();
        var value = SetAttributesCommandValue.newBuilder().setInode(inode.value()).setFlags(flags);
        var command = vfs.commands().by(call.caller()).setSetAttributes(value).build();
        CommandResult result = vfs.session().submitOne(command);
        vfs.cache().update(AttributesCodec.decode(result.getInode()));
    }

    private void settle(FileState state, AttributeChange change, Attributes attributes) {
        Long size = change.size();
        if (size != null) {
            long old = state.size();
            // First the size: readers look at it again after they have read the bytes.
            state.onResized(size, attributes.mtimeNs());
            if (size < old) {
                vfs.data().truncate(state.inode, old, size);
            }
        } else if (change.mtimeNs() != null) {
            state.onTimesSet(attributes.mtimeNs());
        }
    }

    private SetAttributesCommandValue value(InodeId inode, AttributeChange change) {
        var value =
                SetAttributesCommandValue.newBuilder()
                        .setInode(inode.value())
                        .setByOpenHandle(change.handle() != 0)
                        .setKillSuidgid(change.killSuidGid());
        if (change.mode() != null) {
            value.setMode(change.mode() & 0xFFF);
        }
        if (change.uid() != null) {
            value.setUid(change.uid());
        }
        if (change.gid() != null) {
            value.setGid(change.gid());
        }
        if (change.size() != null) {
            value.setSize(change.size());
        }
        setTimes(value, change);
        return value.build();
    }

    private static void setTimes(SetAttributesCommandValue.Builder value, AttributeChange change) {
        Long atime = change.atimeNs();
        if (atime != null && atime == AttributeChange.NOW) {
            value.setAtimeNow(true);
        } else if (atime != null) {
            value.setAtimeNs(atime);
        }
        Long mtime = change.mtimeNs();
        if (mtime != null && mtime == AttributeChange.NOW) {
            value.setMtimeNow(true);
        } else if (mtime != null) {
            value.setMtimeNs(mtime);
        }
    }
}

package org.keelfs.client.vfs;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.lease.LeaseUse;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.MetadataSession.Submitted;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Attributes;
import org.keelfs.model.Capability;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;
import org.keelfs.wire.proto.MetadataProto.SetAttributesCommandValue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** setattr: modes, owners and times by a command; sizes under a WRITE lease as well. */
final class AttributeOperations {
    private static final Logger LOG = LoggerFactory.getLogger(AttributeOperations.class);

    /** Allocated space is counted in these, bytes. */
    private static final int SECTOR = 4096;

    private final VfsContext vfs;
    private final InodeReader reader;
    private final WriteBacks writeBacks;

    AttributeOperations(VfsContext vfs, InodeReader reader, WriteBacks writeBacks) {
        this.vfs = vfs;
        this.reader = reader;
        this.writeBacks = writeBacks;
    }

    Attributes set(Call call, InodeId inode, AttributeChange change) {
        Long size = change.size();
        if (size == null) {
            return setOrRemoved(call, inode, change);
        }
        call.beforeWait();
        if (size < 0 || size > FileSize.MAX_BYTES) {
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
            return setWithoutSize(call, inode, change);
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

    private Attributes setWithoutSize(Call call, InodeId inode, AttributeChange change) {
        FileState state = vfs.files().tryLocked(inode);
        if (state == null) {
            call.beforeWait();
            state = vfs.files().locked(inode);
        }
        try {
            return apply(call, state, change);
        } finally {
            vfs.files().unlock(state);
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
        boolean kills = !call.caller().has(Capability.FSETID);
        var change = new AttributeChange(null, null, null, 0L, null, null, null, 1, kills);
        resize(state, 0);
        var _ = apply(call, state, change);
    }

    private Attributes apply(Call call, FileState state, AttributeChange change) {
        if (change.size() == null && !state.isSending() && !state.hasUnsentKill()) {
            Attributes changed = tryLocal(call, state, change);
            if (changed != null) {
                return changed;
            }
        }
        call.beforeWait();
        state.awaitSent();
        try (NamespaceWriter.Flux _ = vfs.names().flux(List.of(state.inode))) {
            return submit(call, state, change);
        }
    }

    private @Nullable Attributes tryLocal(Call call, FileState state, AttributeChange change) {
        Command command =
                vfs.commands()
                        .by(call.caller())
                        .setSetAttributes(value(state.inode, change))
                        .build();
        List<CommandOutcome> outcomes = vfs.names().tryLocal(List.of(command), null);
        if (outcomes == null) {
            return null;
        }
        CommandOutcome outcome = outcomes.getFirst();
        if (outcome.errno() != null) {
            throw new FsException(outcome.errno());
        }
        Attributes attributes = outcome.inode();
        if (change.atimeNs() != null) {
            state.dropAccess();
        }
        if (attributes != null && state.isOwned()) {
            settle(state, change, attributes);
        }
        return attributes == null ? null : reader.overlay(attributes);
    }

    private Attributes submit(Call call, FileState state, AttributeChange change) {
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
            Submitted submitted = vfs.names().submit(commands);
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
        try (NamespaceWriter.Flux _ = vfs.names().flux(List.of(inode))) {
            CommandResult result = vfs.names().submitOne(command);
            vfs.cache().update(AttributesCodec.decode(result.getInode()));
        }
    }

    private void settle(FileState state, AttributeChange change, Attributes attributes) {
        Long size = change.size();
        if (size != null) {
            long old = state.size();
            // First the size: readers look at it again after they have read the bytes.
            state.onResized(size, attributes.mtimeNs(), vfs.session().volume().getChunkBytes());
            if (size < old) {
                vfs.data().truncate(state.inode, old, size);
                freeBehind(state, attributes.allocatedSectors());
            }
        } else if (change.mtimeNs() != null) {
            state.onTimesSet(attributes.mtimeNs());
        }
    }

    /**
     * Gives back what the last chunk holds behind the new end: the server drops whole chunks only.
     * Where the nodes cannot be reached the next extension does it.
     */
    private void freeBehind(FileState state, long knownSectors) {
        long size = state.size();
        try {
            if (state.trimBound() > size) {
                vfs.data().trim(state.inode, size, state.trimBound());
                state.trimmed();
            }
        } catch (FsException e) {
            LOG.info("{}: not freed yet behind its end: {}", state.inode, e.getMessage());
            return;
        }
        state.addAllocated(vfs.data().takeAllocatedDelta(state.inode));
        state.limitAllocated(knownSectors, Math.ceilDiv(size, SECTOR));
        writeBacks.note(state.inode);
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

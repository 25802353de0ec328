package org.keelfs.client.vfs;

import com.google.protobuf.ByteString;
import org.keelfs.base.Clock;
import org.keelfs.model.Caller;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.LinkCommandValue;
import org.keelfs.wire.proto.MetadataProto.PinCommandValue;
import org.keelfs.wire.proto.MetadataProto.RemoveXattrCommandValue;
import org.keelfs.wire.proto.MetadataProto.RenameCommandValue;
import org.keelfs.wire.proto.MetadataProto.SetXattrCommandValue;
import org.keelfs.wire.proto.MetadataProto.UnlinkCommandValue;

/**
 * Builds namespace commands: each carries who asks and the mount's wall clock, from which its times
 * come.
 */
record Commands(Clock clock) {
    Command.Builder by(Caller caller) {
        return Command.newBuilder()
                .setCaller(AttributesCodec.encode(caller))
                .setTimeNs(clock.wallNs());
    }

    static ByteString bytes(Name name) {
        return ByteString.copyFrom(name.bytes());
    }

    Command link(Caller caller, InodeId inode, InodeId parent, Name name) {
        return by(caller)
                .setLink(
                        LinkCommandValue.newBuilder()
                                .setInode(inode.value())
                                .setParent(parent.value())
                                .setName(bytes(name)))
                .build();
    }

    Command unlink(Caller caller, InodeId parent, Name name, boolean directory) {
        return by(caller)
                .setUnlink(
                        UnlinkCommandValue.newBuilder()
                                .setParent(parent.value())
                                .setName(bytes(name))
                                .setDirectory(directory))
                .build();
    }

    Command rename(
            Caller caller,
            InodeId oldParent,
            Name oldName,
            InodeId newParent,
            Name newName,
            int flags) {
        return by(caller)
                .setRename(
                        RenameCommandValue.newBuilder()
                                .setOldParent(oldParent.value())
                                .setOldName(bytes(oldName))
                                .setNewParent(newParent.value())
                                .setNewName(bytes(newName))
                                .setFlags(flags))
                .build();
    }

    Command pin(InodeId inode, boolean pinned) {
        return by(Caller.ROOT)
                .setPin(PinCommandValue.newBuilder().setInode(inode.value()).setPinned(pinned))
                .build();
    }

    Command setXattr(
            Caller caller, InodeId inode, Name name, byte[] value, int flags, boolean killSgid) {
        return by(caller)
                .setSetXattr(
                        SetXattrCommandValue.newBuilder()
                                .setInode(inode.value())
                                .setName(bytes(name))
                                .setValue(ByteString.copyFrom(value))
                                .setFlags(flags)
                                .setKillSgid(killSgid))
                .build();
    }

    Command removeXattr(Caller caller, InodeId inode, Name name) {
        return by(caller)
                .setRemoveXattr(
                        RemoveXattrCommandValue.newBuilder()
                                .setInode(inode.value())
                                .setName(bytes(name)))
                .build();
    }
}

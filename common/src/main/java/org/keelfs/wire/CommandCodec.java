package org.keelfs.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.CloneCommand;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.namespace.CreateCommand;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.LinkCommand;
import org.keelfs.namespace.NamespaceCommand;
import org.keelfs.namespace.PinCommand;
import org.keelfs.namespace.RemoveXattrCommand;
import org.keelfs.namespace.RenameCommand;
import org.keelfs.namespace.SetAttributesCommand;
import org.keelfs.namespace.SetXattrCommand;
import org.keelfs.namespace.TrimmedCommand;
import org.keelfs.namespace.UnlinkCommand;
import org.keelfs.namespace.WriteBackCommand;
import org.keelfs.wire.proto.MetadataProto.CloneCommandValue;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;
import org.keelfs.wire.proto.MetadataProto.CreateCommandValue;
import org.keelfs.wire.proto.MetadataProto.LinkCommandValue;
import org.keelfs.wire.proto.MetadataProto.PinCommandValue;
import org.keelfs.wire.proto.MetadataProto.RemoveXattrCommandValue;
import org.keelfs.wire.proto.MetadataProto.RenameCommandValue;
import org.keelfs.wire.proto.MetadataProto.SetAttributesCommandValue;
import org.keelfs.wire.proto.MetadataProto.SetXattrCommandValue;
import org.keelfs.wire.proto.MetadataProto.TrimmedCommandValue;
import org.keelfs.wire.proto.MetadataProto.UnlinkCommandValue;
import org.keelfs.wire.proto.MetadataProto.WriteBackCommandValue;

/** Namespace commands and their outcomes on the wire and in recorded answers. */
public final class CommandCodec {
    private CommandCodec() {}

    public static Command encode(IssuedCommand issued) {
        Command.Builder out =
                Command.newBuilder()
                        .setCaller(AttributesCodec.encode(issued.caller()))
                        .setTimeNs(issued.timeNs());
        return put(out, issued.command()).build();
    }

    /** Throws FsException(ENOSYS) for a command that this version does not know. */
    public static IssuedCommand decode(Command in) {
        return new IssuedCommand(
                AttributesCodec.decode(in.getCaller()), in.getTimeNs(), command(in));
    }

    private static Command.Builder put(Command.Builder out, NamespaceCommand<?> command) {
        return switch (command) {
            case CreateCommand c -> out.setCreate(encode(c));
            case LinkCommand c ->
                    out.setLink(
                            LinkCommandValue.newBuilder()
                                    .setInode(c.inode().value())
                                    .setParent(c.parent().value())
                                    .setName(bytes(c.name())));
            case UnlinkCommand c ->
                    out.setUnlink(
                            UnlinkCommandValue.newBuilder()
                                    .setParent(c.parent().value())
                                    .setName(bytes(c.name()))
                                    .setDirectory(c.directory()));
            case RenameCommand c -> out.setRename(encode(c));
            case SetAttributesCommand c -> out.setSetAttributes(encode(c));
            case SetXattrCommand c ->
                    out.setSetXattr(
                            SetXattrCommandValue.newBuilder()
                                    .setInode(c.inode().value())
                                    .setName(bytes(c.name()))
                                    .setValue(UnsafeByteOperations.unsafeWrap(c.value()))
                                    .setFlags(c.flags())
                                    .setKillSgid(c.killSgid()));
            case RemoveXattrCommand c ->
                    out.setRemoveXattr(
                            RemoveXattrCommandValue.newBuilder()
                                    .setInode(c.inode().value())
                                    .setName(bytes(c.name())));
            case WriteBackCommand c -> out.setWriteBack(encode(c));
            case PinCommand c ->
                    out.setPin(
                            PinCommandValue.newBuilder()
                                    .setInode(c.inode().value())
                                    .setPinned(c.pinned()));
            case TrimmedCommand c ->
                    out.setTrimmed(
                            TrimmedCommandValue.newBuilder()
                                    .setInode(c.inode().value())
                                    .setBound(c.bound()));
            case CloneCommand c ->
                    out.setClone(
                            CloneCommandValue.newBuilder()
                                    .setSource(c.source().value())
                                    .setTarget(c.target().value())
                                    .setSourceChunk(c.sourceChunk())
                                    .setTargetChunk(c.targetChunk())
                                    .setCount(c.count())
                                    .setSize(c.size())
                                    .setAllocatedDelta(c.allocatedDelta())
                                    .setKillSuidgid(c.killSuidgid()));
        };
    }

    private static CreateCommandValue encode(CreateCommand c) {
        return CreateCommandValue.newBuilder()
                .setParent(c.parent().value())
                .setName(bytes(c.name()))
                .setMode(c.mode())
                .setUmask(c.umask())
                .setRdev(c.rdev())
                .setTarget(UnsafeByteOperations.unsafeWrap(c.target()))
                .setUnnamed(c.unnamed())
                .setOpen(c.open())
                .setInode(c.inode())
                .build();
    }

    private static RenameCommandValue encode(RenameCommand c) {
        return RenameCommandValue.newBuilder()
                .setOldParent(c.oldParent().value())
                .setOldName(bytes(c.oldName()))
                .setNewParent(c.newParent().value())
                .setNewName(bytes(c.newName()))
                .setFlags(c.flags())
                .build();
    }

    private static SetAttributesCommandValue encode(SetAttributesCommand c) {
        SetAttributesCommandValue.Builder out =
                SetAttributesCommandValue.newBuilder()
                        .setInode(c.inode().value())
                        .setAtimeNow(c.atimeNow())
                        .setMtimeNow(c.mtimeNow())
                        .setByOpenHandle(c.byOpenHandle())
                        .setKillSuidgid(c.killSuidgid())
                        .setCtimeNs(c.ctimeNs());
        if (c.mode() != null) {
            out.setMode(c.mode());
        }
        if (c.uid() != null) {
            out.setUid(c.uid());
        }
        if (c.gid() != null) {
            out.setGid(c.gid());
        }
        if (c.size() != null) {
            out.setSize(c.size());
        }
        if (c.atimeNs() != null) {
            out.setAtimeNs(c.atimeNs());
        }
        if (c.mtimeNs() != null) {
            out.setMtimeNs(c.mtimeNs());
        }
        if (c.flags() != null) {
            out.setFlags(c.flags());
        }
        return out.build();
    }

    private static WriteBackCommandValue encode(WriteBackCommand c) {
        return WriteBackCommandValue.newBuilder()
                .setInode(c.inode().value())
                .setSize(c.size())
                .setMtimeNs(c.mtimeNs())
                .setAtimeNs(c.atimeNs())
                .setAllocatedDelta(c.allocatedDelta())
                .setKillSuidgid(c.killSuidgid())
                .setSizeAtLeastFromFallocate(c.fallocatedSize())
                .build();
    }

    private static NamespaceCommand<?> command(Command in) {
        return switch (in.getCommandCase()) {
            case CREATE -> decode(in.getCreate());
            case LINK -> {
                LinkCommandValue v = in.getLink();
                yield new LinkCommand(
                        new InodeId(v.getInode()), new InodeId(v.getParent()), name(v.getName()));
            }
            case UNLINK -> {
                UnlinkCommandValue v = in.getUnlink();
                yield new UnlinkCommand(
                        new InodeId(v.getParent()), name(v.getName()), v.getDirectory());
            }
            case RENAME -> decode(in.getRename());
            case SET_ATTRIBUTES -> decode(in.getSetAttributes());
            case SET_XATTR -> {
                SetXattrCommandValue v = in.getSetXattr();
                yield new SetXattrCommand(
                        new InodeId(v.getInode()),
                        name(v.getName()),
                        v.getValue().toByteArray(),
                        v.getFlags(),
                        v.getKillSgid());
            }
            case REMOVE_XATTR ->
                    new RemoveXattrCommand(
                            new InodeId(in.getRemoveXattr().getInode()),
                            name(in.getRemoveXattr().getName()));
            case WRITE_BACK -> decode(in.getWriteBack());
            case PIN ->
                    new PinCommand(new InodeId(in.getPin().getInode()), in.getPin().getPinned());
            case TRIMMED ->
                    new TrimmedCommand(
                            new InodeId(in.getTrimmed().getInode()), in.getTrimmed().getBound());
            case CLONE -> decode(in.getClone());
            case COMMAND_NOT_SET ->
                    throw new FsException(Errno.ENOSYS, "a command of an unknown kind");
        };
    }

    private static CreateCommand decode(CreateCommandValue v) {
        return new CreateCommand(
                new InodeId(v.getParent()),
                name(v.getName()),
                v.getMode(),
                v.getUmask(),
                v.getRdev(),
                v.getTarget().toByteArray(),
                v.getUnnamed(),
                v.getOpen(),
                v.getInode());
    }

    private static RenameCommand decode(RenameCommandValue v) {
        return new RenameCommand(
                new InodeId(v.getOldParent()),
                name(v.getOldName()),
                new InodeId(v.getNewParent()),
                name(v.getNewName()),
                v.getFlags());
    }

    private static SetAttributesCommand decode(SetAttributesCommandValue v) {
        return new SetAttributesCommand(
                new InodeId(v.getInode()),
                v.hasMode() ? (Integer) v.getMode() : null,
                v.hasUid() ? (Integer) v.getUid() : null,
                v.hasGid() ? (Integer) v.getGid() : null,
                v.hasSize() ? (Long) v.getSize() : null,
                v.hasAtimeNs() ? (Long) v.getAtimeNs() : null,
                v.hasMtimeNs() ? (Long) v.getMtimeNs() : null,
                v.hasFlags() ? (Integer) v.getFlags() : null,
                v.getAtimeNow(),
                v.getMtimeNow(),
                v.getByOpenHandle(),
                v.getKillSuidgid(),
                v.getCtimeNs());
    }

    private static WriteBackCommand decode(WriteBackCommandValue v) {
        return new WriteBackCommand(
                new InodeId(v.getInode()),
                v.getSize(),
                v.getMtimeNs(),
                v.getAtimeNs(),
                v.getAllocatedDelta(),
                v.getKillSuidgid(),
                v.getSizeAtLeastFromFallocate());
    }

    private static CloneCommand decode(CloneCommandValue v) {
        return new CloneCommand(
                new InodeId(v.getSource()),
                new InodeId(v.getTarget()),
                v.getSourceChunk(),
                v.getTargetChunk(),
                v.getCount(),
                v.getSize(),
                v.getAllocatedDelta(),
                v.getKillSuidgid());
    }

    public static CommandResult encode(CommandOutcome outcome) {
        CommandResult.Builder out =
                CommandResult.newBuilder().setEntryPosition(outcome.entryPosition());
        if (outcome.errno() != null) {
            out.setErrno(outcome.errno().number());
        }
        if (outcome.inode() != null) {
            out.setInode(AttributesCodec.encode(outcome.inode()));
        }
        if (outcome.parent() != null) {
            out.setParent(AttributesCodec.encode(outcome.parent()));
        }
        if (outcome.otherParent() != null) {
            out.setOtherParent(AttributesCodec.encode(outcome.otherParent()));
        }
        if (outcome.moved() != null) {
            out.setMoved(AttributesCodec.encode(outcome.moved()));
        }
        return out.build();
    }

    /** The lease of the result is not part of the outcome. */
    public static CommandOutcome decode(CommandResult in) {
        return new CommandOutcome(
                in.getErrno() == 0 ? null : Errno.of(in.getErrno()),
                attributes(in.hasInode(), in.getInode()),
                attributes(in.hasParent(), in.getParent()),
                attributes(in.hasOtherParent(), in.getOtherParent()),
                attributes(in.hasMoved(), in.getMoved()),
                in.getEntryPosition());
    }

    /** An answer as it was recorded by {@link #encode(CommandOutcome)}. */
    public static CommandResult parseResult(byte[] recorded) {
        try {
            return CommandResult.parseFrom(recorded);
        } catch (InvalidProtocolBufferException damaged) {
            throw new IllegalStateException("a recorded answer is damaged", damaged);
        }
    }

    private static @Nullable Attributes attributes(
            boolean present, org.keelfs.wire.proto.MetadataProto.Attr attr) {
        return present ? AttributesCodec.decode(attr) : null;
    }

    private static ByteString bytes(Name name) {
        return UnsafeByteOperations.unsafeWrap(name.bytes());
    }

    private static Name name(ByteString bytes) {
        return Name.of(bytes.toByteArray());
    }
}

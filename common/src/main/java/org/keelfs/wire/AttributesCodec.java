package org.keelfs.wire;

import org.keelfs.model.Attributes;
import org.keelfs.model.Caller;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.wire.proto.MetadataProto.Attr;
import org.keelfs.wire.proto.MetadataProto.CallerValue;

/** Attributes and callers on the wire. */
public final class AttributesCodec {
    /** The permission bits of st_mode, with setuid, setgid and sticky. */
    private static final int PERMISSION_BITS = 0xFFF;

    private AttributesCodec() {}

    public static Attr encode(Attributes attributes) {
        return Attr.newBuilder()
                .setInode(attributes.inode().value())
                .setMode(attributes.stMode())
                .setUid(attributes.uid())
                .setGid(attributes.gid())
                .setLinkCount(attributes.linkCount())
                .setRdev(attributes.rdev())
                .setSize(attributes.size())
                .setAllocatedSectors(attributes.allocatedSectors())
                .setAtimeNs(attributes.atimeNs())
                .setMtimeNs(attributes.mtimeNs())
                .setCtimeNs(attributes.ctimeNs())
                .setBtimeNs(attributes.btimeNs())
                .setFlags(attributes.flags())
                .setVersion(attributes.version())
                .build();
    }

    public static Attributes decode(Attr attr) {
        return new Attributes(
                new InodeId(attr.getInode()),
                FileType.ofMode(attr.getMode()),
                attr.getMode() & PERMISSION_BITS,
                attr.getUid(),
                attr.getGid(),
                attr.getLinkCount(),
                attr.getRdev(),
                attr.getSize(),
                attr.getAllocatedSectors(),
                attr.getAtimeNs(),
                attr.getMtimeNs(),
                attr.getCtimeNs(),
                attr.getBtimeNs(),
                attr.getFlags(),
                attr.getVersion());
    }

    public static CallerValue encode(Caller caller) {
        var value = CallerValue.newBuilder().setUid(caller.uid()).setGid(caller.gid());
        if (!caller.isRoot()) {
            value.setCapabilities(caller.capabilities());
        }
        for (int group : caller.groups()) {
            value.addGroups(group);
        }
        return value.build();
    }

    public static Caller decode(CallerValue value) {
        int[] groups = new int[value.getGroupsCount()];
        for (int i = 0; i < groups.length; i++) {
            groups[i] = value.getGroups(i);
        }
        return value.getUid() == 0
                ? new Caller(0, value.getGid(), groups)
                : new Caller(value.getUid(), value.getGid(), groups, value.getCapabilities());
    }
}

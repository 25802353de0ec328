package org.keelfs.metadata;

import com.google.protobuf.ByteString;
import java.util.List;
import org.keelfs.lease.LeaseMode;
import org.keelfs.lease.LeaseState;
import org.keelfs.namespace.InodePool;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.namespace.XattrRow;
import org.keelfs.wire.proto.MetadataProto;
import org.keelfs.wire.proto.MetadataProto.InodePoolValue;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;
import org.keelfs.wire.proto.MetadataProto.VolumeInfo;
import org.keelfs.wire.proto.MetadataProto.Xattr;

/** Values of the server as messages. */
final class Wire {
    private Wire() {}

    static MetadataProto.LeaseMode encode(LeaseMode mode) {
        return switch (mode) {
            case NONE -> MetadataProto.LeaseMode.NONE;
            case READ -> MetadataProto.LeaseMode.READ;
            case WRITE -> MetadataProto.LeaseMode.WRITE;
            case SHARED -> MetadataProto.LeaseMode.SHARED;
        };
    }

    static LeaseMode decode(MetadataProto.LeaseMode mode) {
        return switch (mode) {
            case READ -> LeaseMode.READ;
            case WRITE -> LeaseMode.WRITE;
            case SHARED -> LeaseMode.SHARED;
            case NONE, UNRECOGNIZED -> LeaseMode.NONE;
        };
    }

    /** A grant; the trim bound belongs to WRITE alone. */
    static LeaseGrant encode(LeaseState state, long trimBound) {
        return LeaseGrant.newBuilder()
                .setInode(state.inode().value())
                .setMode(encode(state.mode()))
                .setGeneration(state.generation())
                .setTrimBound(state.mode() == LeaseMode.WRITE ? trimBound : 0)
                .setSharedSince(state.mode() == LeaseMode.SHARED ? state.since() : 0)
                .build();
    }

    static LeaseGrant encode(LeaseState state) {
        return encode(state, 0);
    }

    static List<Xattr> encode(List<XattrRow> xattrs) {
        return xattrs.stream()
                .map(
                        row ->
                                Xattr.newBuilder()
                                        .setName(ByteString.copyFrom(row.name().bytes()))
                                        .setValue(ByteString.copyFrom(row.value()))
                                        .build())
                .toList();
    }

    static InodePoolValue encode(InodePool pool) {
        return InodePoolValue.newBuilder()
                .setNext(pool.next())
                .setEnd(pool.end())
                .setSpare(pool.spare())
                .setSpareEnd(pool.spareEnd())
                .build();
    }

    static VolumeInfo encode(VolumeRow row) {
        return VolumeInfo.newBuilder()
                .setId(row.id())
                .setName(row.name())
                .setChunkBytes(row.chunkBytes())
                .setReplicas(row.replicas())
                .setKeyring(ByteString.copyFrom(row.keyring()))
                .setRoot(row.root().value())
                .build();
    }
}

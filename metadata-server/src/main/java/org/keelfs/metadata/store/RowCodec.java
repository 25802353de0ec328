package org.keelfs.metadata.store;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.Attributes;
import org.keelfs.model.ChunkId;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.EntryRow;
import org.keelfs.namespace.GarbageRow;
import org.keelfs.namespace.InodePool;
import org.keelfs.namespace.InodeRow;
import org.keelfs.namespace.NodeRow;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.register.Digest;
import org.keelfs.register.Hint;

/**
 * Rows as bytes: a format version, then the fields in order, without what the key says. A new field
 * goes to the end under the next format version; a reader takes its default for an older row.
 */
final class RowCodec {
    private static final int FORMAT = 1;

    /**
     * Of chunks beyond index 2^31 - 1, which older programs would take for others; all else in them
     * is as before.
     */
    private static final int FORMAT_FAR_CHUNK = 2;

    private static final FileType[] TYPES = FileType.values();

    private RowCodec() {}

    static byte[] encode(InodeRow row) {
        Attributes a = row.attributes();
        return new RowWriter(FORMAT)
                .one(a.type().direntType())
                .number(a.mode())
                .number(a.uid())
                .number(a.gid())
                .number(a.linkCount())
                .number(a.rdev())
                .number(a.size())
                .number(a.allocatedSectors())
                .signed(a.btimeNs())
                .signed(a.atimeNs() - a.btimeNs())
                .signed(a.mtimeNs() - a.btimeNs())
                .signed(a.ctimeNs() - a.btimeNs())
                .number(a.flags())
                .number(a.version())
                .number(row.volume())
                .number(row.parent().value())
                .number(row.nextPosition())
                .number(row.trimBound())
                .number(row.xattrBits())
                .number(row.xattrBytes())
                .bytes(row.target())
                .flag(row.linkable())
                .done();
    }

    static InodeRow inode(InodeId id, byte[] bytes) {
        RowReader in = new RowReader(bytes, FORMAT);
        FileType type = type(in.one());
        int mode = in.integer();
        int uid = in.integer();
        int gid = in.integer();
        int links = in.integer();
        int rdev = in.integer();
        long size = in.number();
        long allocated = in.number();
        long btime = in.signed();
        long atime = in.signed() + btime;
        long mtime = in.signed() + btime;
        long ctime = in.signed() + btime;
        int flags = in.integer();
        long version = in.number();
        Attributes a =
                new Attributes(
                        id, type, mode, uid, gid, links, rdev, size, allocated, atime, mtime, ctime,
                        btime, flags, version);
        return new InodeRow(
                a,
                in.integer(),
                new InodeId(in.number()),
                in.number(),
                in.number(),
                in.integer(),
                in.integer(),
                in.bytes(),
                in.flag());
    }

    private static FileType type(int direntType) {
        for (FileType type : TYPES) {
            if (type.direntType() == direntType) {
                return type;
            }
        }
        throw new IllegalStateException("a row with file type " + direntType);
    }

    /** The value at (directory, name). */
    static byte[] encodeByName(EntryRow row) {
        return new RowWriter(FORMAT)
                .number(row.inode().value())
                .one(row.type().direntType())
                .number(row.position())
                .done();
    }

    static EntryRow entryByName(Name name, byte[] bytes) {
        RowReader in = new RowReader(bytes, FORMAT);
        return new EntryRow(name, new InodeId(in.number()), type(in.one()), in.number());
    }

    /** The value at (directory, position). */
    static byte[] encodeByPosition(EntryRow row) {
        return new RowWriter(FORMAT)
                .number(row.inode().value())
                .one(row.type().direntType())
                .bytes(row.name().bytes())
                .done();
    }

    static EntryRow entryByPosition(long position, byte[] bytes) {
        RowReader in = new RowReader(bytes, FORMAT);
        InodeId inode = new InodeId(in.number());
        FileType type = type(in.one());
        return new EntryRow(Name.of(in.bytes()), inode, type, position);
    }

    static byte[] encode(ChunkRow row) {
        RowWriter out =
                new RowWriter(row.index() > Integer.MAX_VALUE ? FORMAT_FAR_CHUNK : FORMAT)
                        .number(row.inode().value())
                        .number(row.index())
                        .number(row.epoch())
                        .flag(row.opened())
                        .number(row.createdEpoch())
                        .number(row.keyId())
                        .bytes(row.wrappedKey())
                        .number(row.membersSince())
                        .number(row.references())
                        .number(row.lastWriter())
                        .flag(row.exposed());
        put(out, row.replicas());
        Hint hint = row.hint();
        out.flag(hint != null);
        if (hint != null) {
            out.number(hint.sealed()).number(hint.digest().high()).number(hint.digest().low());
        }
        ChunkId origin = row.origin();
        if (row.frozenEpoch() != 0 || origin != null) {
            out.number(row.frozenEpoch()).flag(origin != null);
            if (origin != null) {
                out.number(origin.value());
            }
        }
        return out.done();
    }

    static ChunkRow chunk(ChunkId id, byte[] bytes) {
        RowReader in = new RowReader(bytes, FORMAT_FAR_CHUNK);
        InodeId inode = new InodeId(in.number());
        long index = in.number();
        long epoch = in.number();
        boolean opened = in.flag();
        long createdEpoch = in.number();
        long keyId = in.number();
        byte[] wrappedKey = in.bytes();
        long membersSince = in.number();
        int references = in.integer();
        long lastWriter = in.number();
        boolean exposed = in.flag();
        ReplicaSet replicas = replicas(in);
        @Nullable Hint hint =
                in.flag() ? new Hint(in.number(), new Digest(in.number(), in.number())) : null;
        // Rows of chunks that were never frozen end here, and so do those of older versions.
        long frozenEpoch = in.hasMore() ? in.number() : 0;
        @Nullable ChunkId origin = in.hasMore() && in.flag() ? new ChunkId(in.number()) : null;
        return new ChunkRow(
                id,
                inode,
                index,
                epoch,
                opened,
                createdEpoch,
                keyId,
                wrappedKey,
                replicas,
                membersSince,
                references,
                hint,
                lastWriter,
                exposed,
                frozenEpoch,
                origin);
    }

    private static void put(RowWriter out, ReplicaSet replicas) {
        out.number(replicas.size());
        for (NodeId node : replicas.nodes()) {
            out.number(node.value());
        }
    }

    private static ReplicaSet replicas(RowReader in) {
        int size = in.integer();
        List<NodeId> nodes = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            nodes.add(new NodeId(in.integer()));
        }
        return new ReplicaSet(nodes);
    }

    static byte[] encode(GarbageRow row) {
        RowWriter out =
                new RowWriter(FORMAT)
                        .flag(row.fence())
                        .number(row.fencedEpoch())
                        .number(row.epoch());
        put(out, row.replicas());
        return out.done();
    }

    static GarbageRow garbage(ChunkId id, byte[] bytes) {
        RowReader in = new RowReader(bytes, FORMAT);
        return new GarbageRow(id, in.flag(), in.number(), in.number(), replicas(in));
    }

    static byte[] encode(SessionRow row) {
        return new RowWriter(FORMAT)
                .bytes(row.mountId())
                .number(row.volume())
                .one(row.state().ordinal())
                .bytes(row.certificate())
                .number(row.answeredSequence())
                .number(row.acknowledgedSequence())
                .number(row.pool().next())
                .number(row.pool().end())
                .number(row.pool().spare())
                .number(row.pool().spareEnd())
                .done();
    }

    static SessionRow session(SessionId id, byte[] bytes) {
        RowReader in = new RowReader(bytes, FORMAT);
        return new SessionRow(
                id,
                in.bytes(),
                in.integer(),
                SessionRow.State.values()[in.one()],
                in.bytes(),
                in.number(),
                in.number(),
                in.hasMore()
                        ? new InodePool(in.number(), in.number(), in.number(), in.number())
                        : InodePool.EMPTY);
    }

    static byte[] encode(VolumeRow row) {
        return new RowWriter(FORMAT)
                .text(row.name())
                .number(row.chunkBytes())
                .number(row.replicas())
                .bytes(row.keyring())
                .number(row.root().value())
                .done();
    }

    static VolumeRow volume(int id, byte[] bytes) {
        RowReader in = new RowReader(bytes, FORMAT);
        return new VolumeRow(
                id, in.text(), in.integer(), in.integer(), in.bytes(), new InodeId(in.number()));
    }

    static byte[] encode(NodeRow row) {
        return new RowWriter(FORMAT)
                .bytes(row.storeIdentity())
                .number(row.startCounter())
                .text(row.name())
                .text(row.host())
                .number(row.port())
                .text(row.rack())
                .flag(row.replaced())
                .done();
    }

    static NodeRow node(NodeId id, byte[] bytes) {
        RowReader in = new RowReader(bytes, FORMAT);
        return new NodeRow(
                id,
                in.bytes(),
                in.number(),
                in.text(),
                in.text(),
                in.integer(),
                in.text(),
                in.flag());
    }
}

package org.keelfs.metadata.store;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.NodeId;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.Counter;
import org.keelfs.namespace.EntryRow;
import org.keelfs.namespace.GarbageRow;
import org.keelfs.namespace.InodeRow;
import org.keelfs.namespace.NodeRow;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.namespace.XattrRow;

/**
 * The tables over a key space: rows and keys to bytes and back. Shares the threading of its key
 * space.
 */
public final class RocksTables implements Tables {
    private static final byte[] ALL = {};
    private static final byte[] PRESENT = {};

    /**
     * Answers forgotten key by key; a wider range is looked at first, for a client that skipped
     * numbers.
     */
    private static final int BLIND_DELETES_MAX = 4096;

    private final KeySpace keys;

    RocksTables(KeySpace keys) {
        this.keys = keys;
    }

    @Override
    public @Nullable InodeRow inode(InodeId id) {
        byte[] value = keys.get(Family.INODE, Keys.of(id.value()));
        return value == null ? null : RowCodec.inode(id, value);
    }

    @Override
    public void putInode(InodeRow row) {
        keys.put(Family.INODE, Keys.of(row.id().value()), RowCodec.encode(row));
    }

    @Override
    public void deleteInode(InodeId id) {
        keys.delete(Family.INODE, Keys.of(id.value()));
    }

    @Override
    public @Nullable EntryRow entry(InodeId directory, Name name) {
        byte[] value = keys.get(Family.ENTRY, Keys.of(directory.value(), name.bytes()));
        return value == null ? null : RowCodec.entryByName(name, value);
    }

    @Override
    public List<EntryRow> entriesAfter(InodeId directory, long position, int limit) {
        return scan(
                Family.POSITION,
                Keys.of(directory.value()),
                Keys.of(directory.value(), position + 1),
                limit,
                (key, value) -> RowCodec.entryByPosition(Keys.longAt(key, 8), value));
    }

    @Override
    public void putEntry(InodeId directory, EntryRow row) {
        keys.put(
                Family.ENTRY,
                Keys.of(directory.value(), row.name().bytes()),
                RowCodec.encodeByName(row));
        keys.put(
                Family.POSITION,
                Keys.of(directory.value(), row.position()),
                RowCodec.encodeByPosition(row));
    }

    @Override
    public void deleteEntry(InodeId directory, EntryRow row) {
        keys.delete(Family.ENTRY, Keys.of(directory.value(), row.name().bytes()));
        keys.delete(Family.POSITION, Keys.of(directory.value(), row.position()));
    }

    @Override
    public byte @Nullable [] xattr(InodeId inode, Name name) {
        return keys.get(Family.XATTR, Keys.of(inode.value(), name.bytes()));
    }

    @Override
    public List<XattrRow> xattrs(InodeId inode) {
        byte[] prefix = Keys.of(inode.value());
        return scan(
                Family.XATTR,
                prefix,
                prefix,
                Integer.MAX_VALUE,
                (key, value) -> new XattrRow(Name.of(Keys.from(key, 8)), value));
    }

    @Override
    public void putXattr(InodeId inode, XattrRow row) {
        keys.put(Family.XATTR, Keys.of(inode.value(), row.name().bytes()), row.value());
    }

    @Override
    public void deleteXattr(InodeId inode, Name name) {
        keys.delete(Family.XATTR, Keys.of(inode.value(), name.bytes()));
    }

    @Override
    public @Nullable ChunkId chunkAt(InodeId inode, long index) {
        byte[] value = keys.get(Family.MAP, Keys.ofChunkAt(inode.value(), index));
        return value == null ? null : new ChunkId(Keys.longAt(value, 0));
    }

    @Override
    public List<ChunkPlace> chunksFrom(InodeId inode, long firstIndex, int limit) {
        return scan(
                Family.MAP,
                Keys.of(inode.value()),
                Keys.ofChunkAt(inode.value(), firstIndex),
                limit,
                (key, value) ->
                        new ChunkPlace(Keys.chunkIndex(key), new ChunkId(Keys.longAt(value, 0))));
    }

    @Override
    public void putChunkAt(InodeId inode, long index, ChunkId chunk) {
        keys.put(Family.MAP, Keys.ofChunkAt(inode.value(), index), Keys.of(chunk.value()));
    }

    @Override
    public void deleteChunkAt(InodeId inode, long index) {
        keys.delete(Family.MAP, Keys.ofChunkAt(inode.value(), index));
    }

    @Override
    public @Nullable ChunkRow chunk(ChunkId id) {
        byte[] value = keys.get(Family.CHUNK, Keys.of(id.value()));
        return value == null ? null : RowCodec.chunk(id, value);
    }

    @Override
    public List<ChunkRow> chunksAfter(long id, int limit) {
        return scan(
                Family.CHUNK,
                ALL,
                Keys.of(id + 1),
                limit,
                (key, value) -> RowCodec.chunk(new ChunkId(Keys.longAt(key, 0)), value));
    }

    @Override
    public void putChunk(ChunkRow row) {
        keys.put(Family.CHUNK, Keys.of(row.id().value()), RowCodec.encode(row));
    }

    @Override
    public void deleteChunk(ChunkId id) {
        keys.delete(Family.CHUNK, Keys.of(id.value()));
    }

    @Override
    public @Nullable GarbageRow garbage(ChunkId id) {
        byte[] value = keys.get(Family.GARBAGE, Keys.of(id.value()));
        return value == null ? null : RowCodec.garbage(id, value);
    }

    @Override
    public List<GarbageRow> garbageAfter(long id, int limit) {
        return scan(
                Family.GARBAGE,
                ALL,
                Keys.of(id + 1),
                limit,
                (key, value) -> RowCodec.garbage(new ChunkId(Keys.longAt(key, 0)), value));
    }

    @Override
    public void putGarbage(GarbageRow row) {
        keys.put(Family.GARBAGE, Keys.of(row.chunk().value()), RowCodec.encode(row));
    }

    @Override
    public void deleteGarbage(ChunkId id) {
        keys.delete(Family.GARBAGE, Keys.of(id.value()));
    }

    @Override
    public boolean isPinned(InodeId inode, SessionId session) {
        byte[] key = Keys.of(Keys.PIN_BY_INODE, inode.value(), session.value());
        return keys.get(Family.PIN, key) != null;
    }

    @Override
    public boolean isPinnedByAny(InodeId inode) {
        byte[] prefix = Keys.of(Keys.PIN_BY_INODE, inode.value());
        return !scan(Family.PIN, prefix, prefix, 1, (key, value) -> key).isEmpty();
    }

    @Override
    public List<InodeId> pinsOf(SessionId session, int limit) {
        byte[] prefix = Keys.of(Keys.PIN_BY_SESSION, session.value());
        return scan(
                Family.PIN,
                prefix,
                prefix,
                limit,
                (key, value) -> new InodeId(Keys.longAt(key, 9)));
    }

    @Override
    public void putPin(InodeId inode, SessionId session) {
        keys.put(Family.PIN, Keys.of(Keys.PIN_BY_INODE, inode.value(), session.value()), PRESENT);
        keys.put(Family.PIN, Keys.of(Keys.PIN_BY_SESSION, session.value(), inode.value()), PRESENT);
    }

    @Override
    public void deletePin(InodeId inode, SessionId session) {
        keys.delete(Family.PIN, Keys.of(Keys.PIN_BY_INODE, inode.value(), session.value()));
        keys.delete(Family.PIN, Keys.of(Keys.PIN_BY_SESSION, session.value(), inode.value()));
    }

    @Override
    public @Nullable SessionRow session(SessionId id) {
        byte[] value = keys.get(Family.SESSION, Keys.of(id.value()));
        return value == null ? null : RowCodec.session(id, value);
    }

    @Override
    public List<SessionRow> sessions() {
        return scan(
                Family.SESSION,
                ALL,
                ALL,
                Integer.MAX_VALUE,
                (key, value) -> RowCodec.session(new SessionId(Keys.longAt(key, 0)), value));
    }

    @Override
    public void putSession(SessionRow row) {
        keys.put(Family.SESSION, Keys.of(row.id().value()), RowCodec.encode(row));
    }

    @Override
    public void deleteSession(SessionId id) {
        keys.delete(Family.SESSION, Keys.of(id.value()));
    }

    @Override
    public byte @Nullable [] reply(SessionId session, long sequence) {
        return keys.get(Family.REPLY, Keys.of(session.value(), sequence));
    }

    @Override
    public void putReply(SessionId session, long sequence, byte[] encodedResult) {
        keys.put(Family.REPLY, Keys.of(session.value(), sequence), encodedResult);
    }

    @Override
    public void deleteReplies(SessionId session, long first, long end) {
        if (end - first <= BLIND_DELETES_MAX) {
            for (long sequence = first; sequence < end; sequence++) {
                keys.delete(Family.REPLY, Keys.of(session.value(), sequence));
            }
            return;
        }
        List<byte[]> present = new ArrayList<>();
        keys.scan(
                Family.REPLY,
                Keys.of(session.value()),
                Keys.of(session.value(), first),
                (key, value) -> Keys.longAt(key, 8) < end && present.add(key));
        present.forEach(key -> keys.delete(Family.REPLY, key));
    }

    @Override
    public @Nullable VolumeRow volume(int id) {
        byte[] value = keys.get(Family.CLUSTER, Keys.of(Keys.VOLUME, id));
        return value == null ? null : RowCodec.volume(id, value);
    }

    @Override
    public List<VolumeRow> volumes() {
        byte[] prefix = {Keys.VOLUME};
        return scan(
                Family.CLUSTER,
                prefix,
                prefix,
                Integer.MAX_VALUE,
                (key, value) -> RowCodec.volume(Keys.intAt(key, 1), value));
    }

    @Override
    public void putVolume(VolumeRow row) {
        keys.put(Family.CLUSTER, Keys.of(Keys.VOLUME, row.id()), RowCodec.encode(row));
    }

    @Override
    public @Nullable NodeRow node(NodeId id) {
        byte[] value = keys.get(Family.CLUSTER, Keys.of(Keys.NODE, id.value()));
        return value == null ? null : RowCodec.node(id, value);
    }

    @Override
    public List<NodeRow> nodes() {
        byte[] prefix = {Keys.NODE};
        return scan(
                Family.CLUSTER,
                prefix,
                prefix,
                Integer.MAX_VALUE,
                (key, value) -> RowCodec.node(new NodeId(Keys.intAt(key, 1)), value));
    }

    @Override
    public void putNode(NodeRow row) {
        keys.put(Family.CLUSTER, Keys.of(Keys.NODE, row.id().value()), RowCodec.encode(row));
    }

    @Override
    public long counter(Counter counter) {
        byte[] value = keys.get(Family.CLUSTER, Keys.counter(counter.ordinal()));
        return value == null ? 0 : Keys.longAt(value, 0);
    }

    @Override
    public void putCounter(Counter counter, long value) {
        keys.put(Family.CLUSTER, Keys.counter(counter.ordinal()), Keys.of(value));
    }

    private <R> List<R> scan(
            Family family,
            byte[] prefix,
            byte[] from,
            int limit,
            BiFunction<byte[], byte[], R> row) {
        List<R> rows = new ArrayList<>();
        if (limit > 0) {
            keys.scan(
                    family,
                    prefix,
                    from,
                    (key, value) -> {
                        rows.add(row.apply(key, value));
                        return rows.size() < limit;
                    });
        }
        return rows;
    }
}

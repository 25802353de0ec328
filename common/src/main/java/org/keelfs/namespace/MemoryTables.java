package org.keelfs.namespace;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.NodeId;
import org.keelfs.model.SessionId;

/**
 * Tables in memory: the client's namespace write-back and the tests. Confined to its owner's
 * thread.
 */
public final class MemoryTables implements Tables {
    private static final InodeId NO_INODE = new InodeId(0);

    private final NavigableMap<InodeId, InodeRow> inodes = new TreeMap<>();
    private final NavigableMap<InodeId, Directory> directories = new TreeMap<>();
    private final NavigableMap<InodeId, NavigableMap<Name, XattrRow>> xattrs = new TreeMap<>();
    private final NavigableMap<InodeId, NavigableMap<Long, ChunkId>> chunkMaps = new TreeMap<>();
    private final NavigableMap<ChunkId, ChunkRow> chunks = new TreeMap<>();
    private final NavigableMap<ChunkId, GarbageRow> garbage = new TreeMap<>();
    private final NavigableMap<InodeId, NavigableMap<SessionId, InodeId>> pins = new TreeMap<>();
    private final NavigableMap<SessionId, NavigableMap<InodeId, SessionId>> pinsBySession =
            new TreeMap<>();
    private final NavigableMap<SessionId, SessionRow> sessions = new TreeMap<>();
    private final NavigableMap<SessionId, NavigableMap<Long, byte[]>> replies = new TreeMap<>();
    private final NavigableMap<Integer, VolumeRow> volumes = new TreeMap<>();
    private final NavigableMap<NodeId, NodeRow> nodes = new TreeMap<>();
    private final EnumMap<Counter, Long> counters = new EnumMap<>(Counter.class);

    private static final class Directory {
        final NavigableMap<Name, EntryRow> byName = new TreeMap<>();
        final NavigableMap<Long, EntryRow> byPosition = new TreeMap<>();
    }

    @Override
    public @Nullable InodeRow inode(InodeId id) {
        return inodes.get(id);
    }

    /** All inodes, for tests and checks of whole namespaces. */
    public List<InodeRow> inodes() {
        return new ArrayList<>(inodes.values());
    }

    @Override
    public void putInode(InodeRow row) {
        inodes.put(row.id(), row);
    }

    @Override
    public void deleteInode(InodeId id) {
        inodes.remove(id);
    }

    @Override
    public @Nullable EntryRow entry(InodeId directory, Name name) {
        Directory d = directories.get(directory);
        return d == null ? null : d.byName.get(name);
    }

    @Override
    public List<EntryRow> entriesAfter(InodeId directory, long position, int limit) {
        Directory d = directories.get(directory);
        return d == null ? List.of() : first(d.byPosition.tailMap(position, false), limit);
    }

    @Override
    public void putEntry(InodeId directory, EntryRow row) {
        Directory d = directories.computeIfAbsent(directory, id -> new Directory());
        d.byName.put(row.name(), row);
        d.byPosition.put(row.position(), row);
    }

    @Override
    public void deleteEntry(InodeId directory, EntryRow row) {
        Directory d = directories.get(directory);
        if (d == null) {
            return;
        }
        d.byName.remove(row.name());
        d.byPosition.remove(row.position());
        if (d.byName.isEmpty()) {
            directories.remove(directory);
        }
    }

    @Override
    public byte @Nullable [] xattr(InodeId inode, Name name) {
        NavigableMap<Name, XattrRow> ofInode = xattrs.get(inode);
        XattrRow row = ofInode == null ? null : ofInode.get(name);
        return row == null ? null : row.value();
    }

    @Override
    public List<XattrRow> xattrs(InodeId inode) {
        NavigableMap<Name, XattrRow> ofInode = xattrs.get(inode);
        return ofInode == null ? List.of() : new ArrayList<>(ofInode.values());
    }

    @Override
    public void putXattr(InodeId inode, XattrRow row) {
        xattrs.computeIfAbsent(inode, id -> new TreeMap<>()).put(row.name(), row);
    }

    @Override
    public void deleteXattr(InodeId inode, Name name) {
        removeFrom(xattrs, inode, name);
    }

    @Override
    public @Nullable ChunkId chunkAt(InodeId inode, long index) {
        NavigableMap<Long, ChunkId> map = chunkMaps.get(inode);
        return map == null ? null : map.get(index);
    }

    @Override
    public List<ChunkPlace> chunksFrom(InodeId inode, long firstIndex, int limit) {
        NavigableMap<Long, ChunkId> map = chunkMaps.get(inode);
        List<ChunkPlace> places = new ArrayList<>();
        if (map != null) {
            map.tailMap(firstIndex, true).entrySet().stream()
                    .limit(limit)
                    .forEach(e -> places.add(new ChunkPlace(e.getKey(), e.getValue())));
        }
        return places;
    }

    @Override
    public void putChunkAt(InodeId inode, long index, ChunkId chunk) {
        chunkMaps.computeIfAbsent(inode, id -> new TreeMap<>()).put(index, chunk);
    }

    @Override
    public void deleteChunkAt(InodeId inode, long index) {
        removeFrom(chunkMaps, inode, index);
    }

    @Override
    public @Nullable ChunkRow chunk(ChunkId id) {
        return chunks.get(id);
    }

    @Override
    public List<ChunkRow> chunksAfter(long id, int limit) {
        return first(chunks.tailMap(new ChunkId(id), false), limit);
    }

    @Override
    public void putChunk(ChunkRow row) {
        chunks.put(row.id(), row);
    }

    @Override
    public void deleteChunk(ChunkId id) {
        chunks.remove(id);
    }

    @Override
    public @Nullable GarbageRow garbage(ChunkId id) {
        return garbage.get(id);
    }

    @Override
    public List<GarbageRow> garbageAfter(long id, int limit) {
        return first(garbage.tailMap(new ChunkId(id), false), limit);
    }

    @Override
    public void putGarbage(GarbageRow row) {
        garbage.put(row.chunk(), row);
    }

    @Override
    public void deleteGarbage(ChunkId id) {
        garbage.remove(id);
    }

    @Override
    public boolean isPinned(InodeId inode, SessionId session) {
        NavigableMap<SessionId, InodeId> holders = pins.get(inode);
        return holders != null && holders.containsKey(session);
    }

    @Override
    public boolean isPinnedByAny(InodeId inode) {
        return pins.containsKey(inode);
    }

    @Override
    public List<InodeId> pinsOf(SessionId session, int limit) {
        NavigableMap<InodeId, SessionId> held = pinsBySession.get(session);
        return held == null
                ? List.of()
                : held.tailMap(NO_INODE, true).keySet().stream().limit(limit).toList();
    }

    @Override
    public void putPin(InodeId inode, SessionId session) {
        pins.computeIfAbsent(inode, id -> new TreeMap<>()).put(session, inode);
        pinsBySession.computeIfAbsent(session, id -> new TreeMap<>()).put(inode, session);
    }

    @Override
    public void deletePin(InodeId inode, SessionId session) {
        removeFrom(pins, inode, session);
        removeFrom(pinsBySession, session, inode);
    }

    @Override
    public @Nullable SessionRow session(SessionId id) {
        return sessions.get(id);
    }

    @Override
    public List<SessionRow> sessions() {
        return new ArrayList<>(sessions.values());
    }

    @Override
    public void putSession(SessionRow row) {
        sessions.put(row.id(), row);
    }

    @Override
    public void deleteSession(SessionId id) {
        sessions.remove(id);
    }

    @Override
    public byte @Nullable [] reply(SessionId session, long sequence) {
        NavigableMap<Long, byte[]> ofSession = replies.get(session);
        return ofSession == null ? null : ofSession.get(sequence);
    }

    @Override
    public void putReply(SessionId session, long sequence, byte[] encodedResult) {
        replies.computeIfAbsent(session, id -> new TreeMap<>()).put(sequence, encodedResult);
    }

    @Override
    public void deleteReplies(SessionId session, long first, long end) {
        NavigableMap<Long, byte[]> ofSession = replies.get(session);
        if (ofSession != null) {
            ofSession.subMap(first, true, end, false).clear();
            if (ofSession.isEmpty()) {
                replies.remove(session);
            }
        }
    }

    @Override
    public @Nullable VolumeRow volume(int id) {
        return volumes.get(id);
    }

    @Override
    public List<VolumeRow> volumes() {
        return new ArrayList<>(volumes.values());
    }

    @Override
    public void putVolume(VolumeRow row) {
        volumes.put(row.id(), row);
    }

    @Override
    public @Nullable NodeRow node(NodeId id) {
        return nodes.get(id);
    }

    @Override
    public List<NodeRow> nodes() {
        return new ArrayList<>(nodes.values());
    }

    @Override
    public void putNode(NodeRow row) {
        nodes.put(row.id(), row);
    }

    @Override
    public long counter(Counter counter) {
        return counters.getOrDefault(counter, 0L);
    }

    @Override
    public void putCounter(Counter counter, long value) {
        counters.put(counter, value);
    }

    private static <K, V> List<V> first(NavigableMap<K, V> rows, int limit) {
        return rows.values().stream().limit(limit).toList();
    }

    private static <O, I, V> void removeFrom(
            NavigableMap<O, NavigableMap<I, V>> rows, O outer, I inner) {
        NavigableMap<I, V> inside = rows.get(outer);
        if (inside != null) {
            inside.remove(inner);
            if (inside.isEmpty()) {
                rows.remove(outer);
            }
        }
    }
}

package org.keelfs.client.namespace;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.cache.CachedDirectory;
import org.keelfs.client.cache.CachedDirectory.Child;
import org.keelfs.client.cache.CachedDirectory.Listed;
import org.keelfs.client.cache.CachedInode;
import org.keelfs.client.cache.MetadataCache;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Attributes;
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
import org.keelfs.namespace.Xattrs;

/**
 * The tables as far as this mount knows them under its leases, for one run of commands. Reading a
 * row that is not known, or changing one that is not held for writing, throws {@link NotKnown};
 * changes are kept apart until {@link #commit}. Confined to one thread, under the lock of the
 * writer.
 *
 * <p>Chunks are not known and not needed: commands drop them, and no outcome shows them. Pins of
 * other sessions are not known either: an inode that they keep alive is gone for this mount.
 */
final class NamespaceView implements Tables {
    private final MetadataCache cache;
    private final KnownRows known;
    private final VolumeRow volume;
    private final Set<InodeId> pinsBefore;

    /** Whether the directory of a directory matters: a rename to another one walks upwards. */
    private final boolean walksUp;

    private final Map<InodeId, @Nullable InodeRow> inodes = new LinkedHashMap<>();
    private final Map<InodeId, Map<Name, EntryRow>> added = new LinkedHashMap<>();
    private final Map<InodeId, Map<Name, EntryRow>> removed = new LinkedHashMap<>();
    private final Map<InodeId, Map<Name, byte[]>> xattrs = new LinkedHashMap<>();
    private final Map<InodeId, Boolean> pins = new LinkedHashMap<>();
    private final Set<InodeId> touched = new LinkedHashSet<>();
    private SessionRow session;
    private final @Nullable InodeId making;

    /**
     * @param session with the numbers that are left
     * @param pinsBefore inodes that this session has pinned
     * @param making number that a command of this run gives to a new inode, or null
     */
    NamespaceView(
            MetadataCache cache,
            KnownRows known,
            VolumeRow volume,
            SessionRow session,
            Set<InodeId> pinsBefore,
            @Nullable InodeId making,
            boolean walksUp) {
        this.cache = cache;
        this.known = known;
        this.volume = volume;
        this.session = session;
        this.pinsBefore = pinsBefore;
        this.making = making;
        this.walksUp = walksUp;
    }

    private void require(boolean isKnown) {
        if (!isKnown) {
            throw NotKnown.INSTANCE;
        }
    }

    private void requireWrite(InodeId id) {
        touched.add(id);
        require(id.equals(making) || known.covers(id, LeaseMode.WRITE));
    }

    // ---- inodes

    @Override
    public @Nullable InodeRow inode(InodeId id) {
        if (inodes.containsKey(id)) {
            return inodes.get(id);
        }
        touched.add(id);
        require(known.covers(id, LeaseMode.READ));
        CachedInode cached = cache.inode(id);
        Map<Name, byte[]> all = cached == null ? null : cached.xattrs();
        if (cached == null || all == null) {
            throw NotKnown.INSTANCE;
        }
        Attributes a = cached.attributes();
        // Whether a file without a name may get one again is not known here.
        require(a.linkCount() > 0);
        CachedDirectory directory = a.isDirectory() ? cache.directoryIfPresent(id) : null;
        InodeId parent = directory == null ? null : directory.parent();
        require(!walksUp || !a.isDirectory() || parent != null);
        byte[] target = cached.symlinkTarget();
        return new InodeRow(
                a,
                volume.id(),
                parent == null ? new InodeId(0) : parent,
                directory == null ? 0 : directory.nextPosition(),
                0,
                Xattrs.bitsOf(all.keySet()),
                bytesOf(all),
                target == null ? InodeRow.NO_TARGET : target,
                false);
    }

    private static int bytesOf(Map<Name, byte[]> all) {
        int bytes = 0;
        for (Map.Entry<Name, byte[]> xattr : all.entrySet()) {
            bytes += xattr.getKey().length() + xattr.getValue().length;
        }
        return bytes;
    }

    @Override
    public void putInode(InodeRow row) {
        requireWrite(row.id());
        inodes.put(row.id(), row);
    }

    @Override
    public void deleteInode(InodeId id) {
        requireWrite(id);
        inodes.put(id, null);
    }

    // ---- entries

    private CachedDirectory directory(InodeId id) {
        touched.add(id);
        require(known.covers(id, LeaseMode.READ));
        CachedDirectory directory = cache.directoryIfPresent(id);
        if (directory == null) {
            throw NotKnown.INSTANCE;
        }
        return directory;
    }

    @Override
    public @Nullable EntryRow entry(InodeId id, Name name) {
        Map<Name, EntryRow> put = added.get(id);
        EntryRow changed = put == null ? null : put.get(name);
        if (changed != null) {
            return changed;
        }
        if (isRemoved(id, name)) {
            return null;
        }
        Child child = directory(id).find(name);
        if (child == null) {
            throw NotKnown.INSTANCE;
        }
        if (CachedDirectory.isAbsence(child)) {
            return null;
        }
        require(child.position() > 0);
        return new EntryRow(name, child.inode(), child.type(), child.position());
    }

    private boolean isRemoved(InodeId id, Name name) {
        Map<Name, EntryRow> gone = removed.get(id);
        return gone != null && gone.containsKey(name);
    }

    /** Commands only ask whether there is any. */
    @Override
    public List<EntryRow> entriesAfter(InodeId id, long position, int limit) {
        require(position == 0 && limit == 1 && !added.containsKey(id) && !removed.containsKey(id));
        CachedDirectory directory = directory(id);
        Listed first = directory.after(0);
        require(first != null || directory.isComplete());
        if (first == null) {
            return List.of();
        }
        Child child = first.child();
        return List.of(new EntryRow(first.name(), child.inode(), child.type(), child.position()));
    }

    @Override
    public void putEntry(InodeId id, EntryRow row) {
        requireWrite(id);
        // Without the directory's counter no new entry can be placed.
        require(row.position() > 0);
        added.computeIfAbsent(id, _ -> new LinkedHashMap<>()).put(row.name(), row);
        Map<Name, EntryRow> gone = removed.get(id);
        if (gone != null) {
            gone.remove(row.name());
        }
    }

    @Override
    public void deleteEntry(InodeId id, EntryRow row) {
        requireWrite(id);
        removed.computeIfAbsent(id, _ -> new LinkedHashMap<>()).put(row.name(), row);
        Map<Name, EntryRow> put = added.get(id);
        if (put != null) {
            put.remove(row.name());
        }
    }

    // ---- extended attributes

    private Map<Name, byte[]> xattrsOf(InodeId id) {
        Map<Name, byte[]> changed = xattrs.get(id);
        if (changed != null) {
            return changed;
        }
        if (id.equals(making)) {
            return Map.of();
        }
        touched.add(id);
        require(known.covers(id, LeaseMode.READ));
        CachedInode cached = cache.inode(id);
        Map<Name, byte[]> all = cached == null ? null : cached.xattrs();
        if (all == null) {
            throw NotKnown.INSTANCE;
        }
        return all;
    }

    @Override
    public byte @Nullable [] xattr(InodeId id, Name name) {
        return xattrsOf(id).get(name);
    }

    @Override
    public List<XattrRow> xattrs(InodeId id) {
        List<XattrRow> rows = new ArrayList<>();
        new TreeMap<>(xattrsOf(id)).forEach((name, value) -> rows.add(new XattrRow(name, value)));
        return rows;
    }

    private Map<Name, byte[]> changing(InodeId id) {
        requireWrite(id);
        Map<Name, byte[]> before = xattrsOf(id);
        return xattrs.computeIfAbsent(id, _ -> new LinkedHashMap<>(before));
    }

    @Override
    public void putXattr(InodeId id, XattrRow row) {
        changing(id).put(row.name(), row.value());
    }

    @Override
    public void deleteXattr(InodeId id, Name name) {
        changing(id).remove(name);
    }

    // ---- pins, session, volume

    @Override
    public boolean isPinned(InodeId id, SessionId by) {
        Boolean changed = pins.get(id);
        return changed != null ? changed : pinsBefore.contains(id);
    }

    @Override
    public boolean isPinnedByAny(InodeId id) {
        return isPinned(id, session.id());
    }

    @Override
    public void putPin(InodeId id, SessionId by) {
        pins.put(id, true);
    }

    @Override
    public void deletePin(InodeId id, SessionId by) {
        pins.put(id, false);
    }

    @Override
    public SessionRow session(SessionId id) {
        return session;
    }

    @Override
    public void putSession(SessionRow row) {
        session = row;
    }

    @Override
    public VolumeRow volume(int id) {
        return volume;
    }

    // ---- what outcomes do not show

    @Override
    public @Nullable ChunkId chunkAt(InodeId inode, long index) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public List<ChunkPlace> chunksFrom(InodeId inode, long firstIndex, int limit) {
        return List.of();
    }

    @Override
    public long counter(Counter counter) {
        require(counter != Counter.INODE);
        return 0;
    }

    @Override
    public void putCounter(Counter counter, long value) {
        require(counter != Counter.INODE);
    }

    @Override
    public void putChunkAt(InodeId inode, long index, ChunkId chunk) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public void deleteChunkAt(InodeId inode, long index) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public @Nullable ChunkRow chunk(ChunkId id) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public List<ChunkRow> chunksAfter(long id, int limit) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public void putChunk(ChunkRow row) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public void deleteChunk(ChunkId id) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public @Nullable GarbageRow garbage(ChunkId id) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public List<GarbageRow> garbageAfter(long id, int limit) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public void putGarbage(GarbageRow row) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public void deleteGarbage(ChunkId id) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public List<InodeId> pinsOf(SessionId by, int limit) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public List<SessionRow> sessions() {
        throw NotKnown.INSTANCE;
    }

    @Override
    public void deleteSession(SessionId id) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public byte @Nullable [] reply(SessionId by, long sequence) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public void putReply(SessionId by, long sequence, byte[] encodedResult) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public void deleteReplies(SessionId by, long first, long end) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public List<VolumeRow> volumes() {
        throw NotKnown.INSTANCE;
    }

    @Override
    public void putVolume(VolumeRow row) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public @Nullable NodeRow node(NodeId id) {
        throw NotKnown.INSTANCE;
    }

    @Override
    public List<NodeRow> nodes() {
        throw NotKnown.INSTANCE;
    }

    @Override
    public void putNode(NodeRow row) {
        throw NotKnown.INSTANCE;
    }

    // ---- the end of a run

    /** Inodes that the run read or changed. */
    List<InodeId> touched() {
        return List.copyOf(touched);
    }

    /** The session with the numbers that are left. */
    SessionRow session() {
        return session;
    }

    /** Inodes pinned (true) and let go (false). */
    Map<InodeId, Boolean> pinsChanged() {
        return pins;
    }

    /** Makes the changes what the cache shows. */
    void commit() {
        inodes.forEach(this::commitInode);
        Set<InodeId> directories = new LinkedHashSet<>(added.keySet());
        directories.addAll(removed.keySet());
        directories.forEach(this::commitEntries);
    }

    private void commitInode(InodeId id, @Nullable InodeRow row) {
        if (row == null) {
            cache.forget(id);
            return;
        }
        Map<Name, byte[]> changed = xattrs.get(id);
        boolean made = id.equals(making);
        byte[] target = row.target().length == 0 ? null : row.target();
        cache.replace(
                new CachedInode(
                        row.attributes(), changed == null && made ? Map.of() : changed, target));
        if (row.isDirectory() && made) {
            cache.learnNewDirectory(id, row.parent());
        } else if (row.isDirectory() && row.parent().value() != 0) {
            CachedDirectory directory = cache.directoryIfPresent(id);
            if (directory != null) {
                directory.learnParent(row.parent());
            }
        }
    }

    private void commitEntries(InodeId id) {
        CachedDirectory directory = cache.directory(id);
        InodeRow row = inodes.get(id);
        directory.beginChange();
        try {
            removed.getOrDefault(id, Map.of()).keySet().forEach(directory::putAbsence);
            added.getOrDefault(id, Map.of())
                    .forEach(
                            (name, e) -> {
                                directory.put(name, new Child(e.inode(), e.type(), e.position()));
                                cache.sawAt(e.inode(), id, name);
                            });
            if (row != null) {
                directory.nextPosition(row.nextPosition());
            }
        } finally {
            directory.endChange();
        }
        CachedDirectory now = cache.directoryIfPresent(id);
        if (now != null && now != directory) {
            // Read again from the server meanwhile: what it learnt is from before the change.
            cache.forgetDirectory(id);
        }
    }
}

package org.keelfs.client.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * Attributes, xattrs and directory entries, filled under leases and emptied by recalls. Knows no
 * lease itself: who reads it makes sure of one. Thread-safe; bounded by counts.
 */
public final class MetadataCache {
    /** Names remembered for messages, about 150 bytes each. */
    private static final int PLACES_MAX = 50_000;

    /** Removed inodes that somebody may still look at, about 150 bytes each. */
    private static final int REMOVED_MAX = 1_000;

    /** Deeper paths are shown without their beginning. */
    private static final int DEPTH_MAX = 40;

    /**
     * Entries of all directories together, some 250 bytes of heap each. A walk through a tree of
     * any size, or into directories of any size, keeps no more.
     */
    static final int ENTRIES_MAX = 250_000;

    /** Directories that are looked at together when there are too many entries. */
    private static final int COLDEST = 64;

    private final AtomicLong entries = new AtomicLong();
    private final Cache<InodeId, CachedInode> inodes;
    private final Cache<InodeId, CachedDirectory> directories;

    /** Where an inode was last seen; for messages only, so it may be wrong. */
    private final Cache<InodeId, Place> places;

    private final Cache<InodeId, Attributes> removed;

    private record Place(InodeId parent, Name name) {}

    /**
     * @param inodesMax inodes kept: about 400 bytes each here, and 600 more with entry, lease and
     *     state
     * @param directoriesMax directories kept
     */
    public MetadataCache(long inodesMax, long directoriesMax) {
        this.inodes = Caffeine.newBuilder().maximumSize(inodesMax).build();
        this.places = Caffeine.newBuilder().maximumSize(PLACES_MAX).build();
        this.removed = Caffeine.newBuilder().maximumSize(REMOVED_MAX).build();
        this.directories =
                Caffeine.newBuilder()
                        .maximumSize(directoriesMax)
                        .executor(Runnable::run)
                        .removalListener(
                                (@Nullable InodeId _,
                                        @Nullable CachedDirectory gone,
                                        RemovalCause _) -> {
                                    if (gone != null) {
                                        gone.drop();
                                    }
                                })
                        .build();
    }

    public @Nullable CachedInode inode(InodeId inode) {
        return inodes.getIfPresent(inode);
    }

    /** Keeps an inode, unless what is kept is newer; knowledge of xattrs and target stays. */
    public void learn(CachedInode learned) {
        inodes.asMap()
                .merge(
                        learned.attributes().inode(),
                        learned,
                        (old, fresh) -> {
                            if (fresh.attributes().version() < old.attributes().version()) {
                                return old;
                            }
                            return new CachedInode(
                                    fresh.attributes(),
                                    fresh.xattrs() == null ? old.xattrs() : fresh.xattrs(),
                                    fresh.symlinkTarget() == null
                                            ? old.symlinkTarget()
                                            : fresh.symlinkTarget());
                        });
    }

    /**
     * This mount's own change under WRITE, which nothing else can be newer than; what it does not
     * say of xattrs and target stays.
     */
    public void replace(CachedInode changed) {
        inodes.asMap()
                .merge(
                        changed.attributes().inode(),
                        changed,
                        (old, fresh) ->
                                new CachedInode(
                                        fresh.attributes(),
                                        fresh.xattrs() == null ? old.xattrs() : fresh.xattrs(),
                                        fresh.symlinkTarget() == null
                                                ? old.symlinkTarget()
                                                : fresh.symlinkTarget()));
    }

    /** Replaces the attributes of an inode that is kept, unless what is kept is newer. */
    public void update(Attributes attributes) {
        inodes.asMap().computeIfPresent(attributes.inode(), (id, old) -> old.with(attributes));
    }

    public void forgetInode(InodeId inode) {
        inodes.invalidate(inode);
    }

    /** Remembers how an inode was that this mount removed, with no link. */
    public void sawRemoved(Attributes last) {
        removed.put(
                last.inode(),
                new Attributes(
                        last.inode(),
                        last.type(),
                        last.mode(),
                        last.uid(),
                        last.gid(),
                        0,
                        last.rdev(),
                        last.size(),
                        last.allocatedSectors(),
                        last.atimeNs(),
                        last.mtimeNs(),
                        last.ctimeNs(),
                        last.btimeNs(),
                        last.flags(),
                        last.version()));
    }

    /** How it was, if this mount removed it not long ago. */
    public @Nullable Attributes removed(InodeId inode) {
        return removed.getIfPresent(inode);
    }

    /** Remembers a name for messages. */
    public void sawAt(InodeId inode, InodeId parent, Name name) {
        places.put(inode, new Place(parent, name));
    }

    /**
     * Path of an inode within the volume for messages, as far as it is remembered, and its number.
     */
    public String describe(InodeId inode) {
        String path = "";
        Place place = places.getIfPresent(inode);
        for (int depth = 0; place != null && depth < DEPTH_MAX; depth++) {
            path = "/" + place.name + path;
            place = places.getIfPresent(place.parent);
        }
        return path.isEmpty() ? inode.toString() : path + " (" + inode + ")";
    }

    public @Nullable CachedDirectory directoryIfPresent(InodeId inode) {
        return directories.getIfPresent(inode);
    }

    public CachedDirectory directory(InodeId inode) {
        if (entries.get() > ENTRIES_MAX) {
            shrink(inode);
        }
        return directories.get(inode, id -> new CachedDirectory(entries));
    }

    /** Makes room, of directories that were not used for long first. */
    private void shrink(InodeId inUse) {
        long wanted = ENTRIES_MAX / 4 * 3;
        directories.policy().eviction().stream()
                .flatMap(eviction -> eviction.coldest(COLDEST).entrySet().stream())
                .filter(entry -> !entry.getKey().equals(inUse))
                .takeWhile(_ -> entries.get() > wanted)
                .forEach(entry -> entry.getValue().shrink());
        if (entries.get() > ENTRIES_MAX) {
            // Those were small; which of the others goes does not matter.
            directories.asMap().entrySet().stream()
                    .filter(entry -> !entry.getKey().equals(inUse))
                    .takeWhile(_ -> entries.get() > wanted)
                    .forEach(entry -> entry.getValue().shrink());
        }
    }

    /** Of all directories; for tests. */
    long entryCount() {
        return entries.get();
    }

    /** This mount just made the directory and holds a lease on it. */
    public void learnNewDirectory(InodeId inode, InodeId parent) {
        directories.put(inode, CachedDirectory.newlyMade(parent, entries));
    }

    public void forgetDirectory(InodeId inode) {
        directories.invalidate(inode);
    }

    /** Empties all that a lease on the inode covered. */
    public void forget(InodeId inode) {
        inodes.invalidate(inode);
        directories.invalidate(inode);
    }

    public void clear() {
        inodes.invalidateAll();
        directories.invalidateAll();
    }
}

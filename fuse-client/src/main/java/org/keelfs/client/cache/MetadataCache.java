package org.keelfs.client.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;

/**
 * Attributes, xattrs and directory entries, filled under leases and emptied by recalls. Knows no lease itself: who
 * reads it makes sure of one. Thread-safe; bounded by counts.
 */
public final class MetadataCache {
    private final Cache<InodeId, CachedInode> inodes;
    private final Cache<InodeId, CachedDirectory> directories;

    /**
     * @param inodesMax inodes kept, about 400 bytes each
     * @param directoriesMax directories kept
     */
    public MetadataCache(long inodesMax, long directoriesMax) {
        this.inodes = Caffeine.newBuilder().maximumSize(inodesMax).build();
        this.directories = Caffeine.newBuilder().maximumSize(directoriesMax).build();
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

    /** Replaces the attributes of an inode that is kept, unless what is kept is newer. */
    public void update(Attributes attributes) {
        inodes.asMap().computeIfPresent(attributes.inode(), (id, old) -> old.with(attributes));
    }

    public void forgetInode(InodeId inode) {
        inodes.invalidate(inode);
    }

    public @Nullable CachedDirectory directoryIfPresent(InodeId inode) {
        return directories.getIfPresent(inode);
    }

    public CachedDirectory directory(InodeId inode) {
        return directories.get(inode, id -> new CachedDirectory());
    }

    /** This mount just made the directory and holds a lease on it. */
    public void learnNewDirectory(InodeId inode, InodeId parent) {
        directories.put(inode, CachedDirectory.newlyMade(parent));
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

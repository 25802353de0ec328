package org.keelfs.client.vfs;

import java.util.LinkedHashMap;
import java.util.Map;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.CachedDirectory;
import org.keelfs.client.lease.LeaseUse;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When a mount takes an existing directory over, so that its names are made and removed here: at
 * the second change within a short while, unless another session has just asked for it. Then the
 * WRITE lease is got and the names are read. Directories made here are held from the start. Guarded
 * by itself, never while waiting.
 */
final class Adoption {
    private static final Logger LOG = LoggerFactory.getLogger(Adoption.class);

    /** Two changes this close together are taken for the beginning of many. */
    private static final long TOGETHER_NS = 2_000_000_000L;

    /**
     * So long a directory that another session asked for is changed by the server: longer than two
     * mounts that work in one directory take turns, short for who works alone again.
     */
    private static final long CONTENDED_NS = 5_000_000_000L;

    /** Directories remembered; about 100 bytes each. */
    private static final int REMEMBERED_MAX = 10_000;

    /** Changes of one directory as they came. */
    private static final class Seen {
        long lastChangeNs = Long.MIN_VALUE / 2;
        long returnedNs = Long.MIN_VALUE / 2;
    }

    private final VfsContext vfs;
    private final DirectoryOperations directories;
    private final Map<InodeId, Seen> seen =
            new LinkedHashMap<>() {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<InodeId, Seen> eldest) {
                    return size() > REMEMBERED_MAX;
                }
            };

    Adoption(VfsContext vfs, DirectoryOperations directories) {
        this.vfs = vfs;
        this.directories = directories;
    }

    /** A directory is about to be changed: takes it over where that is worth it. */
    void beforeChange(Call call, InodeId directory) {
        if (!vfs.names().isEnabled() || isHeld(directory)) {
            return;
        }
        long now = System.nanoTime();
        synchronized (this) {
            Seen s = seen.computeIfAbsent(directory, _ -> new Seen());
            if (now - s.returnedNs < CONTENDED_NS) {
                return;
            }
            if (now - s.lastChangeNs > TOGETHER_NS) {
                // The same call may come again on a thread that may wait: it is the same change.
                s.lastChangeNs = call.mayBlock() ? now : s.lastChangeNs;
                return;
            }
        }
        call.beforeWait();
        adopt(directory);
    }

    private boolean isHeld(InodeId directory) {
        CachedDirectory cached = vfs.cache().directoryIfPresent(directory);
        return cached != null
                && cached.nextPosition() > 0
                && vfs.leases().covers(directory, LeaseMode.WRITE);
    }

    private void adopt(InodeId directory) {
        try {
            LeaseUse use = vfs.leases().use(directory, LeaseMode.WRITE, false);
            use.close();
            directories.load(directory);
        } catch (FsException e) {
            // The change itself will say so, or does not need it.
            LOG.debug("{} is not taken over: {}", directory, e.getMessage());
        }
    }

    /** A lease goes back. */
    void onReturned(InodeId inode, LeaseMode held) {
        if (held != LeaseMode.WRITE) {
            return;
        }
        CachedDirectory cached = vfs.cache().directoryIfPresent(inode);
        if (cached != null) {
            synchronized (this) {
                seen.computeIfAbsent(inode, _ -> new Seen()).returnedNs = System.nanoTime();
            }
        }
    }
}

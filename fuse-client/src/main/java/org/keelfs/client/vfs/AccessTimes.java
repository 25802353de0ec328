package org.keelfs.client.vfs;

import org.keelfs.client.cache.CachedInode;
import org.keelfs.client.vfs.Handles.FileHandle;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;

/**
 * Access times by relatime, as relatime_need_update of fs/inode.c has it, for reads that reach the
 * daemon. They are kept in the inode's state, shown to programs of this mount at once, and told to
 * the server in the background, so that a read costs no round trip. A lease that goes takes along
 * what was not told; under WRITE it is told before.
 */
final class AccessTimes {
    /** After this long an access is noted although the file has not changed since the last. */
    private static final long DAY_NS = 24 * 3600 * 1_000_000_000L;

    private final VfsContext vfs;
    private final InodeReader reader;
    private final WriteBacks writeBacks;

    AccessTimes(VfsContext vfs, InodeReader reader, WriteBacks writeBacks) {
        this.vfs = vfs;
        this.reader = reader;
        this.writeBacks = writeBacks;
    }

    /**
     * Something of the inode was read.
     *
     * @param handle through which, 0 for none
     */
    void onRead(Call call, InodeId inode, long handle) {
        CachedInode known = reader.cached(inode);
        FileHandle open = vfs.handles().file(handle);
        long nowNs = vfs.clock().wallNs();
        if (known == null
                || !isDue(
                        vfs.accessRule(),
                        reader.overlay(known.attributes()),
                        open == null ? 0 : open.flags,
                        nowNs)) {
            return;
        }
        FileState state = vfs.files().tryLocked(inode);
        if (state == null) {
            call.beforeWait();
            state = vfs.files().locked(inode);
        }
        try {
            state.onAccess(nowNs);
        } finally {
            vfs.files().unlock(state);
        }
        writeBacks.noteAccess(inode);
    }

    /**
     * Whether a read now would change the access time.
     *
     * @param rule of the mount
     * @param flags of the handle that is read
     */
    static boolean isDue(AccessRule rule, Attributes seen, int flags, long nowNs) {
        boolean asked = (flags & OpenFlags.NO_ATIME) == 0;
        return asked
                && rule.notes(seen)
                && !InodeFlags.keepsNoAccessTime(seen)
                && (seen.atimeNs() <= seen.mtimeNs()
                        || seen.atimeNs() <= seen.ctimeNs()
                        || nowNs - seen.atimeNs() >= DAY_NS);
    }
}

package org.keelfs.client.vfs;

import org.jspecify.annotations.Nullable;
import org.keelfs.model.Attributes;

/**
 * Attribute changes of working directories and open pipes that have no name any more. The kernel
 * does not tell that these are in use, so the server has forgotten them; what is left of them lives
 * in this mount alone, and the kernel has checked the caller's rights.
 */
final class RemovedInodes {
    private static final int SETUID_SETGID = 06000;

    private RemovedInodes() {}

    /** The attributes after the change. */
    static Attributes changed(Attributes last, AttributeChange change, long nowNs) {
        Integer mode = change.mode();
        Integer uid = change.uid();
        Integer gid = change.gid();
        boolean owned = uid != null || gid != null;
        boolean kills = change.killSuidGid() || (owned && !last.isDirectory());
        int left = kills ? last.mode() & ~SETUID_SETGID : last.mode();
        return new Attributes(
                last.inode(),
                last.type(),
                mode == null ? left : mode & 07777,
                uid == null ? last.uid() : uid,
                gid == null ? last.gid() : gid,
                0,
                last.rdev(),
                last.size(),
                last.allocatedSectors(),
                time(change.atimeNs(), last.atimeNs(), nowNs),
                time(change.mtimeNs(), last.mtimeNs(), nowNs),
                nowNs,
                last.btimeNs(),
                last.flags(),
                last.version());
    }

    private static long time(@Nullable Long wanted, long last, long nowNs) {
        if (wanted == null) {
            return last;
        }
        return wanted == AttributeChange.NOW ? nowNs : wanted;
    }
}

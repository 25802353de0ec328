package org.keelfs.namespace;

import java.util.List;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/** The end of inodes: without links they live while a session pins them. */
public final class Orphans {
    private static final int BATCH = 1024;

    private Orphans() {}

    /** Removes all pins of a session that ended, and what only they kept alive. */
    public static void releasePins(Tables tables, SessionId session) {
        List<InodeId> pinned;
        do {
            pinned = tables.pinsOf(session, BATCH);
            for (InodeId inode : pinned) {
                release(tables, inode, session);
            }
        } while (pinned.size() == BATCH);
    }

    static void release(Tables tables, InodeId inode, SessionId session) {
        tables.deletePin(inode, session);
        InodeRow row = tables.inode(inode);
        if (row != null) {
            removeIfUnused(tables, row);
        }
    }

    /**
     * Removes the inode with all that hangs on it when it has neither link nor pin; says whether it
     * did.
     */
    static boolean removeIfUnused(Tables tables, InodeRow row) {
        if (row.attributes().linkCount() > 0 || tables.isPinnedByAny(row.id())) {
            return false;
        }
        if (row.xattrBytes() > 0) {
            for (XattrRow xattr : tables.xattrs(row.id())) {
                tables.deleteXattr(row.id(), xattr.name());
            }
        }
        if (row.attributes().isRegular()) {
            Chunks.dropFrom(tables, row.id(), 0);
        }
        tables.deleteInode(row.id());
        tables.addTo(Counter.LIVE_INODES, -1);
        return true;
    }
}

package org.keelfs.client.namespace;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.model.InodeId;
import org.keelfs.namespace.CommandQueue;

/** Inodes of which an answered change is lost, until somebody is told. Guarded by itself. */
final class UntoldErrors {
    /** More than one full queue concerns; about 50 bytes each. */
    private static final int INODES_MAX = 4 * CommandQueue.COMMANDS_MAX;

    private final Set<InodeId> inodes = new LinkedHashSet<>();

    synchronized void note(Collection<InodeId> lost) {
        for (InodeId inode : lost) {
            if (inodes.size() < INODES_MAX) {
                inodes.add(inode);
            }
        }
    }

    /** EIO, once. */
    synchronized @Nullable Errno take(InodeId inode) {
        return inodes.remove(inode) ? Errno.EIO : null;
    }
}

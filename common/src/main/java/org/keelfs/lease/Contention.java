package org.keelfs.lease;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.InodeId;

/**
 * Of the lease table, which owns it: inodes whose leases go to and fro, and whether they are to be
 * SHARED. A guess that costs speed when it is wrong, never truth.
 */
final class Contention {
    /** Hand-overs further apart than this are no contention: a lease is worth its round trips. */
    static final long WINDOW_NS = 2_000_000_000L;

    /**
     * Hand-overs in a row that make contention. Two happen when a file is written here and then
     * used there.
     */
    static final int HAND_OVERS = 3;

    /**
     * A session that cannot share said so: before it is tried again. Its cached handle is likely
     * still open.
     */
    static final long UNSHAREABLE_NS = 1_000_000_000L;

    /** Inodes watched at a time; beyond it the one that changed hands longest ago is forgotten. */
    private static final int WATCHED_MAX = 10_000;

    private static final class Watched {
        int handOvers;
        long lastNs;
        long unshareableUntilNs;

        /**
         * As of the last input about this inode: it changes only with them, so that what waits is
         * judged alike between two of them.
         */
        boolean mayShare;
    }

    private final Map<InodeId, Watched> watched =
            new LinkedHashMap<>(16, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<InodeId, Watched> eldest) {
                    return size() > WATCHED_MAX;
                }
            };

    /** A lease is asked back for another session's use of the inode, one of the two writing. */
    void onHandOver(InodeId inode, long nowNs) {
        Watched w = watched.computeIfAbsent(inode, _ -> new Watched());
        w.handOvers = nowNs - w.lastNs > WINDOW_NS ? 1 : w.handOvers + 1;
        w.lastNs = nowNs;
    }

    /** A session asks for a lease, or gives one back, and says whether it could share. */
    void onUse(InodeId inode, boolean shareable, long nowNs) {
        Watched w = watched.get(inode);
        if (w == null) {
            return;
        }
        if (!shareable) {
            w.unshareableUntilNs = nowNs + UNSHAREABLE_NS;
        }
        w.mayShare = isContended(w, nowNs) && nowNs >= w.unshareableUntilNs;
    }

    /** Whether the inode is to be SHARED, as of the last use. */
    boolean mayShare(InodeId inode) {
        Watched w = watched.get(inode);
        return w != null && w.mayShare;
    }

    boolean isContended(InodeId inode, long nowNs) {
        return isContended(watched.get(inode), nowNs);
    }

    private static boolean isContended(@Nullable Watched w, long nowNs) {
        return w != null && w.handOvers >= HAND_OVERS && nowNs - w.lastNs <= WINDOW_NS;
    }

    /** Only one session is left that uses it. */
    void forget(InodeId inode) {
        watched.remove(inode);
    }
}

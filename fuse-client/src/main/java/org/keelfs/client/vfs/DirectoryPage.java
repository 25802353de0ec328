package org.keelfs.client.vfs;

import java.util.List;
import org.keelfs.client.cache.CachedDirectory.Listed;

/**
 * Consecutive entries of a directory as the server gave them, kept with a handle because the kernel
 * asks for a few at a time.
 *
 * @param after position behind which they lie
 * @param entries ascending positions
 * @param end whether nothing follows them
 * @param ticket of the cached directory when reading began at its start; -1 where reading did not
 *     begin there
 */
record DirectoryPage(long after, List<Listed> entries, boolean end, long ticket) {
    /** Whether reading behind {@code position} can go on here. */
    boolean covers(long position) {
        if (position < after) {
            return false;
        }
        return end || (!entries.isEmpty() && position < entries.getLast().child().position());
    }

    /** Position of the last entry. */
    long endsAt() {
        return entries.isEmpty() ? after : entries.getLast().child().position();
    }
}

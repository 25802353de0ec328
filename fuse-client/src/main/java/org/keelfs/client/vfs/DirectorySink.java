package org.keelfs.client.vfs;

import org.jspecify.annotations.Nullable;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/** Where readdir puts entries. */
public interface DirectorySink {
    /**
     * Adds an entry; false when there is no room left, and the entry was not added.
     *
     * @param nextPosition cookie at which reading goes on behind this entry
     * @param entry attributes for readdirplus, which count as a lookup; null where they are not at
     *     hand or not asked for
     */
    boolean add(Name name, InodeId inode, FileType type, long nextPosition, @Nullable Entry entry);
}

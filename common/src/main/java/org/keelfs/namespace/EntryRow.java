package org.keelfs.namespace;

import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * A directory entry.
 *
 * @param name within its directory
 * @param inode what it names
 * @param type of that inode, so that readdir needs no inode
 * @param position the readdir cookie: 63 bits, drawn from the directory's counter, never reused in
 *     it
 */
public record EntryRow(Name name, InodeId inode, FileType type, long position) {
    /** Position of a directory's first entry; 1 and 2 are the cookies of "." and "..". */
    public static final long FIRST_POSITION = 3;
}

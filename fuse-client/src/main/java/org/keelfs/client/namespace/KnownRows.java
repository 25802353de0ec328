package org.keelfs.client.namespace;

import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;

/** Which rows of the cache are the truth now. */
interface KnownRows {
    /**
     * Whether the session's lease lets cached rows of this inode be read (READ) or changed (WRITE)
     * here, and no command that the server has yet to answer changes them.
     */
    boolean covers(InodeId inode, LeaseMode needed);
}

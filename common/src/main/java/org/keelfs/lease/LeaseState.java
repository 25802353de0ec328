package org.keelfs.lease;

import org.keelfs.model.InodeId;

/**
 * A lease as its holder gets to know it.
 *
 * @param inode the inode
 * @param mode NONE where nothing is held
 * @param generation grows over all grants of the table; 0 with NONE
 * @param since stamp of the moment from which on the session held it in any mode without a gap:
 *     epochs above it were drawn while it did
 */
public record LeaseState(InodeId inode, LeaseMode mode, long generation, long since) {
    static LeaseState none(InodeId inode) {
        return new LeaseState(inode, LeaseMode.NONE, 0, 0);
    }
}

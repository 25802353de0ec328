package org.keelfs.namespace;

import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.model.Attributes;

/**
 * What a command did.
 *
 * @param errno null when it was done; else why nothing changed
 * @param inode the inode created, changed or linked; of unlink and rename the victim, if it lives
 *     on
 * @param parent the directory changed; of rename the new parent
 * @param otherParent of rename the old parent, where it is another
 * @param moved of rename the inode that moved
 * @param entryPosition readdir cookie of the new entry, 0 without one
 */
public record CommandOutcome(
        @Nullable Errno errno,
        @Nullable Attributes inode,
        @Nullable Attributes parent,
        @Nullable Attributes otherParent,
        @Nullable Attributes moved,
        long entryPosition) {
    /** Done, nothing to show. */
    public static final CommandOutcome DONE = new CommandOutcome(null, null, null, null, null, 0);

    public static CommandOutcome failed(Errno errno) {
        return new CommandOutcome(errno, null, null, null, null, 0);
    }

    static CommandOutcome ofInode(InodeRow row) {
        return new CommandOutcome(null, row.attributes(), null, null, null, 0);
    }
}

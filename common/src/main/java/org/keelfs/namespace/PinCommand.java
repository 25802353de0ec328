package org.keelfs.namespace;

import java.util.function.Consumer;
import org.keelfs.model.InodeId;

/**
 * An open handle keeps an inode alive that may lose its last link, or does not any more.
 *
 * @param inode what is open
 * @param pinned false at the last close
 */
public record PinCommand(InodeId inode, boolean pinned) implements NamespaceCommand<Boolean> {
    /** Whether there is anything to do: the last unpin of an inode that is gone is none. */
    @Override
    public Boolean check(Tables tables, Origin origin) {
        if (pinned) {
            NamespaceReads.inode(tables, origin.volume(), inode);
            return true;
        }
        return tables.isPinned(inode, origin.session());
    }

    /**
     * The outcome shows the inode if it lives on: who let it go then still has to write it back.
     */
    @Override
    public CommandOutcome apply(Boolean needed, Tables tables, Origin origin) {
        if (needed && pinned) {
            tables.putPin(inode, origin.session());
        } else if (needed) {
            Orphans.release(tables, inode, origin.session());
        }
        InodeRow left = tables.inode(inode);
        return left == null ? CommandOutcome.DONE : CommandOutcome.ofInode(left);
    }

    /** None: nobody sees a pin, and who unpins an orphan last is the last who had it. */
    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {}
}

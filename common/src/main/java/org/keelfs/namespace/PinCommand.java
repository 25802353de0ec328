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

    @Override
    public CommandOutcome apply(Boolean needed, Tables tables, Origin origin) {
        if (!needed) {
            return CommandOutcome.DONE;
        }
        if (pinned) {
            tables.putPin(inode, origin.session());
        } else {
            Orphans.release(tables, inode, origin.session());
        }
        return CommandOutcome.DONE;
    }

    /** None: nobody sees a pin, and who unpins an orphan last is the last who had it. */
    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {}
}

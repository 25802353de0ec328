package org.keelfs.namespace;

import java.util.function.Consumer;
import org.keelfs.base.FsException;
import org.keelfs.model.InodeId;

/**
 * A change of the namespace in two halves: {@link #check} throws an {@link FsException} with the
 * errno that a local file system of Linux gives, and changes nothing; {@link #apply} cannot fail.
 * Both run at the command's place in the log, with the same tables, on every server and in the
 * client's namespace write-back.
 *
 * @param <P> what check found out and apply needs
 */
public sealed interface NamespaceCommand<P>
        permits CreateCommand,
                LinkCommand,
                UnlinkCommand,
                RenameCommand,
                SetAttributesCommand,
                SetXattrCommand,
                RemoveXattrCommand,
                WriteBackCommand,
                PinCommand,
                TrimmedCommand,
                CloneCommand {
    P check(Tables tables, Origin origin);

    CommandOutcome apply(P plan, Tables tables, Origin origin);

    /**
     * Inodes that exist and that this command, run now, would change: whoever caches them is
     * recalled first.
     */
    void forEachTouched(Tables tables, Consumer<InodeId> action);

    /** Check and apply; a refusal is an outcome. */
    default CommandOutcome run(Tables tables, Origin origin) {
        P plan;
        try {
            plan = check(tables, origin);
        } catch (FsException refused) {
            return CommandOutcome.failed(refused.errno());
        }
        return apply(plan, tables, origin);
    }
}

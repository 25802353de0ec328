package org.keelfs.metadata.log;

import org.keelfs.base.FsException;
import org.keelfs.namespace.Tables;

/**
 * One record of the metadata log: a deterministic change of the tables, all or nothing.
 * Implementations are records of values (no clock, no randomness, no soft state inside {@link
 * #apply}), so that a replicated log can carry them.
 *
 * @param <T> the answer
 */
public interface MetadataCommand<T> {
    /**
     * Reads and changes the tables at the command's place in the log. An {@link FsException}
     * refuses: then nothing is changed and the submitter gets it. Anything else thrown is a bug and
     * ends the server.
     */
    T apply(Tables tables);

    /** Name of the kind, for messages and for the tag of a replicated log. */
    default String kind() {
        return getClass().getSimpleName();
    }
}

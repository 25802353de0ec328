package org.keelfs.metadata.log;

import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.keelfs.namespace.Tables;

/**
 * The log behind the namespace. Thread-safe. A power cut may lose a suffix of what was submitted
 * and not forced, never a middle; the end of the process alone loses nothing that was answered.
 */
public interface MetadataLog extends AutoCloseable {
    /**
     * Applies the command at its place in the log. The future completes on the applying thread when
     * the command is in the log, not yet forced; exceptionally with the FsException by which the
     * command refused.
     */
    <T> CompletableFuture<Submitted<T>> submit(MetadataCommand<T> command);

    /**
     * Completes with the forced position when everything up to this position survives a power cut.
     */
    CompletableFuture<Long> force(long position);

    /** Everything up to here survives a power cut. */
    long forcedPosition();

    /**
     * Reads one consistent state that contains everything submitted and completed before; changes
     * throw.
     */
    <T extends @Nullable Object> T read(Function<Tables, T> reader);

    /** Forces what is left and gives everything back. */
    @Override
    void close();
}

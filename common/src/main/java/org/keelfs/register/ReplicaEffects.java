package org.keelfs.register;

import org.keelfs.model.ChunkId;
import org.keelfs.model.SectorRun;

/**
 * What a replica's machine may do. Plain enqueues: none calls back into the machine. A reply leaves
 * only when the log is durable up to the position that travels with it (STYLE section 5).
 *
 * @param <R> the driver's token for one request, handed back with its reply
 */
public interface ReplicaEffects<R> {
    /**
     * Appends a record; the table shows it from now on. Returns the position that makes it durable.
     */
    long append(ReplicaRecord record);

    /** Answers a request once the log is durable up to {@code position} (0: at once). */
    void reply(R request, RegisterReply reply, long position);

    /**
     * Answers a request with the {@link RegisterReply.Values} that the table holds of this run now,
     * at this call, once the log is durable up to {@code position}. The driver fetches the bytes;
     * if they turn out damaged it answers {@link RegisterReply.Refused} with DAMAGED instead.
     */
    void replyValues(R request, ChunkId chunk, SectorRun run, long position);
}

package org.keelfs.node.store;

import java.util.List;
import java.util.function.LongConsumer;
import org.keelfs.register.ValueRun;

/**
 * What the store needs of its index: where each chunk's sectors lie. Records are applied in log
 * order, per chunk; the index knows up to which position it holds each chunk and skips what it has.
 */
public interface SectorIndex extends AutoCloseable {
    /** Position up to which the index on disk holds everything; 0 before the first checkpoint. */
    long checkpointPosition();

    /** Reads the whole table and tells every live sector, before any replay. */
    void load(LiveBytes live);

    /** Applies a record found by recovery. */
    void replay(LogRecord record);

    /** Recovery is over: appends may come from any thread. */
    void start(GroupCommit commit, LiveBytes live);

    /** Marks every chunk as having lost acknowledged data (R12): it keeps p and answers nothing. */
    void markAllDamaged();

    /** Runs of a chunk, in place or staged, whose bytes lie in a segment, as {@link RunWords}. */
    long[] runsIn(long chunk, int segment);

    /** Appends a record that gives sectors, which keep their timestamps, a new place. */
    void move(long chunk, List<ValueRun> values);

    /**
     * Sectors that lie at this place turned out unreadable; false when they lie elsewhere by now.
     */
    boolean markDamaged(long chunk, int first, int sectorCount, long place);

    /** All chunks known here, in no order, without a lock over the whole; some may go meanwhile. */
    void forEachChunk(LongConsumer action);

    /**
     * Writes what changed to the table on disk, so that recovery starts later. Returns from where.
     */
    long checkpoint() throws InterruptedException;

    @Override
    void close();
}

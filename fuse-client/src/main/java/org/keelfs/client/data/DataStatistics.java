package org.keelfs.client.data;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;

/** What the data path has in memory, and how often that was enough. Thread-safe. */
public final class DataStatistics {
    private final FramePool pool;
    private final Semaphore room;
    private final int roomMax;
    private final LongAdder hits = new LongAdder();
    private final LongAdder misses = new LongAdder();

    DataStatistics(FramePool pool, Semaphore room, int roomMax) {
        this.pool = pool;
        this.room = room;
        this.roomMax = roomMax;
    }

    void onRead(boolean hit) {
        (hit ? hits : misses).increment();
    }

    /** Reads, in pieces of up to 1 MiB, of which all was in memory. */
    public long hits() {
        return hits.sum();
    }

    /** Reads that waited for the nodes. */
    public long misses() {
        return misses.sum();
    }

    /** Written and not yet stored at a majority. */
    public long dirtyBytes() {
        return (long) (roomMax - room.availablePermits()) * RunSplitter.SECTOR;
    }

    /** Decrypted sectors in memory, clean and dirty. */
    public long cachedBytes() {
        return (long) pool.usedCount() * RunSplitter.SECTOR;
    }
}

package org.keelfs.register;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;
import org.keelfs.model.SectorRun;

/**
 * The replica's state as its machine sees it: everything appended so far, durable or not. The store
 * implements it over its index, the simulator in memory. Positions are those of the log: a thing is
 * durable once the log is durable up to its position.
 */
public interface ReplicaTable {
    /** State of a chunk; null when the node never had it or forgot it. */
    @Nullable ReplicaState state(ChunkId chunk);

    /** Highest epoch of a fenced deletion (R11), 0 at first. */
    long floor();

    /** Timestamps in place in a range, ascending, holes included, cut to the range. */
    List<StampRun> stamps(ChunkId chunk, SectorRun range);

    /** Timestamps staged in this epoch, in the order they came, not cut. */
    List<StampRun> staged(ChunkId chunk, long epoch);

    /**
     * Position that makes the chunk's present state (promise, seal, digest, any sector) durable.
     */
    long position(ChunkId chunk);

    /**
     * Position that makes the chunk's present promise and seal durable. The chunk's whole position
     * is right too, but then a read waits for group commits of sectors that it did not ask for.
     */
    default long sealPosition(ChunkId chunk) {
        return position(chunk);
    }

    /**
     * Whether the bytes of some sector in this run are known to be unreadable while its timestamp
     * still stands (a checksum failed). Such a sector takes a WRITE of that very timestamp again.
     */
    default boolean damaged(ChunkId chunk, SectorRun run) {
        return false;
    }

    /**
     * Position that makes what {@link #stamps} shows of this range durable; 0 when nothing is
     * there.
     */
    long position(ChunkId chunk, SectorRun range);

    /** Position that makes the floor durable. */
    long floorPosition();
}

package org.keelfs.client.data;

import java.util.Arrays;
import org.keelfs.base.Invariant;

/**
 * Sixty-four consecutive sectors of a file, each with a bit in every mask. Guarded by its file's
 * lock, but for {@link #referenced}.
 *
 * <pre>
 * present   what the sector holds is known here: a frame, or HOLE for zeros
 * dirty     and is newer than at the nodes; implies present and a frame
 * flushing  a write of this sector is on its way
 * shared    and that write sends the very frame that is in place: who changes the sector takes a new frame
 * </pre>
 */
final class PageBlock {
    static final int SECTORS = 64;
    static final int SHIFT = 6;

    /** In place of a frame: zeros. */
    static final int HOLE = -1;

    private static final int FRAMES_AT_FIRST = 4;

    final FilePages file;

    /** Its first sector's place, divided by 64. */
    final long number;

    long present;
    long dirty;
    long flushing;
    long shared;

    /** Known to {@link CleanCache}'s clock. */
    boolean queued;

    /** Used since the clock came by. A race only costs an early eviction. */
    boolean referenced;

    private int[] frames = new int[0];

    PageBlock(FilePages file, long number) {
        this.file = file;
        this.number = number;
    }

    int frame(int index) {
        return frames[index];
    }

    void put(int index, int frame) {
        if (index >= frames.length) {
            int wanted = Math.max(index + 1, Math.max(FRAMES_AT_FIRST, frames.length * 2));
            frames = Arrays.copyOf(frames, Math.min(wanted, SECTORS));
        }
        frames[index] = frame;
        present |= 1L << index;
    }

    boolean isEmpty() {
        return (present | flushing) == 0;
    }

    /** What a flush may take. */
    long flushable() {
        return dirty & ~flushing;
    }

    /** Forgets sectors of the mask; the caller has taken their frames. */
    void forget(long mask) {
        present &= ~mask;
        dirty &= ~mask;
        shared &= ~mask;
    }

    void invariants() {
        Invariant.check((dirty & ~present) == 0, "dirty sectors are present");
        Invariant.check(
                (shared & ~(flushing & dirty)) == 0, "shared frames are dirty and on their way");
    }

    /** Bits {@code [from, end)}. */
    static long mask(int from, int end) {
        return from >= end ? 0 : (-1L >>> (SECTORS - (end - from))) << from;
    }
}

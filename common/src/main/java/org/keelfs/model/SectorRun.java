package org.keelfs.model;

/**
 * Consecutive sectors of one chunk: {@code [first, first + count)}.
 *
 * @param first index of the first sector, from 0
 * @param count number of sectors, at least 1
 */
public record SectorRun(int first, int count) {
    /** Bytes of a sector's plain and encrypted content. */
    public static final int SECTOR_BYTES = 4096;

    public SectorRun {
        if (first < 0 || count <= 0 || first + count < 0) {
            throw new IllegalArgumentException("bad run: first " + first + ", count " + count);
        }
    }

    /** Index one past the last sector. */
    public int end() {
        return first + count;
    }

    public boolean contains(int sector) {
        return sector >= first && sector < end();
    }

    public boolean contains(SectorRun other) {
        return other.first >= first && other.end() <= end();
    }

    public boolean overlaps(SectorRun other) {
        return first < other.end() && other.first < end();
    }

    /** The common part; callers make sure that the two overlap. */
    public SectorRun intersection(SectorRun other) {
        int from = Math.max(first, other.first);
        return new SectorRun(from, Math.min(end(), other.end()) - from);
    }

    /** The run from {@code from} to before {@code end}. */
    public static SectorRun between(int from, int end) {
        return new SectorRun(from, end - from);
    }

    @Override
    public String toString() {
        return "[" + first + "+" + count + "]";
    }
}

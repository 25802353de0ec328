package org.keelfs.register;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.keelfs.base.Invariant;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;

/**
 * Timestamps of the sectors of one chunk, by run: disjoint, ascending, neighbours of equal
 * timestamp merged. Confined to the machine that owns it.
 */
public final class StampMap {
    private final TreeMap<Integer, StampRun> runs = new TreeMap<>();

    /** With the given runs, put in their order. */
    public static StampMap of(Collection<StampRun> stamps) {
        var map = new StampMap();
        stamps.forEach(stamp -> map.put(stamp.run(), stamp.timestamp(), stamp.hole()));
        return map;
    }

    /** An independent copy. */
    public StampMap copy() {
        var copy = new StampMap();
        copy.runs.putAll(runs);
        return copy;
    }

    public boolean isEmpty() {
        return runs.isEmpty();
    }

    /** Number of runs. */
    public int size() {
        return runs.size();
    }

    public void clear() {
        runs.clear();
    }

    /** All runs, ascending; not to be kept across changes. */
    public Collection<StampRun> runs() {
        return runs.values();
    }

    /** Replaces what is there. Timestamp zero removes. */
    public void put(SectorRun run, Timestamp timestamp, boolean hole) {
        remove(run);
        if (timestamp.equals(Timestamp.ZERO)) {
            return;
        }
        int from = run.first();
        int end = run.end();
        var left = runs.lowerEntry(from);
        if (left != null
                && joins(left.getValue(), timestamp, hole)
                && left.getValue().run().end() == from) {
            from = left.getKey();
            runs.remove(left.getKey());
        }
        var right = runs.get(end);
        if (right != null && joins(right, timestamp, hole)) {
            runs.remove(end);
            end = right.run().end();
        }
        runs.put(from, new StampRun(SectorRun.between(from, end), timestamp, hole));
    }

    private static boolean joins(StampRun neighbour, Timestamp timestamp, boolean hole) {
        return neighbour.hole() == hole && neighbour.timestamp().equals(timestamp);
    }

    /** Puts the run where its timestamp is greater than what is there. */
    public void putGreater(SectorRun run, Timestamp timestamp, boolean hole) {
        for (StampRun there : cover(run)) {
            if (timestamp.isAfter(there.timestamp())) {
                put(there.run(), timestamp, hole);
            }
        }
    }

    /** Removes the sectors of a run. */
    public void remove(SectorRun run) {
        for (StampRun there : overlapping(run)) {
            runs.remove(there.run().first());
            if (there.run().first() < run.first()) {
                keep(there, there.run().first(), run.first());
            }
            if (there.run().end() > run.end()) {
                keep(there, run.end(), there.run().end());
            }
        }
    }

    private void keep(StampRun old, int from, int end) {
        runs.put(from, new StampRun(SectorRun.between(from, end), old.timestamp(), old.hole()));
    }

    /** Removes the sectors of a run whose timestamp is not greater than this one. */
    public void removeUpTo(SectorRun run, Timestamp timestamp) {
        for (StampRun there : within(run)) {
            if (!there.timestamp().isAfter(timestamp)) {
                remove(there.run());
            }
        }
    }

    /** Whether some sector of the run has a timestamp. */
    public boolean overlaps(SectorRun run) {
        var last = runs.lowerEntry(run.end());
        return last != null && last.getValue().run().end() > run.first();
    }

    /** What is in the run, cut to it, ascending; sectors without a timestamp are left out. */
    public List<StampRun> within(SectorRun range) {
        var found = overlapping(range);
        found.replaceAll(
                stamp ->
                        range.contains(stamp.run())
                                ? stamp
                                : new StampRun(
                                        stamp.run().intersection(range),
                                        stamp.timestamp(),
                                        stamp.hole()));
        return found;
    }

    /** The same with the gaps, which have timestamp zero: all of the range. */
    public List<StampRun> cover(SectorRun range) {
        return cover(range, within(range));
    }

    /** Fills the gaps between stamps that are ascending and inside the range. */
    public static List<StampRun> cover(SectorRun range, List<StampRun> stamps) {
        var all = new ArrayList<StampRun>(2 * stamps.size() + 1);
        int at = range.first();
        for (StampRun stamp : stamps) {
            if (stamp.run().first() > at) {
                all.add(never(at, stamp.run().first()));
            }
            all.add(stamp);
            at = stamp.run().end();
        }
        if (at < range.end()) {
            all.add(never(at, range.end()));
        }
        return all;
    }

    private static StampRun never(int from, int end) {
        return new StampRun(SectorRun.between(from, end), Timestamp.ZERO, true);
    }

    /** Timestamp of one sector; zero when it has none. */
    public Timestamp at(int sector) {
        var entry = runs.floorEntry(sector);
        return entry != null && entry.getValue().run().contains(sector)
                ? entry.getValue().timestamp()
                : Timestamp.ZERO;
    }

    /** XOR of the hashes of all sectors. */
    public Digest digest() {
        var digest = Digest.EMPTY;
        for (StampRun stamp : runs.values()) {
            digest = digest.xor(SectorHash.of(stamp.run(), stamp.timestamp()));
        }
        return digest;
    }

    /**
     * The runs of {@code range} in which this map and the other have different timestamps, as this
     * has them.
     */
    public void forEachDifference(StampMap other, SectorRun range, Consumer<StampRun> action) {
        for (StampRun mine : cover(range)) {
            for (StampRun theirs : other.cover(mine.run())) {
                if (!theirs.timestamp().equals(mine.timestamp())) {
                    action.accept(new StampRun(theirs.run(), mine.timestamp(), mine.hole()));
                }
            }
        }
    }

    /** Disjoint and ascending. */
    public void invariants() {
        int end = 0;
        for (StampRun stamp : runs.values()) {
            Invariant.check(stamp.run().first() >= end, "runs of a stamp map are disjoint");
            end = stamp.run().end();
        }
    }

    private List<StampRun> overlapping(SectorRun run) {
        var found = new ArrayList<StampRun>();
        var before = runs.lowerEntry(run.first());
        if (before != null && before.getValue().run().end() > run.first()) {
            found.add(before.getValue());
        }
        found.addAll(runs.subMap(run.first(), run.end()).values());
        return found;
    }

    @Override
    public String toString() {
        return runs.values().toString();
    }
}

package org.keelfs.metadata.placement;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;

/** Chooses the nodes of a new chunk. Pure: the same candidates and seed give the same set. */
public final class Placement {
    /** A node with less is full: room for one chunk of the largest size. */
    public static final long FREE_BYTES_MIN = 64L << 20;

    private Placement() {}

    /**
     * Spreads over racks first; inside of a rack a node's chance grows with its free space and
     * shrinks with its load (weighted random sampling with keys u^(1/w), Efraimidis and Spirakis).
     * Dead nodes are taken only where the living do not suffice, and only as a minority: a chunk
     * born without a majority could not be written.
     *
     * @param replicas how many
     * @param seed randomness of this choice
     * @throws FsException EIO when there are not enough nodes, ENOSPC when those that live are full
     */
    public static ReplicaSet choose(List<Candidate> candidates, int replicas, long seed) {
        if (candidates.size() < replicas) {
            throw new FsException(
                    Errno.EIO,
                    "%d replicas need as many storage nodes, registered are %d"
                            .formatted(replicas, candidates.size()));
        }
        int majority = replicas / 2 + 1;
        long alive = candidates.stream().filter(Candidate::alive).count();
        if (alive < majority) {
            throw new FsException(
                    Errno.EIO,
                    "%d replicas need %d living storage nodes, alive are %d of %d"
                            .formatted(replicas, majority, alive, candidates.size()));
        }
        List<Candidate> order =
                new ArrayList<>(candidates.stream().filter(Placement::hasRoom).toList());
        if (order.size() < replicas) {
            throw new FsException(
                    Errno.ENOSPC,
                    "%d of %d storage nodes have room, needed are %d"
                            .formatted(order.size(), candidates.size(), replicas));
        }
        order.sort(
                Comparator.comparing((Candidate c) -> !c.alive())
                        .thenComparingDouble(c -> -key(c, seed))
                        .thenComparing(Candidate::node));
        return new ReplicaSet(spread(order, replicas));
    }

    /**
     * Of the first that are left, always one of the racks used least; the dead only when none else
     * is left.
     */
    private static List<NodeId> spread(List<Candidate> order, int replicas) {
        List<NodeId> chosen = new ArrayList<>(replicas);
        Map<String, Integer> used = new TreeMap<>();
        while (chosen.size() < replicas) {
            boolean living = order.stream().anyMatch(Candidate::alive);
            Candidate best = null;
            for (Candidate c : order) {
                boolean eligible = c.alive() || !living;
                if (eligible && (best == null || uses(used, c) < uses(used, best))) {
                    best = c;
                }
            }
            if (best == null) {
                throw new IllegalStateException("fewer candidates than replicas");
            }
            order.remove(best);
            used.merge(best.rack(), 1, Integer::sum);
            chosen.add(best.node());
        }
        return chosen;
    }

    private static int uses(Map<String, Integer> used, Candidate candidate) {
        return used.getOrDefault(candidate.rack(), 0);
    }

    /** What a dead node has left is not known well; it counts by its last word. */
    private static boolean hasRoom(Candidate candidate) {
        return candidate.freeBytes() >= FREE_BYTES_MIN;
    }

    private static double key(Candidate candidate, long seed) {
        double weight =
                (double) (candidate.freeBytes() >>> 20) / (1 + Math.max(0, candidate.load()));
        double uniform = (mix(seed ^ mix(candidate.node().value())) >>> 11) * 0x1.0p-53;
        return Math.log(Math.max(uniform, 0x1.0p-53)) / Math.max(weight, 1e-6);
    }

    /** The finaliser of SplitMix64. */
    private static long mix(long value) {
        long z = value + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}

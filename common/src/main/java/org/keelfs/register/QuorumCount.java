package org.keelfs.register;

import org.keelfs.base.Invariant;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;

/**
 * Counts the answers of a replica set until a majority agreed, or cannot any more. Confined to its
 * round. A replica that failed may still agree later (it was sent the same request again); one that
 * agreed stays.
 */
public final class QuorumCount {
    private final ReplicaSet set;
    private int agreed;
    private int failed;

    public QuorumCount(ReplicaSet set) {
        Invariant.check(set.size() < Integer.SIZE, "a replica set has at most 31 members");
        this.set = set;
    }

    /** Notes that this replica agreed; one outside the set counts nothing. */
    public void add(NodeId node) {
        int bit = bit(node);
        agreed |= bit;
        failed &= ~bit;
    }

    /** Notes that this replica failed in this attempt, unless it has agreed. */
    public void failed(NodeId node) {
        failed |= bit(node) & ~agreed;
    }

    /** Forgets failures: all that have not agreed are asked again. */
    public void retry() {
        failed = 0;
    }

    public boolean has(NodeId node) {
        return (agreed & bit(node)) != 0;
    }

    /** Whether a majority agreed. */
    public boolean reached() {
        return Integer.bitCount(agreed) >= set.majority();
    }

    /** Whether so many failed that a majority cannot agree without one of them. */
    public boolean lost() {
        return set.size() - Integer.bitCount(failed) < set.majority();
    }

    /** Whether the count is over, unless a failed replica answers after all. */
    public boolean decided() {
        return reached() || lost();
    }

    public int count() {
        return Integer.bitCount(agreed);
    }

    private int bit(NodeId node) {
        int index = set.nodes().indexOf(node);
        return index < 0 ? 0 : 1 << index;
    }
}

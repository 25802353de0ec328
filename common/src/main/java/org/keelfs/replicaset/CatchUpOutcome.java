package org.keelfs.replicaset;

/** How a catch-up ended. */
public sealed interface CatchUpOutcome {
    /**
     * The replica is sealed in the epoch and has what its source had.
     *
     * @param allocatedDelta change in its sectors that hold data
     */
    record CaughtUp(int allocatedDelta) implements CatchUpOutcome {}

    /** It did not work out: nobody to copy from, or somebody silent. Try again later. */
    record Failed(String why) implements CatchUpOutcome {}

    /** The epoch is over. */
    record Stale(long promised) implements CatchUpOutcome {}
}

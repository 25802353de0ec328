package org.keelfs.register;

/** What became of an order to give a chunk away or to delete it. */
public sealed interface DropOutcome {
    /** Carried out once the log is durable up to this position. */
    record Dropped(long position) implements DropOutcome {}

    /** Not carried out: the chunk came back to this node in a later epoch. */
    record StaleOrder(long promised) implements DropOutcome {}
}

package org.keelfs.register;

/** How a fence ended. */
public sealed interface FenceOutcome permits FenceOutcome.Fenced, StaleEpoch, QuorumLost {
    /** A majority promised: no operation of an earlier epoch succeeds any more. */
    record Fenced(long epoch) implements FenceOutcome {}
}

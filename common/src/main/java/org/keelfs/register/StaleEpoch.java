package org.keelfs.register;

/**
 * Something newer than the operation's epoch is promised: this epoch is over. Of a write the
 * outcome is unknown; a new timestamp for it has no method here (R6).
 */
public record StaleEpoch(long promised)
        implements WriteOutcome, ReadOutcome, SealOutcome, HintOutcome, FenceOutcome {}

package org.keelfs.register;

/** What a holder that returns its lease can hand over of a chunk (R4). */
public sealed interface HintOutcome permits HintOutcome.Given, HintOutcome.None, StaleEpoch {
    /** Hand this over. */
    record Given(Hint hint) implements HintOutcome {}

    /** Nothing to hand over: the next sealer does without. */
    record None() implements HintOutcome {}
}

package org.keelfs.metadata.layout;

/** What a session that asks for a chunk is told (rule R3), before anything is recorded. */
public enum LayoutDecision {
    /** There is no chunk and none is wanted: zeros. */
    ABSENT,
    /** Make it, OPEN in a fresh epoch. */
    CREATE,
    /** A copy of the frozen chunk that is there, in a fresh epoch, and the asker seals. */
    COPY,
    /** OPEN in its current epoch, which this session may use. */
    GO_ON,
    /** Its own seal in the current epoch is still under way. */
    SEAL_ON,
    /** A fresh epoch, and the asker seals. */
    FRESH,
    /** Another session seals. */
    WAIT,
    /** The lease that it takes is not held. */
    NO_LEASE
}

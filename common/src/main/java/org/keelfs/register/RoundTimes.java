package org.keelfs.register;

import org.keelfs.base.Invariant;

/**
 * Patience of a round.
 *
 * @param attemptNs how long a replica may be silent before it is asked again (and a read asks
 *     another)
 * @param deadlineNs moment at which the round gives up
 */
public record RoundTimes(long attemptNs, long deadlineNs) {
    /** A request that failed at once is sent again after this part of an attempt: no busy loop. */
    private static final int RETRIES_PER_ATTEMPT = 8;

    public RoundTimes {
        Invariant.check(attemptNs > 0, "an attempt takes time");
    }

    long retryNs() {
        return Math.max(1, attemptNs / RETRIES_PER_ATTEMPT);
    }
}

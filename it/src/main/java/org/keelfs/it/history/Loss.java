package org.keelfs.it.history;

/**
 * A mount may have lost what it had not synced: it was killed, or stood still until it was evicted.
 *
 * @param mount counted from 1
 * @param begunNs not before this, CLOCK_MONOTONIC
 * @param endedNs not after this
 * @param newLifeNs calls that begin later are not lost with it
 * @param killed whether its process is gone, and what the kernel still answers for it says nothing
 */
public record Loss(int mount, long begunNs, long endedNs, long newLifeNs, boolean killed) {
    /** The process was killed. */
    public static Loss ofKill(int mount, long begunNs, long endedNs) {
        return new Loss(mount, begunNs, endedNs, endedNs, true);
    }

    /**
     * The process stood still.
     *
     * @param resumedNs when it went on
     * @param endedNs when it knew for certain that it had been evicted
     */
    public static Loss ofPause(int mount, long begunNs, long resumedNs, long endedNs) {
        return new Loss(mount, begunNs, endedNs, resumedNs, false);
    }
}

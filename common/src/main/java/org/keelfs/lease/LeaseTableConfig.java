package org.keelfs.lease;

/**
 * Times and bounds of the server's lease table, all durations in nanoseconds.
 *
 * @param termNs a session that has been silent for this long uses no lease any more by its own
 *     clock
 * @param marginNs added by the server before it believes so: bounded drift of clock rates
 * @param stallNs a holder that renews but neither returns a recalled lease nor makes progress is
 *     evicted after it
 * @param abandonNs a silent session in nobody's way is evicted after it
 * @param recallRepeatNs an unanswered recall is sent again after it
 * @param leasesPerSessionMax beyond it the oldest leases of the session are recalled
 */
public record LeaseTableConfig(
        long termNs,
        long marginNs,
        long stallNs,
        long abandonNs,
        long recallRepeatNs,
        int leasesPerSessionMax) {
    public LeaseTableConfig {
        if (termNs <= 0
                || marginNs < 0
                || stallNs <= 0
                || abandonNs < termNs + marginNs
                || recallRepeatNs <= 0
                || leasesPerSessionMax <= 0) {
            throw new IllegalArgumentException("bad lease settings");
        }
    }

    /** How long silence is waited out before a holder in somebody's way is evicted. */
    public long silenceNs() {
        return termNs + marginNs;
    }
}

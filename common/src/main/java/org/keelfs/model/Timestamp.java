package org.keelfs.model;

/**
 * Version of a sector's value: (epoch, counter, session), compared in that order (DESIGN section
 * 4). A session never uses a counter twice in an epoch.
 *
 * @param epoch operation epoch in which the value was first written, 0 for "never written"
 * @param counter from 1 within (epoch, session)
 * @param session the writer
 */
public record Timestamp(long epoch, long counter, long session) implements Comparable<Timestamp> {
    /** Of a sector that was never written: below every other. */
    public static final Timestamp ZERO = new Timestamp(0, 0, 0);

    @Override
    public int compareTo(Timestamp other) {
        int byEpoch = Long.compareUnsigned(epoch, other.epoch);
        if (byEpoch != 0) {
            return byEpoch;
        }
        int byCounter = Long.compareUnsigned(counter, other.counter);
        return byCounter != 0 ? byCounter : Long.compareUnsigned(session, other.session);
    }

    /** Whether this is newer than the other. */
    public boolean isAfter(Timestamp other) {
        return compareTo(other) > 0;
    }

    @Override
    public String toString() {
        return epoch + "." + counter + "@" + session;
    }
}

package org.keelfs.register;

/**
 * The XOR over the sectors of a chunk, holes included, of a 128-bit hash of (sector, timestamp):
 * equal digests mean equal versions everywhere. Kept incrementally.
 */
public record Digest(long high, long low) {
    /** Of a chunk without any written or trimmed sector. */
    public static final Digest EMPTY = new Digest(0, 0);

    public Digest xor(Digest other) {
        return new Digest(high ^ other.high, low ^ other.low);
    }
}

package org.keelfs.register;

import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;

/**
 * The 128-bit hash of (sector, timestamp) whose XOR over a chunk is its {@link Digest}. Holes count
 * like any value; a sector never written (timestamp zero) counts nothing.
 */
public final class SectorHash {
    /* Two lanes of 64 bits with different constants. In each the timestamp's words are absorbed one by one, each
     * followed by the finalizer of SplitMix64 [1] in the variant "Mix13" [2], which changes half of the output bits for
     * any one input bit; the sector is mixed in last by two more, so that a run costs four finalizers a sector and
     * hashes its timestamp once. It meets accidents, not adversaries: authenticity of bytes is the matter of GCM.
     * [1] Steele, Lea, Flood: Fast splittable pseudorandom number generators. [2] D. Stafford, "Better Bit Mixing". */
    private static final long HIGH_SEED = 0x9E3779B97F4A7C15L;
    private static final long LOW_SEED = 0xD1B54A32D192ED03L;
    private static final long HIGH_SECTOR = 0xA0761D6478BD642FL;
    private static final long LOW_SECTOR = 0xE7037ED1A0B428DBL;

    private SectorHash() {}

    /** XOR of the hashes of all sectors of a run with this timestamp. */
    public static Digest of(SectorRun run, Timestamp timestamp) {
        if (timestamp.equals(Timestamp.ZERO)) {
            return Digest.EMPTY;
        }
        long stampHigh = absorb(HIGH_SEED, timestamp);
        long stampLow = absorb(LOW_SEED, timestamp);
        long high = 0;
        long low = 0;
        for (int sector = run.first(); sector < run.end(); sector++) {
            high ^= mix(stampHigh + mix(HIGH_SEED + (sector + 1L) * HIGH_SECTOR));
            low ^= mix(stampLow ^ mix(LOW_SEED + (sector + 1L) * LOW_SECTOR));
        }
        return new Digest(high, low);
    }

    private static long absorb(long seed, Timestamp timestamp) {
        long h = mix(seed + timestamp.epoch());
        h = mix((h ^ timestamp.counter()) + seed);
        return mix((h ^ timestamp.session()) + seed);
    }

    private static long mix(long value) {
        long z = value;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}

package org.keelfs.lock;

/**
 * Times and limits of the lock table.
 *
 * @param quietNs locks of an inode are delegated to a session only so long after another session
 *     used them or somebody had to wait
 * @param repeatNs after this a hand-over is asked for again
 * @param stallNs a session that has not handed over by then is evicted
 * @param rangesPerInodeMax ranges that one session may hold of one inode: a hand-over is one
 *     message
 * @param delegationsMax inodes whose locks are delegated to one session
 */
public record LockTableConfig(
        long quietNs, long repeatNs, long stallNs, int rangesPerInodeMax, int delegationsMax) {
    /** Ranges that one session may hold of one inode; 400 KiB of a message. */
    public static final int RANGES_MAX = 10_000;

    /** For a cluster of machines. */
    public static final LockTableConfig DEFAULT =
            new LockTableConfig(
                    2_000_000_000L, 1_000_000_000L, 30_000_000_000L, RANGES_MAX, 100_000);
}

package org.keelfs.register;

/**
 * The counters of one session's timestamps. One source serves all chunks, epochs and threads of a
 * session, so that no (epoch, counter) comes twice, whatever is forgotten in between.
 */
public interface CounterSource {
    /** A counter greater than {@code seen} and than all it gave before; safe for any thread. */
    long nextAbove(long seen);
}

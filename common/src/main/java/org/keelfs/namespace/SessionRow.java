package org.keelfs.namespace;

import org.keelfs.model.SessionId;

/**
 * A mount's session.
 *
 * @param id never reused
 * @param mountId stable identity of the mount, 16 bytes; not to be changed
 * @param volume number of the volume it mounts
 * @param state see {@link State}
 * @param certificate SHA-256 of the client's certificate, 32 bytes, or empty; not to be changed
 * @param answeredSequence its commands are answered up to here
 * @param acknowledgedSequence it has the answers up to here: they are forgotten
 * @param pool inode numbers that it may give to what it creates
 */
public record SessionRow(
        SessionId id,
        byte[] mountId,
        int volume,
        State state,
        byte[] certificate,
        long answeredSequence,
        long acknowledgedSequence,
        InodePool pool) {
    /** What becomes of a session; it never goes back. */
    public enum State {
        /** It may submit commands and hold leases. */
        OPEN,
        /** Declared dead: everything it sends is refused. */
        EVICTED,
        /** It said good-bye. */
        CLOSED
    }

    /** Of a session without inode numbers of its own. */
    public SessionRow(
            SessionId id,
            byte[] mountId,
            int volume,
            State state,
            byte[] certificate,
            long answeredSequence,
            long acknowledgedSequence) {
        this(
                id,
                mountId,
                volume,
                state,
                certificate,
                answeredSequence,
                acknowledgedSequence,
                InodePool.EMPTY);
    }

    public SessionRow withState(State newState) {
        return new SessionRow(
                id,
                mountId,
                volume,
                newState,
                certificate,
                answeredSequence,
                acknowledgedSequence,
                pool);
    }

    public SessionRow withSequences(long answered, long acknowledged) {
        return new SessionRow(
                id, mountId, volume, state, certificate, answered, acknowledged, pool);
    }

    public SessionRow withPool(InodePool newPool) {
        return new SessionRow(
                id,
                mountId,
                volume,
                state,
                certificate,
                answeredSequence,
                acknowledgedSequence,
                newPool);
    }
}

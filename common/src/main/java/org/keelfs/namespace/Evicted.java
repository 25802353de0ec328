package org.keelfs.namespace;

import org.keelfs.model.SessionId;

/**
 * Sessions that were declared dead, and the chunks that one of them could still reach (rule R11).
 *
 * <p>So many stay on record one by one. Of older ones only the highest number is kept: then every
 * session up to it that is not open counts as evicted. A chunk that such a session wrote last is
 * fenced once more than it would have to be, before it is dropped.
 */
public final class Evicted {
    /** Evicted sessions on record: each is a row of some 100 bytes that every eviction reads. */
    public static final int ROWS_MAX = 256;

    private Evicted() {}

    /** Declares a session dead; it is on record as open. */
    public static void evict(Tables tables, SessionRow row) {
        tables.putSession(row.withState(SessionRow.State.EVICTED));
        int evicted = 0;
        SessionRow oldest = null;
        for (SessionRow other : tables.sessions()) {
            if (other.state() == SessionRow.State.EVICTED) {
                evicted++;
                boolean older = oldest == null || other.id().value() < oldest.id().value();
                oldest = older ? other : oldest;
            }
        }
        if (evicted > ROWS_MAX && oldest != null) {
            long floor = Math.max(tables.counter(Counter.EVICTED_FLOOR), oldest.id().value());
            tables.putCounter(Counter.EVICTED_FLOOR, floor);
            tables.deleteSession(oldest.id());
        }
    }

    /** Whether any session ever was. */
    public static boolean isAny(Tables tables) {
        return tables.counter(Counter.EVICTED_FLOOR) > 0
                || tables.sessions().stream()
                        .anyMatch(row -> row.state() == SessionRow.State.EVICTED);
    }

    /** Whether an evicted session could still reach a chunk. */
    public static boolean couldReach(Tables tables, ChunkRow chunk) {
        if (chunk.exposed() || chunk.lastWriter() == 0) {
            return chunk.exposed();
        }
        if (chunk.lastWriter() == ChunkRow.SHARED) {
            return true; // any of those that shared it may have been evicted: nobody kept a list
        }
        SessionRow writer = tables.session(new SessionId(chunk.lastWriter()));
        return writer == null
                ? chunk.lastWriter() <= tables.counter(Counter.EVICTED_FLOOR)
                : writer.state() == SessionRow.State.EVICTED;
    }
}

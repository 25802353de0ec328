package org.keelfs.metadata.session;

import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.Evicted;
import org.keelfs.namespace.Orphans;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.Tables;

/**
 * A session is over: its answers are forgotten, its pins end and what only they kept alive is
 * removed. An evicted one stays on record, in the end as one of many, so that chunks it could still
 * reach are known (rule R11).
 */
public record EndSessionCommand(SessionId session, boolean evicted)
        implements MetadataCommand<Boolean> {
    @Override
    public Boolean apply(Tables tables) {
        SessionRow row = tables.session(session);
        if (row == null || row.state() != SessionRow.State.OPEN) {
            return false;
        }
        tables.deleteReplies(session, row.acknowledgedSequence() + 1, row.answeredSequence() + 1);
        // First the state: what is removed with the pins is exposed to an evicted session.
        if (evicted) {
            Evicted.evict(tables, row);
        } else {
            tables.deleteSession(session);
        }
        Orphans.releasePins(tables, session);
        return true;
    }
}

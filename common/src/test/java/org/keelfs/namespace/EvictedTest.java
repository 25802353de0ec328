package org.keelfs.namespace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SessionId;

class EvictedTest {
    private final MemoryTables tables = new MemoryTables();

    private SessionRow open(long id) {
        var row =
                new SessionRow(
                        new SessionId(id),
                        new byte[16],
                        1,
                        SessionRow.State.OPEN,
                        new byte[0],
                        0,
                        0);
        tables.putSession(row);
        return row;
    }

    private ChunkRow writtenBy(long session) {
        return new ChunkRow(
                new ChunkId(1),
                new InodeId(2),
                0,
                1,
                true,
                1,
                1,
                new byte[0],
                new ReplicaSet(List.of(new NodeId(1), new NodeId(2), new NodeId(3))),
                1,
                1,
                null,
                session,
                false);
    }

    @Test
    void rowsOfEvictedSessionsAreBounded() {
        assertFalse(Evicted.isAny(tables));
        SessionRow living = open(3);
        for (long id = 10; id < 10 + 3L * Evicted.ROWS_MAX; id++) {
            Evicted.evict(tables, open(id));
        }
        assertEquals(Evicted.ROWS_MAX + 1, tables.sessions().size());
        assertEquals(living, tables.session(living.id()));
        assertNull(tables.session(new SessionId(10)));
        assertTrue(Evicted.isAny(tables));
    }

    @Test
    void whatTheyCouldReachStaysKnown() {
        SessionRow living = open(3);
        for (long id = 10; id < 20 + Evicted.ROWS_MAX; id++) {
            Evicted.evict(tables, open(id));
        }
        long last = 19 + Evicted.ROWS_MAX;
        assertTrue(Evicted.couldReach(tables, writtenBy(10)));
        assertTrue(Evicted.couldReach(tables, writtenBy(last)));
        assertFalse(Evicted.couldReach(tables, writtenBy(living.id().value())));
        assertFalse(Evicted.couldReach(tables, writtenBy(last + 1)));
        assertFalse(Evicted.couldReach(tables, writtenBy(0)));
    }
}

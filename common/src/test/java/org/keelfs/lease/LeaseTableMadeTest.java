package org.keelfs.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/** Leases on inodes that a session made before the server knew of them. */
class LeaseTableMadeTest {
    private static final long SECOND = 1_000_000_000L;
    private static final LeaseTableConfig CONFIG =
            new LeaseTableConfig(30 * SECOND, 5 * SECOND, 30 * SECOND, 600 * SECOND, 5 * SECOND, 2);
    private static final SessionId A = new SessionId(1);
    private static final SessionId B = new SessionId(2);

    private final List<InodeId> recalled = new ArrayList<>();
    private final LeaseTable table = new LeaseTable(CONFIG, 100);

    private final LeaseEffects out =
            new LeaseEffects() {
                @Override
                public void recall(
                        SessionId holder, InodeId inode, long generation, LeaseMode keep) {
                    recalled.add(inode);
                }

                @Override
                public void granted(long token, List<LeaseState> leases) {}

                @Override
                public void refused(long token) {}

                @Override
                public void evict(SessionId session, String why) {}
            };

    private LeaseMode made(SessionId session, int inode) {
        LeaseState state = table.onMade(session, new InodeId(inode), SECOND, out);
        table.invariants();
        assertNotNull(state);
        return state.mode();
    }

    @Test
    void theBoundRecallsTheOldestInsteadOfRefusing() {
        table.onOpen(A, SECOND);
        assertEquals(LeaseMode.WRITE, made(A, 10));
        assertEquals(LeaseMode.WRITE, made(A, 11));
        assertEquals(List.of(), recalled);
        assertEquals(LeaseMode.WRITE, made(A, 12));
        assertEquals(List.of(new InodeId(10)), recalled);
    }

    @Test
    void whileOthersReclaimItIsGrantedAllTheSame() {
        table.onRestart(List.of(A, B), SECOND);
        assertNull(table.tryGrant(A, new InodeId(10), LeaseMode.WRITE));
        assertEquals(LeaseMode.WRITE, made(A, 10));
    }

    @Test
    void notBesideAnotherHolderAndNotWhenTheSessionIsOver() {
        table.onOpen(A, SECOND);
        table.onOpen(B, SECOND);
        assertEquals(LeaseMode.WRITE, made(B, 10));
        assertNull(table.onMade(A, new InodeId(10), SECOND, out));
        assertNull(table.onMade(new SessionId(3), new InodeId(11), SECOND, out));
    }

    @Test
    void anAnswerGivenAgainGrantsTheSameAgain() {
        table.onOpen(A, SECOND);
        LeaseState first = table.onMade(A, new InodeId(10), SECOND, out);
        assertEquals(first, table.onMade(A, new InodeId(10), SECOND, out));
    }
}

package org.keelfs.register;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.model.SessionId;
import org.keelfs.model.Timestamp;

/** When a replica counts as lagging (R5: missed runs are remembered within a bound). */
class ChunkSessionLagTest {
    private static final NodeId A = new NodeId(1);
    private static final NodeId B = new NodeId(2);
    private static final NodeId C = new NodeId(3);
    private static final int RUNS = 2 * ChunkSession.MISSED_RUNS_MAX;

    private final AtomicLong counter = new AtomicLong();
    private final ChunkSession session =
            ChunkSession.created(
                    new ChunkGrant(
                            new ChunkId(1),
                            1,
                            new ReplicaSet(List.of(A, B, C)),
                            new SectorRun(0, 4 * RUNS),
                            ChunkGrant.Mode.WRITE,
                            new SessionId(1)),
                    _ -> counter.incrementAndGet());

    private List<Timestamp> startApart(int runs) {
        List<Timestamp> timestamps = new ArrayList<>();
        for (int i = 0; i < runs; i++) {
            Timestamp timestamp = session.nextTimestamp();
            session.onWriteStarted(new SectorRun(2 * i, 1), timestamp, false);
            session.invariants();
            timestamps.add(timestamp);
        }
        return timestamps;
    }

    private void acknowledge(List<Timestamp> timestamps, NodeId... nodes) {
        for (int i = 0; i < timestamps.size(); i++) {
            var run = new SectorRun(2 * i, 1);
            for (NodeId node : nodes) {
                session.onAcknowledged(node, run, timestamps.get(i));
            }
            session.onSettled(run, timestamps.get(i));
            session.invariants();
        }
    }

    @Test
    void anyNumberOfRunsInFlightLeavesTheReplicasReadable() {
        acknowledge(startApart(RUNS), A, B, C);
        assertTrue(session.behind().isEmpty());
        assertInstanceOf(ReadPlan.Ask.class, session.readPlan(new SectorRun(0, 2 * RUNS)));
    }

    @Test
    void aReplicaThatMissedMoreSettledRunsThanAreRememberedLags() {
        acknowledge(startApart(RUNS), A, B);
        assertTrue(session.lagging(C));
        assertFalse(session.lagging(A));
        assertEquals(List.of(C), session.behind());
        assertInstanceOf(ReadPlan.Ask.class, session.readPlan(new SectorRun(0, 2 * RUNS)));
    }
}

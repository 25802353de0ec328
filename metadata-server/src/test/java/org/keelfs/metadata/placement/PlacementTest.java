package org.keelfs.metadata.placement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.NodeId;

class PlacementTest {
    private static final long ROOM = 1L << 40;

    private static Candidate node(int id, String rack, long freeBytes, long load, boolean alive) {
        return new Candidate(new NodeId(id), rack, freeBytes, load, alive);
    }

    private static Candidate node(int id, String rack) {
        return node(id, rack, ROOM, 0, true);
    }

    private static Errno refused(List<Candidate> nodes, int replicas) {
        return assertThrows(FsException.class, () -> Placement.choose(nodes, replicas, 1)).errno();
    }

    @Test
    void replicasGoToDifferentRacks() {
        List<Candidate> nodes = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            nodes.add(node(i + 1, "r" + i % 4));
        }
        for (long seed = 0; seed < 200; seed++) {
            var racks = new HashSet<String>();
            for (NodeId id : Placement.choose(nodes, 3, seed).nodes()) {
                racks.add(nodes.get(id.value() - 1).rack());
            }
            assertEquals(3, racks.size(), "seed " + seed);
        }
    }

    @Test
    void fewerRacksThanReplicasAreUsedEvenly() {
        var nodes = List.of(node(1, "a"), node(2, "a"), node(3, "a"), node(4, "b"));
        for (long seed = 0; seed < 50; seed++) {
            assertTrue(Placement.choose(nodes, 3, seed).contains(new NodeId(4)));
        }
    }

    @Test
    void theSameSeedGivesTheSameSet() {
        var nodes = List.of(node(1, "a"), node(2, "b"), node(3, "c"), node(4, "d"), node(5, "e"));
        assertEquals(Placement.choose(nodes, 3, 77), Placement.choose(nodes, 3, 77));
    }

    @Test
    void spaceAndLoadSteerTheChoice() {
        var nodes =
                List.of(
                        node(1, "a", ROOM, 0, true),
                        node(2, "b", ROOM / 10, 0, true),
                        node(3, "c", ROOM, 9, true));
        int[] chosen = new int[4];
        for (long seed = 0; seed < 2000; seed++) {
            chosen[Placement.choose(nodes, 1, seed).nodes().get(0).value()]++;
        }
        assertTrue(chosen[1] > 1400, "much room, no load: " + chosen[1]);
        assertTrue(chosen[2] > 50 && chosen[3] > 50, chosen[2] + " and " + chosen[3]);
    }

    @Test
    void aDeadNodeIsTakenOnlyAsAMinority() {
        var oneDead = List.of(node(1, "a"), node(2, "b"), node(3, "c", ROOM, 0, false));
        assertEquals(3, Placement.choose(oneDead, 3, 1).size());
        var spare = List.of(node(1, "a"), node(2, "a"), node(3, "b", ROOM, 0, false), node(4, "a"));
        assertTrue(!Placement.choose(spare, 3, 1).contains(new NodeId(3)));
        var twoDead =
                List.of(node(1, "a"), node(2, "b", ROOM, 0, false), node(3, "c", ROOM, 0, false));
        assertEquals(Errno.EIO, refused(twoDead, 3));
    }

    @Test
    void tooFewNodesAndFullNodesAreDifferentErrors() {
        assertEquals(Errno.EIO, refused(List.of(node(1, "a"), node(2, "b")), 3));
        var full = List.of(node(1, "a"), node(2, "b"), node(3, "c", 1 << 20, 0, true));
        assertEquals(Errno.ENOSPC, refused(full, 3));
    }
}

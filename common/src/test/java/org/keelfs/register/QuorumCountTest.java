package org.keelfs.register;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;

class QuorumCountTest {
    private static ReplicaSet set(int size) {
        return new ReplicaSet(IntStream.rangeClosed(1, size).mapToObj(NodeId::new).toList());
    }

    /** Each replica agrees, fails or is silent: all 3^n cases of 1 to 7 replicas. */
    @Test
    void everyCombinationOfAnswersIsDecidedByMajority() {
        for (int size = 1; size <= 7; size++) {
            int cases = (int) Math.pow(3, size);
            for (int code = 0; code < cases; code++) {
                check(size, code);
            }
        }
    }

    private static void check(int size, int code) {
        var count = new QuorumCount(set(size));
        int agreed = 0;
        int failed = 0;
        int rest = code;
        for (int node = 1; node <= size; node++) {
            switch (rest % 3) {
                case 1 -> {
                    agreed++;
                    count.add(new NodeId(node));
                }
                case 2 -> {
                    failed++;
                    count.failed(new NodeId(node));
                }
                default -> {}
            }
            rest /= 3;
        }
        int majority = size / 2 + 1;
        assertEquals(agreed >= majority, count.reached());
        assertEquals(size - failed < majority, count.lost());
        assertEquals(count.reached() || count.lost(), count.decided());
        assertFalse(count.reached() && count.lost());
        assertEquals(agreed, count.count());
    }

    @Test
    void anyTwoMajoritiesMeet() {
        for (int size = 1; size <= 7; size++) {
            for (int a = 0; a < 1 << size; a++) {
                for (int b = 0; b < 1 << size; b++) {
                    if (reached(size, a) && reached(size, b)) {
                        assertTrue((a & b) != 0);
                    }
                }
            }
        }
    }

    private static boolean reached(int size, int subset) {
        var count = new QuorumCount(set(size));
        for (int node = 1; node <= size; node++) {
            if ((subset & 1 << (node - 1)) != 0) {
                count.add(new NodeId(node));
            }
        }
        return count.reached();
    }

    @Test
    void whoAgreedStaysAndWhoFailedMayAgreeLater() {
        var count = new QuorumCount(set(3));
        count.add(new NodeId(1));
        count.failed(new NodeId(1));
        count.failed(new NodeId(2));
        count.failed(new NodeId(3));
        assertTrue(count.lost());
        count.add(new NodeId(2));
        assertTrue(count.reached());
        assertFalse(count.lost());
    }

    @Test
    void strangersAndRepetitionsCountNothing() {
        var count = new QuorumCount(set(3));
        count.add(new NodeId(9));
        count.add(new NodeId(1));
        count.add(new NodeId(1));
        assertEquals(1, count.count());
        assertFalse(count.has(new NodeId(9)));
    }
}

package org.keelfs.register;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.keelfs.register.TestReplicas.CHUNK;
import static org.keelfs.register.TestReplicas.WHOLE;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.TestReplicas.Bytes;

/** A replica under requests of any kind in any order: what must hold whoever asks. */
class ReplicaRegisterBagTest {
    private final SplittableRandom random = new SplittableRandom(11);

    @Test
    void promisesOnlyRiseAndRecoveryShowsWhatTheTableShowed() {
        for (int bag = 0; bag < 300; bag++) {
            var node = new TestReplicas(1).node(1);
            long promised = 0;
            long floor = 0;
            for (int step = 0; step < 60; step++) {
                var request = request();
                var before = node.state();
                var reply = node.ask(request, random.nextInt(3) == 0 ? request.epoch() : 0);
                maybeDrop(node);
                var after = node.state();
                promised = after == null ? 0 : check(before, after, promised);
                assertTrue(node.table.floor() >= floor);
                floor = node.table.floor();
                if (reply instanceof RegisterReply.Stale(long newer)) {
                    assertTrue(newer >= request.epoch() || before != null);
                }
            }
            recover(node);
        }
    }

    private static long check(ReplicaState before, ReplicaState after, long promised) {
        assertTrue(after.sealed() <= after.promised());
        if (before != null) {
            assertTrue(after.promised() >= promised, "p never falls while the chunk is known");
        }
        return after.promised();
    }

    private void maybeDrop(TestReplicas.Replica node) {
        int chance = random.nextInt(60);
        if (chance == 0) {
            var _ = node.drop(random.nextInt(8), true);
        } else if (chance == 1) {
            var _ = node.drop(random.nextInt(8), false);
        } else if (chance == 2) {
            node.damage();
        }
    }

    /** Replaying the log gives the same table. */
    private static void recover(TestReplicas.Replica node) {
        var recovered = new MemoryReplicaTable();
        for (int i = 0; i < node.log.size(); i++) {
            recovered.apply(node.log.get(i), i + 1);
        }
        assertEquals(node.table.state(CHUNK), recovered.state(CHUNK));
        assertEquals(node.table.stamps(CHUNK, WHOLE), recovered.stamps(CHUNK, WHOLE));
        assertEquals(node.table.floor(), recovered.floor());
    }

    private RegisterRequest request() {
        long epoch = 1L + random.nextInt(8);
        return switch (random.nextInt(8)) {
            case 0 -> new RegisterRequest.Promise(CHUNK, epoch, hint());
            case 1 -> new RegisterRequest.Stamps(CHUNK, epoch, run());
            case 2 -> new RegisterRequest.Fetch(CHUNK, epoch, run());
            case 3 -> new RegisterRequest.Stage(CHUNK, epoch, fixes());
            case 4 -> install(epoch);
            case 5 -> new RegisterRequest.Read(CHUNK, epoch, run());
            case 6 -> new RegisterRequest.Probe(CHUNK, epoch);
            default -> {
                var run = run();
                yield new RegisterRequest.Write(
                        CHUNK,
                        epoch,
                        run,
                        timestamp(epoch),
                        random.nextBoolean() ? null : Bytes.of("v", run));
            }
        };
    }

    /** Often right: over nothing, with the digest of its own fixes. */
    private RegisterRequest install(long epoch) {
        var fixes = fixes();
        var map = new StampMap();
        fixes.forEach(fix -> map.put(fix.run(), fix.timestamp(), fix.isHole()));
        return new RegisterRequest.Install(CHUNK, epoch, fixes, map.digest());
    }

    private List<ValueRun> fixes() {
        var fixes = new ArrayList<ValueRun>();
        fixes.add(new ValueRun(WHOLE, Timestamp.ZERO, null));
        for (int i = random.nextInt(3); i > 0; i--) {
            var run = run();
            fixes.add(new ValueRun(run, timestamp(1 + random.nextInt(4)), Bytes.of("f", run)));
        }
        return fixes;
    }

    private Hint hint() {
        return random.nextBoolean() ? null : new Hint(random.nextInt(8), Digest.EMPTY);
    }

    private SectorRun run() {
        int first = random.nextInt(WHOLE.count());
        return new SectorRun(first, 1 + random.nextInt(WHOLE.count() - first));
    }

    private Timestamp timestamp(long epoch) {
        return new Timestamp(epoch, 1 + random.nextInt(5), 1 + random.nextInt(2));
    }
}

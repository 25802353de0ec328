package org.keelfs.it.sim;

import org.keelfs.model.SectorRun;
import org.keelfs.register.ChunkGrant.Mode;

/** What clients do. */
final class Workload {
    private Workload() {}

    /** The next operation, by chance. */
    static SimOperation next(SimCluster cluster) {
        var options = cluster.options;
        var scheduler = cluster.scheduler;
        int first = scheduler.below(options.sectors);
        var run = new SectorRun(first, 1 + scheduler.below(options.sectors - first));
        boolean shared = scheduler.chance(options.sharedPercent);
        int roll = scheduler.below(100);
        boolean calm = cluster.healed(); // what comes last should be looked at
        if (!calm && roll < options.writePercent) {
            return new SimOperation(
                    SimOperation.Kind.WRITE,
                    run,
                    cluster.newValue(),
                    shared ? Mode.SHARED : Mode.WRITE);
        }
        roll -= options.writePercent;
        if (!calm && roll < options.trimPercent) {
            return new SimOperation(
                    SimOperation.Kind.TRIM, run, 0, shared ? Mode.SHARED : Mode.WRITE);
        }
        roll -= options.trimPercent;
        if (!calm && roll < options.truncatePercent) {
            return new SimOperation(SimOperation.Kind.TRUNCATE, cluster.whole(), 0, Mode.WRITE);
        }
        return new SimOperation(SimOperation.Kind.READ, run, 0, shared ? Mode.SHARED : Mode.READ);
    }
}

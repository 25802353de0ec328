package org.keelfs.it.sim;

import java.util.List;

/** What goes wrong in one step of the safety phase. */
final class Fault {
    private static final long ISOLATED_MIN_NS = 20_000;
    private static final long ISOLATED_MAX_NS = 200_000;

    private final SimCluster cluster;
    private final SimOptions options;
    private final SimScheduler scheduler;

    Fault(SimCluster cluster, SimOptions options) {
        this.cluster = cluster;
        this.options = options;
        this.scheduler = cluster.scheduler;
    }

    void step() {
        if (cluster.healed()) {
            return;
        }
        if (scheduler.chance(options.crashPercent)) {
            crash();
        }
        if (scheduler.chance(options.wipePercent)) {
            lose(false);
        }
        if (scheduler.chance(options.isolatePercent)) {
            isolate();
        }
        if (scheduler.chance(options.freezePercent)) {
            pick(cluster.clients()).freeze(scheduler.between(ISOLATED_MIN_NS, 2 * ISOLATED_MAX_NS));
        }
        if (scheduler.chance(options.clientCrashPercent)) {
            pick(cluster.clients()).crash();
        }
        if (scheduler.chance(options.setChangePercent)) {
            cluster.metadata.wantChange();
        }
        if (options.copyPercent > 0 && scheduler.chance(options.copyPercent)) {
            cluster.metadata.wantCopy();
        }
        if (scheduler.chance(options.healerPercent)) {
            cluster.metadata.healOne();
        }
        if (scheduler.chance(options.metadataRestartPercent)) {
            cluster.trace("metadata restarts");
            cluster.metadata.restart();
        }
    }

    private void crash() {
        var node = cluster.node(pick(cluster.living()));
        if (scheduler.chance(options.damagePercent)) {
            lose(true);
        } else if (node.up()) {
            node.crash();
            cluster.restartLater(node);
        }
    }

    /**
     * A store is lost, or found damaged. At most one of a set at a time: a majority must remain.
     */
    private void lose(boolean damaged) {
        if (cluster.placeIsNeeded()) {
            return;
        }
        var node = cluster.node(pick(cluster.living()));
        cluster.trace("%s %s", node.id, damaged ? "is damaged" : "is wiped");
        boolean comesBackAsNew =
                damaged
                        ? cluster.rules.damagedStoreIsNewNode()
                        : cluster.rules.emptyStoreIsNewNode();
        if (comesBackAsNew) {
            cluster.replace(node);
            return;
        }
        node.crash();
        if (damaged) {
            node.damageTail();
        } else {
            node.wipe();
        }
        cluster.restartLater(node);
    }

    private void isolate() {
        int endpoint =
                scheduler.chance(60)
                        ? pick(cluster.living()).value()
                        : pick(cluster.clients()).endpoint();
        cluster.trace("%d is isolated", endpoint);
        cluster.network.isolate(endpoint);
        scheduler.after(
                scheduler.between(ISOLATED_MIN_NS, ISOLATED_MAX_NS),
                4,
                () -> cluster.network.join(endpoint));
    }

    private <T> T pick(List<T> from) {
        return from.get(scheduler.below(from.size()));
    }
}

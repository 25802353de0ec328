package org.keelfs.it.history;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.keelfs.it.cluster.Cluster;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Kills and stops parts of a cluster, one at a time, and knows what that may cost. */
final class Faults {
    private static final Logger LOG = LoggerFactory.getLogger(Faults.class);

    /** After it went on, a mount knows within this that it was evicted. */
    private static final long SETTLED_NS = 3_000_000_000L;

    private final Cluster cluster;
    private final int mounts;
    private final long silenceMs;
    private final SplittableRandom random;
    private final HistoryRun run;
    private final List<Loss> losses = new ArrayList<>();

    /**
     * @param silenceMs term and margin of leases: who is silent longer is evicted when in the way
     */
    Faults(Cluster cluster, int mounts, long silenceMs, long seed, HistoryRun run) {
        this.cluster = cluster;
        this.mounts = mounts;
        this.silenceMs = silenceMs;
        this.random = new SplittableRandom(seed);
        this.run = run;
    }

    /** What mounts may have lost. */
    List<Loss> losses() {
        return List.copyOf(losses);
    }

    private int any(int count) {
        return 1 + random.nextInt(count);
    }

    /** One after the other, each kind about as often, until the programs have ended. */
    void untilTheEnd() throws InterruptedException {
        int kinds = 7;
        int first = random.nextInt(kinds);
        for (int i = 0; !run.isOver(); i++) {
            one((first + i * 3) % kinds);
            boolean _ = run.awaitEnd(Duration.ofMillis(500 + random.nextInt(2500)));
        }
    }

    private void one(int kind) throws InterruptedException {
        switch (kind) {
            case 0 -> killMount(any(mounts));
            case 1 -> pauseMount(any(mounts), silenceMs + 1_500);
            case 2 -> pauseMount(any(mounts), silenceMs / 3);
            case 3 -> kill("metadata1");
            case 4 -> pause("metadata1", 1_000);
            case 5 -> kill("node" + any(3));
            default -> pause("node" + any(3), 2_000);
        }
    }

    private void kill(String part) {
        LOG.info("kill {}", part);
        cluster.kill9(part);
        cluster.up();
    }

    private void killMount(int mount) {
        long begunNs = System.nanoTime();
        kill("mount" + mount);
        losses.add(Loss.ofKill(mount, begunNs, System.nanoTime()));
    }

    private long pause(String part, long ms) throws InterruptedException {
        LOG.info("stop {} for {} ms", part, ms);
        cluster.pause(part);
        try {
            boolean _ = run.awaitEnd(Duration.ofMillis(ms));
        } finally {
            cluster.resume(part);
        }
        return System.nanoTime();
    }

    /** Also a short pause may cost the leases: what the machine does besides adds to it. */
    private void pauseMount(int mount, long ms) throws InterruptedException {
        long begunNs = System.nanoTime();
        long resumedNs = pause("mount" + mount, ms);
        if (resumedNs - begunNs > (silenceMs / 2) * 1_000_000) {
            losses.add(Loss.ofPause(mount, begunNs, resumedNs, resumedNs + SETTLED_NS));
        }
    }
}

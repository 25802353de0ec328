package org.keelfs.it.sim;

import java.util.SplittableRandom;

/**
 * What a run does and suffers: a swarm, every seed switches other things on. Scenarios narrow it.
 * Times are virtual nanoseconds; a network hop takes about 1 us.
 */
public final class SimOptions {
    public int replicas = 3;
    public int spareNodes = 1;
    public int clients = 2;
    public int sectors = 1;
    public int operationsPerClient = 7;
    public int threadsPerClient = 1;
    public int missedRunsMax = 2;

    /** Shares of operations, in percent; the rest are reads. */
    public int writePercent = 45;

    public int trimPercent = 5;
    public int truncatePercent;
    public int sharedPercent;

    /** Network: chances per message. */
    public int lossPercent = 3;

    public int duplicatePercent = 3;
    public int latePercent = 3;

    /** Chances per fault step, in percent. */
    public int crashPercent = 10;

    /** Chance that a node crashes just after an answer left. */
    public int crashAfterReplyPerMille;

    public int wipePercent;
    public int isolatePercent = 10;
    public int freezePercent = 10;
    public int clientCrashPercent;
    public int setChangePercent;

    /** The chunk is frozen, and copied for the next who uses it (decision 0070). */
    public int copyPercent;

    public int metadataRestartPercent;

    /** A healer that is not the holder catches a replica up (R7). */
    public int healerPercent;

    public int failedSyncPercent;
    public int damagePercent;
    public int hints = 80;
    public int resumePercent = 50;

    /** Term of a lease, and how long a recalled holder that renews may take. */
    public int termNs = 60_000;

    public int recallNs = 90_000;

    /** Links, each one way between a client and a node, that take long in this run. */
    public int slowLinks;

    /** Deadline of a round. */
    public int deadlineNs = 150_000;

    /** Fault steps of the safety phase, one about every 40 us. */
    public int faultSteps = 12;

    /** The swarm of a seed. */
    public static SimOptions of(long seed) {
        var random = new SplittableRandom(seed ^ 0x5EEDL);
        var o = new SimOptions();
        o.replicas = random.nextInt(4) == 0 ? 5 : 3;
        o.clients = 2 + random.nextInt(2);
        o.sectors = 1 + random.nextInt(3);
        o.operationsPerClient = 4 + random.nextInt(7);
        o.threadsPerClient = 1 + random.nextInt(2);
        o.missedRunsMax = 1 + random.nextInt(3);
        o.writePercent = 25 + random.nextInt(50);
        o.trimPercent = random.nextInt(15);
        o.truncatePercent = sometimes(random, 15);
        int shared = random.nextInt(4);
        o.sharedPercent = shared == 0 ? 100 : shared == 1 ? 30 : 0;
        o.lossPercent = sometimes(random, 20);
        o.duplicatePercent = sometimes(random, 15);
        o.latePercent = sometimes(random, 20);
        o.crashPercent = sometimes(random, 40);
        o.wipePercent = sometimes(random, 10);
        o.isolatePercent = sometimes(random, 40);
        o.freezePercent = sometimes(random, 40);
        o.clientCrashPercent = sometimes(random, 20);
        o.setChangePercent = sometimes(random, 30);
        o.metadataRestartPercent = sometimes(random, 20);
        o.failedSyncPercent = sometimes(random, 10);
        o.damagePercent = sometimes(random, 30);
        o.hints = random.nextInt(101);
        o.resumePercent = random.nextInt(101);
        o.crashAfterReplyPerMille = sometimes(random, 30);
        o.healerPercent = sometimes(random, 50);
        o.termNs = 15_000 + random.nextInt(45_000);
        o.recallNs = 15_000 + random.nextInt(75_000);
        o.slowLinks = sometimes(random, 6);
        o.deadlineNs = 25_000 + random.nextInt(175_000);
        o.copyPercent = sometimes(random, 40);
        return o;
    }

    private static int sometimes(SplittableRandom random, int most) {
        return random.nextInt(2) == 0 ? 0 : 1 + random.nextInt(most);
    }

    @Override
    public String toString() {
        return ("replicas=%d spares=%d clients=%d sectors=%d operations=%d threads=%d missedMax=%d"
                        + " write=%d trim=%d truncate=%d shared=%d loss=%d duplicate=%d late=%d"
                        + " crash=%d wipe=%d isolate=%d freeze=%d clientCrash=%d setChange=%d"
                        + " metadataRestart=%d failedSync=%d damage=%d hints=%d resume=%d steps=%d deadline=%d crashAfterReply=%d healer=%d term=%d recall=%d slowLinks=%d copy=%d")
                .formatted(
                        replicas,
                        spareNodes,
                        clients,
                        sectors,
                        operationsPerClient,
                        threadsPerClient,
                        missedRunsMax,
                        writePercent,
                        trimPercent,
                        truncatePercent,
                        sharedPercent,
                        lossPercent,
                        duplicatePercent,
                        latePercent,
                        crashPercent,
                        wipePercent,
                        isolatePercent,
                        freezePercent,
                        clientCrashPercent,
                        setChangePercent,
                        metadataRestartPercent,
                        failedSyncPercent,
                        damagePercent,
                        hints,
                        resumePercent,
                        faultSteps,
                        deadlineNs,
                        crashAfterReplyPerMille,
                        healerPercent,
                        termNs,
                        recallNs,
                        slowLinks,
                        copyPercent);
    }
}

package org.keelfs.it.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.ClusterDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Programs on three mounts use the same few files while mounts, nodes and the metadata server are
 * killed and stopped: a mount may lose a suffix of what it had not synced, and nothing else is lost
 * or seen out of order. Seed and length are those of {@link SeveralMountsTest}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 60, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class FaultyHistoryTest {
    private static final Logger LOG = LoggerFactory.getLogger(FaultyHistoryTest.class);
    private static final long SECONDS = Long.getLong("keelfs.history.seconds", 45);
    private static final long SEED = Long.getLong("keelfs.history.seed", 1);
    private static final int MOUNTS = 3;
    private static final int PROGRAMS_PER_MOUNT = 2;
    private static final int TERM_MS = 3_000;
    private static final int MARGIN_MS = 500;

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private Cluster cluster;

    @BeforeAll
    void start() {
        cluster =
                Cluster.builder()
                        .mounts(MOUNTS)
                        .setting("sync-namespace", SeveralMountsTest.SYNC_NAMESPACE)
                        .termMs(TERM_MS)
                        .setting("lease-margin-ms", Integer.toString(MARGIN_MS))
                        .setting("renew-ms", "500")
                        .setting("recall-stall-ms", "6000")
                        .setting("heartbeat-ms", "500")
                        .setting("operation-timeout-ms", "30000")
                        .start(directory.resolve("run"));
    }

    @AfterAll
    void stop() {
        cluster.close();
    }

    @Test
    void onlyASuffixOfWhatAMountHadNotSyncedIsLost() throws InterruptedException {
        try (var run = new HistoryRun(cluster, MOUNTS, directory.resolve("faulty"))) {
            run.makeObjects("faulty");
            run.start("faulty", PROGRAMS_PER_MOUNT, SEED, Long.MAX_VALUE, SECONDS, "tl");
            var faults = new Faults(cluster, MOUNTS, TERM_MS + MARGIN_MS, SEED, run);
            faults.untilTheEnd();
            run.join();
            List<CallLog> logs = run.logs();
            long answered = logs.stream().mapToLong(CallLog::answered).sum();
            long locked = logs.stream().mapToLong(log -> log.succeeded("lock")).sum();
            LOG.info(
                    "History of seed {}: {} calls in {} s, {} locks, losses {}",
                    SEED,
                    answered,
                    SECONDS,
                    locked,
                    faults.losses());
            assertTrue(answered > 5 * SECONDS, answered + " calls");
            assertTrue(locked > SECONDS, locked + " locks");
            var problems = new HistoryCheck(logs, faults.losses(), MOUNTS, true).problems();
            assertEquals("", String.join("\n", problems));
        }
    }
}

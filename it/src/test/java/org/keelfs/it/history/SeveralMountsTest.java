package org.keelfs.it.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
 * Programs on three mounts use the same few files at once; what they saw is linearizable. For
 * longer runs: {@code -Dkeelfs.history.seconds=600}; another plan: {@code -Dkeelfs.history.seed=7};
 * every change of a name at the server: {@code -Dkeelfs.history.sync-namespace=true}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 60, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SeveralMountsTest {
    private static final long SECONDS = Long.getLong("keelfs.history.seconds", 20);
    private static final long SEED = Long.getLong("keelfs.history.seed", 1);
    static final String SYNC_NAMESPACE =
            System.getProperty("keelfs.history.sync-namespace", "false");
    private static final Logger LOG = LoggerFactory.getLogger(SeveralMountsTest.class);
    private static final int MOUNTS = 3;
    private static final int PROGRAMS_PER_MOUNT = 2;

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private Cluster cluster;

    @BeforeAll
    void start() {
        cluster =
                Cluster.builder()
                        .mounts(MOUNTS)
                        .setting("sync-namespace", SYNC_NAMESPACE)
                        .start(directory.resolve("run"));
    }

    @AfterAll
    void stop() {
        cluster.close();
    }

    @Test
    void whatProgramsSeeIsLinearizable() throws InterruptedException {
        try (var run = new HistoryRun(cluster, MOUNTS, directory.resolve("calm"))) {
            run.makeObjects("calm");
            run.start("calm", PROGRAMS_PER_MOUNT, SEED, Long.MAX_VALUE, SECONDS, "mtl");
            run.join();
            List<CallLog> logs = run.logs();
            long answered = logs.stream().mapToLong(CallLog::answered).sum();
            long locked = logs.stream().mapToLong(log -> log.succeeded("lock")).sum();
            LOG.info(
                    "History of seed {}: {} calls in {} s, {} locks",
                    SEED,
                    answered,
                    SECONDS,
                    locked);
            assertTrue(answered > 10 * SECONDS, answered + " calls");
            assertTrue(locked > SECONDS, locked + " locks");
            var problems = new HistoryCheck(logs, List.of(), MOUNTS, false).problems();
            assertEquals("", String.join("\n", problems));
            assertFalse(
                    cluster.log("metadata1").contains("is evicted"),
                    "a mount that lives gave nothing back; see the log of metadata1");
        }
    }
}

package org.keelfs.it.fault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.ClusterDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A mount that was killed comes back to the place it had. */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MountRestartTest {
    private static final Logger LOG = LoggerFactory.getLogger(MountRestartTest.class);
    private static final Duration SHELL = Duration.ofSeconds(60);

    /** Far longer than anything here takes: who waited for it would be found. */
    private static final int TERM_MS = 200_000;

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    @Test
    void aKilledMountTakesItsPlaceWithoutWaitingForItsOldLeases() {
        try (Cluster cluster =
                Cluster.builder().mounts(2).termMs(TERM_MS).start(directory.resolve("run"))) {
            String variables = "A=%s\nB=%s\n".formatted(cluster.mount(1), cluster.mount(2));
            cluster.shell(
                            variables
                                    + "mkdir $A/d; echo synced > $A/d/f; sync $A/d/f; echo more >> $A/d/f",
                            SHELL)
                    .orThrow();
            long killedNs = System.nanoTime();
            cluster.kill9("mount1");
            cluster.up();
            long upNs = System.nanoTime();
            // What was not synced may be there or not; what was is.
            String seen =
                    cluster.shell(
                                    variables
                                            + "head -n 1 $A/d/f; echo new > $B/d/f; cat $A/d/f;"
                                            + " touch $A/d/g; ls $B/d",
                                    SHELL)
                            .orThrow();
            long endNs = System.nanoTime();
            assertEquals("synced\nnew\nf\ng\n", seen);
            LOG.info(
                    "A killed mount was back after {} ms, its files in use after {} ms more",
                    (upNs - killedNs) / 1_000_000,
                    (endNs - upNs) / 1_000_000);
            assertTrue(
                    (endNs - killedNs) / 1_000_000 < TERM_MS / 2, "the old lease was waited for");
            assertTrue(
                    cluster.log("metadata1").contains("its mount has started again"),
                    "the eviction of the predecessor in the log");
        }
    }
}

package org.keelfs.it.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** What issue 3 fixes about scripts/up and scripts/down. One cluster; each test finds it up. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class UpDownTest {
    private static final Duration SHELL = Duration.ofSeconds(60);

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private Cluster cluster;

    @BeforeAll
    void prepare() {
        cluster =
                Cluster.builder()
                        .mounts(2)
                        .termMs(3_000)
                        .setting("lease-margin-ms", "500")
                        .setting("renew-ms", "500")
                        .setting("heartbeat-ms", "500")
                        .prepare(directory.resolve("with a space"));
    }

    @BeforeEach
    void startWhatIsMissing() {
        cluster.up();
    }

    @AfterAll
    void takeAway() {
        cluster.close();
        assertEquals(List.of(), cluster.mounted());
    }

    private Map<String, Long> pids() {
        var pids = new TreeMap<String, Long>();
        for (String part : cluster.parts()) {
            pids.put(part, cluster.pid(part).orElse(-1));
        }
        return pids;
    }

    @Test
    void allIsWhereTheContractSays() throws IOException {
        Path dir = cluster.directory();
        assertEquals(
                List.of("metadata1", "mount1", "mount2", "node1", "node2", "node3"),
                cluster.parts());
        pids().forEach((part, pid) -> assertTrue(pid > 0, part));
        for (String part : cluster.parts()) {
            assertTrue(Files.exists(dir.resolve("log").resolve(part + ".log")), part);
            assertTrue(Files.isDirectory(cluster.data(part)), part);
        }
        assertEquals(
                "rw-------",
                PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(dir.resolve("secret/volume.pass"))));
        assertEquals(List.of(cluster.mount(1), cluster.mount(2)), cluster.mounted());
        assertFalse(Files.exists(dir.resolve("mnt")));
    }

    @Test
    void oneMountSeesWhatAnotherWrote() {
        cluster.shell("echo hello > greeting", SHELL).orThrow();
        String seen = cluster.shell("cat '" + cluster.mount(2) + "/greeting'", SHELL).orThrow();
        assertEquals("hello\n", seen);
    }

    @Test
    void upOnARunningClusterChangesNothing() {
        var before = pids();
        String said = cluster.up();
        assertEquals(before, pids());
        assertTrue(said.contains("Keelfs is up"), said);
    }

    @Test
    void upStartsAKilledNodeAndLeavesTheRestAlone() {
        var before = pids();
        cluster.kill9("node2");
        cluster.up();
        var after = pids();
        assertNotEquals(before.remove("node2"), after.remove("node2"));
        assertEquals(before, after);
        cluster.shell("echo more > after-node2; cat after-node2", SHELL).orThrow();
    }

    @Test
    void upMountsAgainWhereAMountWasKilled() {
        cluster.shell("echo kept > kept; sync -d kept", SHELL).orThrow();
        var before = pids();
        cluster.kill9("mount1");
        cluster.up();
        var after = pids();
        assertNotEquals(before.remove("mount1"), after.remove("mount1"));
        assertEquals(before, after);
        assertEquals("kept\n", cluster.shell("cat kept", SHELL).orThrow());
    }

    @Test
    void whatWasSyncedIsThereAfterEverythingWasKilled() {
        cluster.shell(
                        "mkdir -p k; for i in $(seq 50); do head -c 10000 /dev/urandom > k/f$i;"
                                + " done; sync -d k/*; sync -d k; (cd k && sha256sum f*) > '"
                                + cluster.directory()
                                + "/sums'",
                        SHELL)
                .orThrow();
        for (String part : List.of("mount1", "mount2", "node1", "node2", "node3", "metadata1")) {
            cluster.kill9(part);
        }
        cluster.up();
        cluster.shell(
                        "cd k && sha256sum --quiet -c '"
                                + cluster.directory()
                                + "/sums'; rm -r ../k",
                        SHELL)
                .orThrow();
    }

    @Test
    void downSavesAndStopsEverythingAndUpFindsItAgain() {
        cluster.shell("echo not synced > buffered", SHELL).orThrow();
        cluster.down();
        pids().forEach((part, pid) -> assertEquals(-1, pid, part));
        assertEquals(List.of(), cluster.mounted());
        cluster.down();
        cluster.up();
        assertEquals("not synced\n", cluster.shell("cat buffered", SHELL).orThrow());
    }

    @Test
    void downReturnsWithinAMinuteAndNamesWhatItCannotSave() {
        cluster.shell("echo base > base; sync -d base", SHELL).orThrow();
        for (String node : List.of("node1", "node2", "node3")) {
            cluster.kill9(node);
        }
        cluster.shell("echo lost > never-saved", SHELL).orThrow();
        long start = System.nanoTime();
        Shell.Result down = cluster.tryDown();
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
        assertTrue(seconds < 60, seconds + " s");
        assertEquals(3, down.exitCode(), down::toString);
        assertTrue(down.errors().contains("never-saved"), down::toString);
        assertEquals(List.of(), cluster.mounted());
        cluster.up();
        assertEquals("base\n", cluster.shell("cat base", SHELL).orThrow());
    }

    @Test
    void downTakesAwayAMountThatHangs() {
        cluster.pause("node1");
        cluster.pause("mount2");
        cluster.tryDown();
        pids().forEach((part, pid) -> assertEquals(-1, pid, part));
        assertEquals(List.of(), cluster.mounted());
    }

    @Test
    void aPartStartedByHandIsKnown() {
        long before = cluster.pid("node3").orElseThrow();
        Shell.Result second =
                cluster.keelfs("storage-node", "--config", cluster.config("node3").toString());
        assertEquals(6, second.exitCode(), second::toString);
        assertEquals(before, cluster.pid("node3").orElseThrow());
    }

    @Test
    void purgeLeavesNothing(
            @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
                    Path other) {
        try (var small = Cluster.builder().nodes(1).replicas(1).start(other.resolve("run"))) {
            small.shell("echo gone > gone", SHELL).orThrow();
            small.down("--purge");
            assertFalse(Files.exists(small.directory()));
        }
    }
}

package org.keelfs.it.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * The training that scripts/up starts beside the cluster (docs/decisions/0063): the mount does not
 * wait for it, and scripts/down leaves nothing of it.
 */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class TrainingTest {
    private static final Duration BEGUN = Duration.ofSeconds(120);

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    Path directory;

    private Path caches;
    private Cluster cluster;

    @BeforeEach
    void prepare() {
        caches = directory.resolve("aot");
        cluster = Cluster.builder().nodes(1).replicas(1).prepare(directory.resolve("run"));
        cluster.environment().put("KEELFS_TRAIN", "on");
        cluster.environment().put("KEELFS_AOT_DIR", caches.toString());
    }

    @AfterEach
    void takeAway() {
        cluster.close();
    }

    /** Up, and the cluster that is trained with has a process. */
    private void startTraining() {
        String said = cluster.up();
        assertTrue(said.contains("Keelfs is up"), said);
        assertEquals(List.of(cluster.mount()), cluster.mounted());
        Cluster.await(BEGUN, "training", () -> Files.exists(part("metadata1.pid")));
    }

    private Path part(String pidFile) {
        return caches.resolve("work/run/pid").resolve(pidFile);
    }

    private void assertNothingIsLeft() throws IOException {
        assertEquals(List.of(), trained());
        assertFalse(Files.exists(caches.resolve("work")));
        try (Stream<String> mounts = Files.lines(Path.of("/proc/self/mountinfo"))) {
            assertEquals(List.of(), mounts.filter(m -> m.contains(directory.toString())).toList());
        }
        assertFalse(Files.exists(caches.resolve("tried")), "it goes on at the next up");
    }

    /** All processes of the training, by what stands in their environment. */
    private List<String> trained() throws IOException {
        String mark = "KEELFS_AOT_TRAIN=" + caches.resolve("work");
        try (Stream<Path> all = Files.list(Path.of("/proc"))) {
            return all.filter(p -> p.getFileName().toString().matches("[0-9]+"))
                    .filter(p -> environment(p).contains(mark))
                    .map(p -> p.getFileName().toString())
                    .toList();
        }
    }

    private static List<String> environment(Path process) {
        try {
            byte[] bytes = Files.readAllBytes(process.resolve("environ"));
            return List.of(new String(bytes, StandardCharsets.UTF_8).split("\0"));
        } catch (IOException e) {
            return List.of(); // it has ended
        }
    }

    @Test
    void downRightAfterUpEndsTheTraining() throws IOException {
        startTraining();
        assertFalse(trained().isEmpty());
        cluster.down();
        assertNothingIsLeft();
    }

    @Test
    void downTakesAwayWhatAKilledTrainingLeft() throws IOException {
        startTraining();
        String trainer = Files.readString(cluster.directory().resolve("pid/train.pid")).strip();
        ProcessHandle.of(Long.parseLong(trainer)).orElseThrow().destroyForcibly();
        Cluster.await(
                Duration.ofSeconds(10),
                "the trainer to be gone",
                () -> !Files.exists(Path.of("/proc", trainer)));
        assertFalse(trained().isEmpty());
        cluster.down();
        assertNothingIsLeft();
    }
}

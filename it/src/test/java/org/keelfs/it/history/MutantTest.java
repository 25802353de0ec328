package org.keelfs.it.history;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.ClusterDirectory;

/** Mounts that are broken on purpose are found by their history. */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MutantTest {
    private static final int MOUNTS = 2;
    private static final long SECONDS = 12;

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    static List<Mutant> mutants() {
        return Mutant.all();
    }

    @ParameterizedTest
    @MethodSource("mutants")
    void isFound(Mutant mutant) throws InterruptedException {
        Path own = directory.resolve("mutant" + Mutant.all().indexOf(mutant));
        Path root = Path.of(System.getProperty("keelfs.root", ".")).toAbsolutePath().normalize();
        try (Cluster cluster = Cluster.builder().mounts(MOUNTS).prepare(own.resolve("run"))) {
            cluster.environment()
                    .put("KEELFS_CLASSPATH", mutant.classPath(root, own.resolve("classes")));
            cluster.up();
            try (var run = new HistoryRun(cluster, MOUNTS, own.resolve("history"))) {
                run.makeObjects("history");
                run.start("history", 2, 1, Long.MAX_VALUE, SECONDS, "-");
                run.join();
                var problems = new HistoryCheck(run.logs(), List.of(), MOUNTS, true).problems();
                assertFalse(problems.isEmpty(), mutant + " was not found");
            }
        }
    }
}

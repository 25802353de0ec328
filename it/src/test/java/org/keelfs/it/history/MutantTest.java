package org.keelfs.it.history;

import static org.junit.jupiter.api.Assertions.assertTrue;

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

    /** What is wrong shows only when calls meet in a certain order: so many tries, each anew. */
    private static final int TRIES_MAX = 10;

    private static final long SECONDS = 6;

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
            boolean found = false;
            for (int seed = 1; seed <= TRIES_MAX && !found; seed++) {
                found = isFound(cluster, own, seed, mutant.flags());
            }
            assertTrue(found, mutant + " was not found");
        }
    }

    private static boolean isFound(Cluster cluster, Path own, int seed, String flags)
            throws InterruptedException {
        String objects = "history" + seed;
        try (var run = new HistoryRun(cluster, MOUNTS, own.resolve(objects))) {
            run.makeObjects(objects);
            run.start(objects, 2, seed, Long.MAX_VALUE, SECONDS, flags);
            run.join();
            return !new HistoryCheck(run.logs(), List.of(), MOUNTS, true).problems().isEmpty();
        }
    }
}

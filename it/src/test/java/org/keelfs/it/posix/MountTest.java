package org.keelfs.it.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.Shell;

/**
 * Programs on the mount of a real cluster, next to the same on a local directory. This process
 * never touches the mount itself: a thread of it that waits there could not be ended.
 */
@ExtendWith(SharedCluster.class)
@Timeout(value = 240, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class MountTest {
    static final Duration SOON = Duration.ofSeconds(60);
    static final Duration LONG = Duration.ofSeconds(200);

    private Cluster cluster;
    private Path mounted;
    private Path local;

    @BeforeEach
    void makeDirectories(Cluster shared) {
        cluster = shared;
        String name = getClass().getSimpleName();
        mounted = shared.mount().resolve(name);
        local = shared.directory().resolve("local-" + name);
        remove();
        shell(shared.directory(), "mkdir -p '" + mounted + "' '" + local + "'; chmod 755 .", SOON);
    }

    @AfterEach
    void remove() {
        shell(cluster.directory(), "rm -rf '" + mounted + "' '" + local + "'", SOON);
    }

    Cluster cluster() {
        return cluster;
    }

    /** A directory of the test on the mount. */
    Path mounted() {
        return mounted;
    }

    /** A directory of the test that is not on the mount. */
    Path local() {
        return local;
    }

    /** What a script of bash says, run on the mount; {@code $LOCAL} is the other directory. */
    String onMount(String script) {
        return onMount(script, SOON);
    }

    String onMount(String script, Duration timeout) {
        return shell(mounted, script, timeout);
    }

    /** A script says the same on the mount and on the local directory. */
    void saysTheSame(String script) {
        String wanted = shell(local, script, SOON);
        assertEquals(wanted, onMount(script));
    }

    private String shell(Path directory, String script, Duration timeout) {
        Map<String, String> environment = Map.of("LOCAL", local.toString(), "LC_ALL", "C.UTF-8");
        return Shell.bash(directory, environment, script, timeout).orThrow();
    }

    /** Compiles a program of the resources into the local directory. */
    Path compile(String name) {
        Path source = local.resolve(name + ".c");
        try (InputStream text = MountTest.class.getResourceAsStream("/posix/" + name + ".c")) {
            Files.copy(text, source);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Path program = local.resolve(name);
        run(SOON, "gcc", "-O1", "-o", program.toString(), source.toString());
        return program;
    }

    String run(Duration timeout, String... command) {
        return Shell.run(local, Map.of(), List.of(command), timeout).orThrow();
    }
}

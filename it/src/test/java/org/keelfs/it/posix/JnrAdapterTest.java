package org.keelfs.it.posix;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.keelfs.fuse.jnr.JnrMount;
import org.keelfs.fuse.kernel.MountOptions;
import org.keelfs.it.bench.MemoryFileSystem;

/** The adapter of jnr-fuse, within the limits of libfuse 2. */
final class JnrAdapterTest extends AdapterContract {
    /**
     * libfuse 2 knows no such requests, gives names as strings, and has no path for an unlinked
     * file's stat.
     */
    private static final List<String> BEYOND_LIBFUSE =
            List.of("rename_flags", "holes", "names_of_bytes", "unnamed", "birth_time", "unlinked");

    @Override
    AutoCloseable mount(Path where) {
        JnrMount mount =
                JnrMount.prepare(where, MountOptions.builder().source("memory").acl(false).build());
        mount.start(new MemoryFileSystem(false, 512L << 20, 0));
        return () -> {
            mount.close();
            assertTrue(mount.awaitEnd(Duration.ofSeconds(10)), "the mount has ended");
        };
    }

    @Override
    List<String> checks() {
        var checks = new ArrayList<>(super.checks());
        checks.removeAll(BEYOND_LIBFUSE);
        return checks;
    }
}

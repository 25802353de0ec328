package org.keelfs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class MountTableTest {
    private static final List<String> TABLE =
            List.of(
                    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
                    "40 22 0:33 / /mnt rw,relatime - tmpfs none rw",
                    "41 40 0:34 / /mnt rw,nosuid shared:2 master:1 - fuse.keelfs keelfs:main rw",
                    "42 22 0:35 / /a\\040b\\134c rw - fuse.keelfs keelfs:x - y rw");

    @Test
    void theUppermostMountOfAPathCounts() {
        assertEquals(Optional.of("fuse.keelfs"), MountTable.typeAt(Path.of("/mnt"), TABLE));
    }

    @Test
    void pathsInsideAMountAreNoMounts() {
        assertEquals(Optional.empty(), MountTable.typeAt(Path.of("/mnt/x"), TABLE));
    }

    @Test
    void spacesAndBackslashesAreUnderstood() {
        assertEquals(Optional.of("fuse.keelfs"), MountTable.typeAt(Path.of("/a b\\c"), TABLE));
    }
}

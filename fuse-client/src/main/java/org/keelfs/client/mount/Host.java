package org.keelfs.client.mount;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Which processes have process ids in common with this one. */
final class Host {
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Path PID_NAMESPACE = Path.of("/proc/self/ns/pid");

    private Host() {}

    /** The same for mounts on one machine, since it booted, in one namespace of process ids. */
    static int number() {
        try {
            String boot = Files.readString(BOOT).strip();
            return (boot + Files.readSymbolicLink(PID_NAMESPACE)).hashCode();
        } catch (IOException e) {
            // Without /proc ids of other mounts must not be taken for this one's.
            return (int) ProcessHandle.current().pid() | Integer.MIN_VALUE;
        }
    }
}

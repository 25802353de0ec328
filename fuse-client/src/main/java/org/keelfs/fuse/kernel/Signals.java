package org.keelfs.fuse.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Signals that wait for a process. Stateless. */
final class Signals {
    /** SIGKILL in a set of signals. A signal without a handler that ends a process becomes one. */
    private static final long KILL = 1L << (9 - 1);

    private Signals() {}

    /** Whether a thread is to end, or has; also where that cannot be known. */
    static boolean isBeingKilled(int pid) {
        if (pid == 0) {
            // Of another pid namespace.
            return true;
        }
        try {
            for (String line :
                    Files.readAllLines(
                            Path.of("/proc", Integer.toString(pid), "status"),
                            StandardCharsets.ISO_8859_1)) {
                boolean pending = line.startsWith("SigPnd:") || line.startsWith("ShdPnd:");
                if (pending && (set(line) & KILL) != 0) {
                    return true;
                }
            }
            return false;
        } catch (IOException | NumberFormatException e) {
            return true;
        }
    }

    private static long set(String line) {
        return Long.parseUnsignedLong(line.substring(line.indexOf(':') + 1).strip(), 16);
    }
}

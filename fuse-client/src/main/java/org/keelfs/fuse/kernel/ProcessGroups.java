package org.keelfs.fuse.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Supplementary groups of a process, which no FUSE request carries. Stateless. */
public final class ProcessGroups {
    private ProcessGroups() {}

    /**
     * The groups; none where the process has ended. /proc/PID/status takes no lock that a process
     * waiting in a page fault could hold.
     */
    public static int[] read(int pid) {
        try {
            for (String line :
                    Files.readAllLines(
                            Path.of("/proc", Integer.toString(pid), "status"),
                            StandardCharsets.ISO_8859_1)) {
                if (line.startsWith("Groups:")) {
                    String list = line.substring("Groups:".length()).strip();
                    return list.isEmpty()
                            ? new int[0]
                            : Arrays.stream(list.split(" "))
                                    .mapToInt(Integer::parseUnsignedInt)
                                    .toArray();
                }
            }
        } catch (IOException | NumberFormatException e) {
            // The process has ended: its request is served with the groups that the request names.
        }
        return new int[0];
    }
}

package org.keelfs.fuse.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What no FUSE request tells about who asks.
 *
 * @param groups supplementary groups
 * @param capabilities effective ones over inodes of this mount, a bit each
 */
public record ProcessCredentials(int[] groups, long capabilities) {
    private static final ProcessCredentials NONE = new ProcessCredentials(new int[0], 0);
    private static final String GROUPS = "Groups:";
    private static final String EFFECTIVE = "CapEff:";

    /**
     * Those of a process, or of a thread; none where it has ended. /proc/PID/status takes no lock
     * that a process waiting in a page fault could hold.
     */
    public static ProcessCredentials read(int pid) {
        int[] groups = NONE.groups;
        long capabilities = 0;
        try {
            Path process = Path.of("/proc", Integer.toString(pid));
            for (String line :
                    Files.readAllLines(process.resolve("status"), StandardCharsets.ISO_8859_1)) {
                if (line.startsWith(GROUPS)) {
                    groups = numbers(line.substring(GROUPS.length()).strip());
                } else if (line.startsWith(EFFECTIVE)) {
                    String set = line.substring(EFFECTIVE.length()).strip();
                    capabilities = Long.parseUnsignedLong(set, 16);
                }
            }
            return new ProcessCredentials(
                    groups, capabilities != 0 && isOfOurUsers(process) ? capabilities : 0);
        } catch (IOException | NumberFormatException e) {
            // The process has ended: its request is served with what the request names.
            return NONE;
        }
    }

    private static int[] numbers(String list) {
        return list.isEmpty()
                ? NONE.groups
                : Arrays.stream(list.split(" ")).mapToInt(Integer::parseUnsignedInt).toArray();
    }

    /** Capabilities of a user namespace of its own say nothing about the users of this mount. */
    private static boolean isOfOurUsers(Path process) {
        try {
            Path namespace = Files.readSymbolicLink(process.resolve("ns/user"));
            return namespace.equals(Files.readSymbolicLink(Path.of("/proc/self/ns/user")));
        } catch (IOException e) {
            // Also where an ordinary user's mount may not look.
            return false;
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ProcessCredentials c
                && Arrays.equals(groups, c.groups)
                && capabilities == c.capabilities;
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(groups) + Long.hashCode(capabilities);
    }
}

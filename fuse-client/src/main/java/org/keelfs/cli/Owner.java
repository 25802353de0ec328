package org.keelfs.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Who owns a new root directory.
 *
 * @param uid user, unsigned
 * @param gid group, unsigned
 */
record Owner(int uid, int gid) {
    /** The user and group that this process runs as: who owns its directory in proc(5). */
    static Owner ofThisProcess() {
        try {
            return new Owner(ownId("unix:uid"), ownId("unix:gid"));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot tell who runs this", e);
        }
    }

    private static int ownId(String attribute) throws IOException {
        Path self = Path.of("/proc/self");
        return (Integer) Objects.requireNonNull(Files.getAttribute(self, attribute));
    }

    /** Reads {@code UID:GID}, both decimal. */
    static Owner parse(String text) {
        String[] ids = text.split(":", -1);
        try {
            if (ids.length == 2) {
                return new Owner(
                        Integer.parseUnsignedInt(ids[0]), Integer.parseUnsignedInt(ids[1]));
            }
        } catch (NumberFormatException e) {
            // The message below says the same of every form that is wrong.
        }
        throw new CliException(
                ExitCode.USAGE, "--owner takes two numbers, UID:GID, not '" + text + "'");
    }
}

package org.keelfs.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Where a volume's password comes from: never the command line, which others can see. */
final class PasswordFile {
    private PasswordFile() {}

    /**
     * The password without the line end behind it.
     *
     * @param given on the command line, or null
     * @param dir directory that {@code up} made, for the default
     */
    static byte[] read(@Nullable Path given, Path dir) throws IOException {
        String named = System.getenv("KEELFS_PASSWORD_FILE");
        Path file =
                given != null
                        ? given
                        : named != null ? Path.of(named) : dir.resolve("secret/volume.pass");
        byte[] bytes = Files.readAllBytes(file);
        int length = bytes.length;
        while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r')) {
            length--;
        }
        if (length == 0) {
            throw new CliException(ExitCode.USAGE, "no password in " + file);
        }
        byte[] password = Arrays.copyOf(bytes, length);
        Arrays.fill(bytes, (byte) 0);
        return password;
    }
}

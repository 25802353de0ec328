package org.keelfs.it.posix;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The C program posix/checks.c: POSIX behaviour of a file system, one check per name. */
public final class PosixChecks implements AutoCloseable {
    /** All checks of the program. */
    public static final List<String> ALL =
            List.of(
                    "files",
                    "unlinked",
                    "large",
                    "directories",
                    "renames",
                    "rename_flags",
                    "links",
                    "symlinks",
                    "attributes",
                    "truncation",
                    "allocation",
                    "holes",
                    "append",
                    "mapping",
                    "xattrs",
                    "names",
                    "names_of_bytes",
                    "big_directory",
                    "unnamed",
                    "copying",
                    "special",
                    "birth_time",
                    "setuid_bits",
                    "locks");

    private final Path dir;
    private final Path program;

    /** Compiles the program. */
    public PosixChecks() {
        try (InputStream source = PosixChecks.class.getResourceAsStream("/posix/checks.c")) {
            dir = Files.createTempDirectory("keelfs-checks");
            Files.copy(source, dir.resolve("checks.c"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        program = dir.resolve("checks");
        Shell.run("gcc", "-O1", "-o", program.toString(), dir.resolve("checks.c").toString());
    }

    /**
     * Runs one check in a directory of its own below {@code mount}; fails with the line that does
     * not hold.
     */
    public void run(String check, Path mount) {
        Shell.bash(mount, "rm -rf check-" + check + "; mkdir check-" + check);
        Shell.run(program.toString(), check, mount.resolve("check-" + check).toString());
        Shell.bash(mount, "rm -rf check-" + check);
    }

    @Override
    public void close() {
        Shell.run("rm", "-r", dir.toString());
    }
}

package org.keelfs.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is mounted where, without touching the mounts: one whose process hangs would hang us. */
final class MountTable {
    private MountTable() {}

    /** Type of the file system mounted at exactly this path, the uppermost if there are several. */
    static Optional<String> typeAt(Path path) throws IOException {
        return typeAt(path, Files.readAllLines(Path.of("/proc/self/mountinfo")));
    }

    static Optional<String> typeAt(Path path, List<String> mountinfo) {
        String wanted = path.toString();
        return mountinfo.stream()
                .filter(line -> unescape(line.split(" ", 6)[4]).equals(wanted))
                .map(line -> line.substring(line.indexOf(" - ") + 3).split(" ", 2)[0])
                .reduce((_, later) -> later);
    }

    /** The kernel writes space, tab, line end and backslash as three octal digits. */
    private static String unescape(String field) {
        return field.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }

    /** The process that serves a mount: the one whose command line says so. */
    static Optional<ProcessHandle> processOf(Path mountPoint) {
        return ProcessHandle.allProcesses()
                .filter(process -> process.pid() != ProcessHandle.current().pid())
                .filter(process -> serves(process, mountPoint))
                .findFirst();
    }

    private static boolean serves(ProcessHandle process, Path mountPoint) {
        Path proc = Path.of("/proc", Long.toString(process.pid()));
        List<String> arguments = arguments(proc);
        int main = arguments.indexOf(Keelfs.class.getName());
        if (main < 0 || arguments.size() <= main + 1 || !arguments.get(main + 1).equals("mount")) {
            return false;
        }
        Path directory = workingDirectory(proc);
        return arguments.stream()
                .skip(main + 2L)
                .anyMatch(argument -> resolves(directory, argument, mountPoint));
    }

    private static boolean resolves(@Nullable Path directory, String argument, Path mountPoint) {
        try {
            Path path = Path.of(argument);
            return (directory == null ? path : directory.resolve(path))
                    .normalize()
                    .equals(mountPoint);
        } catch (java.nio.file.InvalidPathException _) {
            return false;
        }
    }

    private static List<String> arguments(Path proc) {
        try {
            return List.of(Files.readString(proc.resolve("cmdline")).split("\0"));
        } catch (IOException _) {
            // It ended, or is another user's.
            return List.of();
        }
    }

    private static @Nullable Path workingDirectory(Path proc) {
        try {
            return Files.readSymbolicLink(proc.resolve("cwd"));
        } catch (IOException _) {
            return null;
        }
    }
}

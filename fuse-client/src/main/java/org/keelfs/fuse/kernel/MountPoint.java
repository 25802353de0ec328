package org.keelfs.fuse.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a directory is before something is mounted on it, and who uses it afterwards. Stateless. */
public final class MountPoint {
    private static final Logger LOG = LoggerFactory.getLogger(MountPoint.class);

    private static final Path MOUNTS = Path.of("/proc/self/mountinfo");

    /** Enough to find the culprit; the rest is counted. */
    private static final int USERS_NAMED_MAX = 5;

    /** A line of mountinfo: "major:minor", file system type, source. */
    public record Mounted(String device, String type, String source) {}

    private MountPoint() {}

    /**
     * The directory's real path, when something may be mounted there.
     *
     * @throws MountException that says why not
     */
    public static Path checked(Path dir, List<Path> ownDirectories) {
        Path absolute = dir.toAbsolutePath().normalize();
        clearStale(absolute);
        Path real = real(absolute);
        Mounted mounted = mountedOn(real);
        if (mounted != null) {
            throw new MountException(
                    "%s is a mount point already (%s, type %s); unmount it first"
                            .formatted(real, mounted.source, mounted.type));
        }
        refuseOwn(real, ownDirectories);
        return real;
    }

    /** A mount whose daemon died answers ENOTCONN to everything: it is taken away. */
    private static void clearStale(Path dir) {
        Mounted mounted = mountedOn(dir);
        if (mounted == null || !mounted.type.startsWith("fuse")) {
            return;
        }
        try {
            Files.getLastModifiedTime(dir);
        } catch (FileSystemException e) {
            if (e.getReason() != null && e.getReason().contains("not connected")) {
                LOG.warn(
                        "{} was left by a process that died ({}); unmounting it",
                        dir,
                        mounted.source);
                Mounting.unmount(dir, true);
            }
        } catch (IOException e) {
            LOG.debug("{}: {}", dir, e.toString());
        }
    }

    private static Path real(Path dir) {
        try {
            Path real = dir.toRealPath();
            if (!Files.isDirectory(real)) {
                throw new MountException("mount point " + dir + " is not a directory");
            }
            return real;
        } catch (NoSuchFileException e) {
            throw new MountException("mount point " + dir + " does not exist; create it first", e);
        } catch (IOException e) {
            throw new MountException(
                    "cannot use mount point %s: %s".formatted(dir, e.getMessage()), e);
        }
    }

    /** A daemon that reads a file of its own mount waits for itself for ever. */
    private static void refuseOwn(Path dir, List<Path> ownDirectories) {
        var own = new ArrayList<>(ownDirectories);
        own.addAll(ownFiles());
        for (Path path : own) {
            Path absolute = path.toAbsolutePath().normalize();
            if (absolute.startsWith(dir) || realOrSame(absolute).startsWith(dir)) {
                throw new MountException(
                        "cannot mount on %s: this process itself uses %s".formatted(dir, path));
            }
        }
    }

    /**
     * What this process has mapped or open: the Java runtime, jars, libraries unpacked to /tmp,
     * logs.
     */
    private static List<Path> ownFiles() {
        var files = new ArrayList<Path>();
        try {
            for (String line :
                    Files.readAllLines(Path.of("/proc/self/maps"), StandardCharsets.ISO_8859_1)) {
                int slash = line.indexOf('/');
                if (slash >= 0) {
                    files.add(Path.of(unescape(line.substring(slash))));
                }
            }
        } catch (IOException e) {
            LOG.warn("cannot see which files this process has mapped: {}", e.getMessage());
        }
        try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path link : open) {
                String target = link(link);
                if (target.startsWith("/")) {
                    files.add(Path.of(target));
                }
            }
        } catch (IOException e) {
            LOG.warn("cannot see which files this process has open: {}", e.getMessage());
        }
        return files;
    }

    private static String link(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    private static Path realOrSame(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path;
        }
    }

    /**
     * What is mounted on exactly this directory, topmost; null if nothing. Does not touch the
     * mount.
     */
    public static @Nullable Mounted mountedOn(Path dir) {
        Mounted found = null;
        try {
            for (String line : Files.readAllLines(MOUNTS, StandardCharsets.ISO_8859_1)) {
                String[] fields = line.split(" ");
                if (fields.length < 10 || !unescape(fields[4]).equals(dir.toString())) {
                    continue;
                }
                // Optional fields end with a "-"; then type and source.
                int dash = 6;
                while (dash < fields.length - 2 && !fields[dash].equals("-")) {
                    dash++;
                }
                found = new Mounted(fields[2], fields[dash + 1], unescape(fields[dash + 2]));
            }
        } catch (IOException e) {
            LOG.warn("cannot read {}: {}", MOUNTS, e.getMessage());
        }
        return found;
    }

    /**
     * mountinfo writes space, tab, newline and backslash as three octal digits; names are UTF-8.
     */
    private static String unescape(String field) {
        byte[] in = field.getBytes(StandardCharsets.ISO_8859_1);
        var out = new java.io.ByteArrayOutputStream(in.length);
        for (int i = 0; i < in.length; i++) {
            if (in[i] == '\\' && i + 3 < in.length) {
                out.write(((in[i + 1] - '0') * 8 + in[i + 2] - '0') * 8 + in[i + 3] - '0');
                i += 3;
            } else {
                out.write(in[i]);
            }
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /**
     * Processes with a working directory or open file below {@code dir}, by their links in /proc.
     */
    static List<String> users(Path dir) {
        var users = new ArrayList<String>();
        int more = 0;
        try (DirectoryStream<Path> processes =
                Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                String how = uses(process, dir);
                if (how != null && users.size() < USERS_NAMED_MAX) {
                    users.add(
                            "process %s (%s, %s)"
                                    .formatted(process.getFileName(), command(process), how));
                } else if (how != null) {
                    more++;
                }
            }
        } catch (IOException e) {
            LOG.debug("cannot list /proc: {}", e.toString());
        }
        if (more > 0) {
            users.add(more + " more");
        }
        return users;
    }

    private static @Nullable String uses(Path process, Path dir) {
        if (linksBelow(process.resolve("cwd"), dir)) {
            return "working directory";
        }
        if (linksBelow(process.resolve("root"), dir)) {
            return "root directory";
        }
        try (DirectoryStream<Path> open = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path link : open) {
                if (linksBelow(link, dir)) {
                    return "open file";
                }
            }
        } catch (IOException e) {
            return null;
        }
        return null;
    }

    private static boolean linksBelow(Path link, Path dir) {
        try {
            return Files.readSymbolicLink(link).startsWith(dir);
        } catch (IOException e) {
            return false;
        }
    }

    private static String command(Path process) {
        try {
            return Files.readString(process.resolve("comm"), StandardCharsets.ISO_8859_1).strip();
        } catch (IOException e) {
            return "ended";
        }
    }
}

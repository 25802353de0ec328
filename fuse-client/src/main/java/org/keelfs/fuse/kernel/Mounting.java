package org.keelfs.fuse.kernel;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** mount(2), umount2(2) and fusermount3(1). Stateless. */
final class Mounting {
    private static final Logger LOG = LoggerFactory.getLogger(Mounting.class);

    private static final String TYPE = "fuse.keelfs";
    private static final Path CONNECTIONS = Path.of("/sys/fs/fuse/connections");
    private static final Path FUSE_CONF = Path.of("/etc/fuse.conf");
    private static final int FUSERMOUNT_WAIT_S = 30;

    private Mounting() {}

    static boolean isRoot() {
        return Libc.CALLS.geteuid() == 0;
    }

    /** Mounts a fresh connection on a directory that {@link MountPoint#checked} has seen. */
    static Device mount(Path dir, MountOptions options) {
        return isRoot() ? mountAsRoot(dir, options) : mountAsUser(dir, options);
    }

    private static Device mountAsRoot(Path dir, MountOptions options) {
        Device device = Device.open();
        // Without flags setuid programs and device nodes work as on any mount by root.
        long flags = options.flags().stream().mapToLong(MountFlag::bit).reduce(0, (a, b) -> a | b);
        String data =
                "fd=%d,rootmode=40000,user_id=0,group_id=0".formatted(device.fd())
                        + (options.defaultPermissions() ? ",default_permissions" : "")
                        + (options.allowOther() ? ",allow_other" : "");
        if (Libc.CALLS.mount(options.source(), dir.toString(), TYPE, flags, data) != 0) {
            boolean denied = Libc.isErrno(Errno.EPERM);
            String error = Libc.error();
            device.close();
            throw new MountException(
                    "cannot mount on %s: %s%s"
                            .formatted(
                                    dir,
                                    error,
                                    denied ? " (in a container: --cap-add SYS_ADMIN)" : ""));
        }
        return device;
    }

    private static Device mountAsUser(Path dir, MountOptions options) {
        if (!Files.isReadable(Device.PATH) || !Files.isWritable(Device.PATH)) {
            throw new MountException(
                    "%s is not open to this user; as root: chmod 666 %s"
                            .formatted(Device.PATH, Device.PATH));
        }
        var words = new ArrayList<String>();
        words.add("fsname=" + options.source().replace("\\", "\\\\").replace(",", "\\,"));
        words.add("subtype=keelfs");
        words.add("nosuid");
        words.add("nodev");
        words.addAll(options.words());
        if (options.defaultPermissions()) {
            words.add("default_permissions");
        }
        if (options.allowOther() && usersMayAllowOther()) {
            words.add("allow_other");
        }
        return new Device(
                Fusermount.mount(List.of("-o", String.join(",", words), "--", dir.toString())));
    }

    private static boolean usersMayAllowOther() {
        try {
            if (Files.readAllLines(FUSE_CONF, StandardCharsets.ISO_8859_1).stream()
                    .anyMatch(line -> line.strip().equals("user_allow_other"))) {
                return true;
            }
        } catch (IOException e) {
            // The same as a file without the line.
        }
        LOG.info("other users will not see this mount: {} has no line user_allow_other", FUSE_CONF);
        return false;
    }

    /**
     * Unmounts; {@code lazily} takes a busy mount out of the tree and leaves it to those who use
     * it.
     */
    static void unmount(Path dir, boolean lazily) {
        if (isRoot()) {
            unmountAsRoot(dir, lazily);
        } else {
            unmountAsUser(dir, lazily);
        }
    }

    private static void unmountAsRoot(Path dir, boolean lazily) {
        if (Libc.CALLS.umount2(dir.toString(), lazily ? Libc.MNT_DETACH : 0) == 0) {
            return;
        }
        if (Libc.isErrno(Errno.EBUSY)) {
            throw busy(dir);
        }
        // EINVAL: not mounted any more, which is what was wanted.
        if (!Libc.isErrno(Errno.EINVAL)) {
            throw new MountException("cannot unmount " + dir + ": " + Libc.error());
        }
    }

    private static MountException busy(Path dir) {
        List<String> users = MountPoint.users(dir);
        return new MountException(
                "cannot unmount %s: it is in use%s"
                        .formatted(dir, users.isEmpty() ? "" : " by " + String.join(", ", users)));
    }

    private static void unmountAsUser(Path dir, boolean lazily) {
        var command = new ArrayList<>(List.of(Fusermount.command(), "-u"));
        if (lazily) {
            command.add("-z");
        }
        command.addAll(List.of("--", dir.toString()));
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(FUSERMOUNT_WAIT_S, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new MountException("%s did not end".formatted(String.join(" ", command)));
            }
            if (process.exitValue() != 0) {
                throw said.contains("busy")
                        ? busy(dir)
                        : new MountException("cannot unmount %s: %s".formatted(dir, said.strip()));
            }
        } catch (IOException e) {
            throw new MountException("cannot run " + command.getFirst() + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MountException("interrupted while unmounting " + dir, e);
        }
    }

    /** Sets the kernel's read-ahead of a mounted file system; INIT can only lower it. */
    static void setReadAhead(MountPoint.@Nullable Mounted mounted, int kilobytes) {
        if (kilobytes <= 0 || mounted == null) {
            return;
        }
        Path file = Path.of("/sys/class/bdi", mounted.device(), "read_ahead_kb");
        try {
            Files.writeString(file, kilobytes + "\n");
        } catch (IOException e) {
            LOG.info(
                    "buffered reads stay at 128 KiB a request: cannot write {} ({}). As root: echo {} > {}",
                    file,
                    e.getMessage(),
                    kilobytes,
                    file);
        }
    }

    /** Ends the connection of a mount by force. What cannot be done is logged. */
    static void abort(Path dir, MountPoint.Mounted mounted) {
        String minor = mounted.device().substring(mounted.device().indexOf(':') + 1);
        Path connection = CONNECTIONS.resolve(minor);
        if (!Files.exists(connection) && isRoot()) {
            int _ = Libc.CALLS.mount("fusectl", CONNECTIONS.toString(), "fusectl", 0, "");
        }
        try {
            Files.writeString(connection.resolve("abort"), "1");
            LOG.info("aborted the connection of {}", dir);
        } catch (IOException e) {
            LOG.error(
                    "cannot abort the connection of {}; as root: mount -t fusectl none {}; echo 1 > {}/abort",
                    dir,
                    CONNECTIONS,
                    connection,
                    e);
        }
    }
}

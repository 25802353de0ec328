package org.keelfs.fuse.kernel;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.keelfs.base.Errno;

/**
 * The setuid helper that mounts for ordinary users: it gets one end of a socket pair, and sends the
 * descriptor of /dev/fuse through it. ProcessBuilder closes all descriptors of its children, hence
 * posix_spawn. Stateless.
 */
final class Fusermount {
    private static final String SOCKET_VARIABLE = "_FUSE_COMMFD";
    private static final List<String> COMMANDS = List.of("fusermount3", "fusermount");

    /** Setuid programs are not looked for in PATH. */
    private static final List<Path> DIRECTORIES =
            List.of(Path.of("/usr/bin"), Path.of("/bin"), Path.of("/usr/local/bin"));

    private static final int POINTER = 8;
    private static final int MSGHDR_SIZE = 56;
    private static final int CMSG_SIZE = 24;
    private static final int CMSG_DATA = 16;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    private Fusermount() {}

    /** The helper that this system has. */
    static String command() {
        for (String command : COMMANDS) {
            for (Path dir : DIRECTORIES) {
                Path file = dir.resolve(command);
                if (Files.isExecutable(file)) {
                    return file.toString();
                }
            }
        }
        throw new MountException(
                "ordinary users need fusermount3 to mount. Install it: sudo apt-get install fuse3");
    }

    /**
     * Mounts; the descriptor of the new connection. What goes wrong the helper says on standard
     * error.
     */
    static int mount(List<String> arguments) {
        String command = command();
        ByteBuffer pair = Device.struct(2 * Integer.BYTES);
        if (Libc.CALLS.socketpair(Libc.AF_UNIX, Libc.SOCK_STREAM, 0, Libc.address(pair)) != 0) {
            throw new MountException("socketpair failed: " + Libc.error());
        }
        int ours = pair.getInt(0);
        int theirs = pair.getInt(Integer.BYTES);
        try {
            int _ = Libc.CALLS.fcntl(ours, Libc.F_SETFD, Libc.FD_CLOEXEC);
            int pid;
            try {
                pid = spawn(command, arguments, theirs);
            } finally {
                int _ = Libc.CALLS.close(theirs);
            }
            int fd = receive(ours);
            int _ = Libc.CALLS.waitpid(pid, 0, 0);
            if (fd < 0) {
                throw new MountException(
                        "%s %s failed; it said why on standard error"
                                .formatted(command, String.join(" ", arguments)));
            }
            return fd;
        } finally {
            int _ = Libc.CALLS.close(ours);
        }
    }

    private static int spawn(String command, List<String> arguments, int socket) {
        var argv = new ArrayList<>(List.of(command));
        argv.addAll(arguments);
        var environment = List.of(SOCKET_VARIABLE + "=" + socket, "PATH=/usr/bin:/bin");
        ByteBuffer pid = Device.struct(Integer.BYTES);
        var held = new ArrayList<ByteBuffer>();
        int error =
                Libc.CALLS.posix_spawn(
                        Libc.address(pid),
                        command,
                        0,
                        0,
                        vector(argv, held),
                        vector(environment, held));
        java.lang.ref.Reference.reachabilityFence(held);
        if (error != 0) {
            throw new MountException("cannot run " + command + ": " + Libc.CALLS.strerror(error));
        }
        return pid.getInt(0);
    }

    /** A NULL-ended vector of C strings; {@code held} keeps their memory. */
    private static long vector(List<String> strings, List<ByteBuffer> held) {
        ByteBuffer pointers = Device.struct((strings.size() + 1) * POINTER);
        held.add(pointers);
        for (String string : strings) {
            byte[] bytes = string.getBytes(StandardCharsets.UTF_8);
            ByteBuffer text = Device.struct(bytes.length + 1).put(bytes);
            held.add(text);
            pointers.putLong(Libc.address(text));
        }
        return Libc.address(pointers);
    }

    /** The descriptor that comes as SCM_RIGHTS; -1 when the helper ended without sending one. */
    private static int receive(int socket) {
        ByteBuffer data = Device.struct(POINTER);
        ByteBuffer iovec = Device.struct(2 * POINTER);
        iovec.putLong(0, Libc.address(data)).putLong(POINTER, 1);
        ByteBuffer control = Device.struct(CMSG_SIZE);
        ByteBuffer message = Device.struct(MSGHDR_SIZE);
        // struct msghdr: name, namelen, iov, iovlen, control, controllen, flags.
        message.putLong(16, Libc.address(iovec)).putLong(24, 1);
        message.putLong(32, Libc.address(control)).putLong(40, CMSG_SIZE);
        long n;
        do {
            n = Libc.CALLS.recvmsg(socket, Libc.address(message), MSG_CMSG_CLOEXEC);
        } while (n < 0 && Libc.isErrno(Errno.EINTR));
        java.lang.ref.Reference.reachabilityFence(List.of(data, iovec, control));
        boolean came = n > 0 && message.getLong(40) >= CMSG_DATA + Integer.BYTES;
        return came ? control.getInt(CMSG_DATA) : -1;
    }
}

package org.keelfs.fuse.kernel;

import com.kenai.jffi.MemoryIO;
import java.nio.ByteBuffer;
import jnr.ffi.LastError;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Platform;
import jnr.ffi.Runtime;
import org.keelfs.base.Errno;

/** The C library's calls that the adapter makes, with plain addresses. Stateless. */
final class Libc {
    static final int O_RDWR = 2;
    static final int O_CLOEXEC = 0x80000;
    static final int MS_NOEXEC = 8;
    static final int MNT_DETACH = 2;
    static final int AF_UNIX = 1;
    static final int SOCK_STREAM = 1;
    static final int F_SETFD = 2;
    static final int FD_CLOEXEC = 1;

    /**
     * As in the man pages. Public only because the generated class lives in a package of its own.
     */
    public interface Calls {
        int open(String path, int flags);

        int close(int fd);

        long read(int fd, long address, long bytes);

        long write(int fd, long address, long bytes);

        int ioctl(int fd, long request, long address);

        int fcntl(int fd, int command, long argument);

        int mount(String source, String target, String type, long flags, String options);

        int umount2(String target, int flags);

        int socketpair(int domain, int type, int protocol, long fds);

        long recvmsg(int fd, long message, int flags);

        int posix_spawn(
                long pid, String file, long actions, long attributes, long argv, long environment);

        int waitpid(int pid, long status, int options);

        int geteuid();

        String strerror(int number);
    }

    static final Calls CALLS =
            LibraryLoader.create(Calls.class)
                    .load(Platform.getNativePlatform().getStandardCLibraryName());

    private static final Runtime RUNTIME = Runtime.getRuntime(CALLS);
    private static final MemoryIO MEMORY = MemoryIO.getInstance();

    private Libc() {}

    /** errno of this thread's last call. */
    static int errno() {
        return LastError.getLastError(RUNTIME);
    }

    /** What errno of this thread's last call means. */
    static String error() {
        return CALLS.strerror(errno());
    }

    /** Address of the first byte of a direct buffer, whatever its position. */
    static long address(ByteBuffer direct) {
        return MEMORY.getDirectBufferAddress(direct);
    }

    /** Number that errno has for this. */
    static boolean isErrno(Errno errno) {
        return errno() == errno.number();
    }
}

package org.keelfs.it.bench;

import java.nio.file.Path;
import java.time.Duration;
import org.keelfs.fuse.FuseMount;
import org.keelfs.fuse.jnr.JnrMount;
import org.keelfs.fuse.kernel.KernelMount;
import org.keelfs.fuse.kernel.MountException;
import org.keelfs.fuse.kernel.MountOptions;

/**
 * Mounts {@link MemoryFileSystem} until it is unmounted or the process gets SIGTERM: {@code
 * MemoryMount [--moves] [--jnr] [--readers=N] DIR}. Prints "mounted" when it can be used.
 */
public final class MemoryMount {
    private static final Duration VALID = Duration.ofSeconds(10);
    private static final Duration END_WAIT = Duration.ofSeconds(20);

    private MemoryMount() {}

    public static void main(String[] args) {
        boolean moves = false;
        boolean jnr = false;
        MountOptions.Builder chosen = MountOptions.builder().source("memory").acl(false);
        for (int i = 0; i < args.length - 1; i++) {
            if (args[i].equals("--moves")) {
                moves = true;
            } else if (args[i].equals("--jnr")) {
                jnr = true;
            } else if (args[i].startsWith("--readers=")) {
                chosen = chosen.readers(Integer.parseInt(args[i].substring(10)));
            } else {
                System.err.println("unknown option " + args[i]);
                System.exit(2);
            }
        }
        MountOptions options = chosen.build();
        var dir = Path.of(args[args.length - 1]);
        long bytesMax = Runtime.getRuntime().maxMemory() * 3 / 4;
        var fileSystem = new MemoryFileSystem(moves && !jnr, bytesMax, VALID.toNanos());
        try {
            FuseMount mount =
                    jnr ? JnrMount.prepare(dir, options) : KernelMount.prepare(dir, options);
            Runtime.getRuntime().addShutdownHook(new Thread(mount::close, "unmount"));
            mount.start(fileSystem);
            System.out.println("mounted");
            while (!mount.awaitEnd(END_WAIT)) {
                // Served by the adapter's threads.
            }
        } catch (MountException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }
}

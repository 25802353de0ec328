package org.keelfs.it.bench;

import java.nio.file.Path;
import java.time.Duration;
import org.keelfs.fuse.kernel.KernelMount;
import org.keelfs.fuse.kernel.MountException;
import org.keelfs.fuse.kernel.MountOptions;

/**
 * Mounts {@link MemoryFileSystem} until it is unmounted or the process gets SIGTERM: {@code
 * MemoryMount [--moves] [--readers=N] DIR}. Prints "mounted" when it can be used.
 */
public final class MemoryMount {
    private static final Duration VALID = Duration.ofSeconds(10);
    private static final Duration END_WAIT = Duration.ofSeconds(20);

    private MemoryMount() {}

    public static void main(String[] args) {
        boolean moves = false;
        MountOptions options = MountOptions.DEFAULTS.withSource("memory").withAcl(false);
        for (int i = 0; i < args.length - 1; i++) {
            if (args[i].equals("--moves")) {
                moves = true;
            } else if (args[i].startsWith("--readers=")) {
                options = options.withReaders(Integer.parseInt(args[i].substring(10)));
            } else {
                System.err.println("unknown option " + args[i]);
                System.exit(2);
            }
        }
        try {
            run(Path.of(args[args.length - 1]), options, moves);
        } catch (MountException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }

    private static void run(Path dir, MountOptions options, boolean moves) {
        KernelMount mount = KernelMount.prepare(dir, options);
        Runtime.getRuntime().addShutdownHook(new Thread(mount::close, "unmount"));
        mount.start(
                new MemoryFileSystem(
                        moves, Runtime.getRuntime().maxMemory() * 3 / 4, VALID.toNanos()));
        System.out.println("mounted");
        while (!mount.awaitEnd(END_WAIT)) {
            // Served by the adapter's threads.
        }
    }
}

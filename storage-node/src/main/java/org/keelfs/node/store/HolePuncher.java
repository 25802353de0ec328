package org.keelfs.node.store;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives the space of dead ranges inside a file back to the file system: fallocate(2) with
 * FALLOC_FL_PUNCH_HOLE, which the JDK does not offer. Where the system has no such call, or refuses
 * it, space comes back with compaction alone.
 */
public final class HolePuncher {
    private static final Logger LOG = LoggerFactory.getLogger(HolePuncher.class);

    private static final int O_WRONLY = 1;
    private static final int O_CLOEXEC = 0x80000;
    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;

    private final MethodHandle open;
    private final MethodHandle close;
    private final MethodHandle fallocate;
    private volatile boolean refused;

    /** Looks the three calls up. */
    @SuppressWarnings("restricted") // the one place of this module that leaves the JVM
    public HolePuncher() {
        var linker = Linker.nativeLinker();
        var lookup = linker.defaultLookup();
        open =
                linker.downcallHandle(
                        lookup.findOrThrow("open"),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
                        Linker.Option.firstVariadicArg(2));
        close =
                linker.downcallHandle(
                        lookup.findOrThrow("close"),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
        fallocate =
                linker.downcallHandle(
                        lookup.findOrThrow("fallocate"),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_LONG,
                                ValueLayout.JAVA_LONG));
    }

    /** Punches the range out; does nothing after the file system has refused once. */
    public void punch(Path file, long offset, long length) throws IOException {
        if (refused || length <= 0) {
            return;
        }
        try (var arena = Arena.ofConfined()) {
            MemorySegment path = arena.allocateFrom(file.toString(), StandardCharsets.UTF_8);
            int fd = (int) open.invokeExact(path, O_WRONLY | O_CLOEXEC);
            if (fd < 0) {
                LOG.warn("{} cannot be opened to punch a hole; its space comes back later", file);
                return;
            }
            int result =
                    (int)
                            fallocate.invokeExact(
                                    fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
            int closed = (int) close.invokeExact(fd);
            if (result != 0 || closed != 0) {
                refused = true;
                LOG.info(
                        "{}: the file system punches no holes; dead space comes back by compaction only",
                        file);
            }
        } catch (Throwable e) {
            throw new IOException("punching a hole into " + file + ": " + e, e);
        }
    }
}

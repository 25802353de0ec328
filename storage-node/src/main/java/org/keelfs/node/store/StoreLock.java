package org.keelfs.node.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a second process off a store's directory; the system lets go of it when the process ends.
 */
public final class StoreLock implements AutoCloseable {
    private final FileChannel channel;

    private StoreLock(FileChannel channel) {
        this.channel = channel;
    }

    /** Takes the lock, or throws with a line that says who has it. */
    public static StoreLock acquire(Path directory) throws IOException {
        var channel =
                FileChannel.open(
                        directory.resolve("lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
        try {
            if (tryLock(channel) == null) {
                var owner = ByteBuffer.allocate(32);
                int n = Math.max(0, channel.read(owner, 0));
                var pid = new String(owner.array(), 0, n, StandardCharsets.US_ASCII).strip();
                throw new IOException(
                        "store " + directory + " is in use by another process (" + pid + ")",
                        new OverlappingFileLockException());
            }
            channel.truncate(0);
            var pid = "pid " + ProcessHandle.current().pid() + "\n";
            var _ = channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
            return new StoreLock(channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static @Nullable Object tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}

package org.keelfs.metadata.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many records of the log are known to be forced, in a small file beside it (decision 0066).
 * Written after each force, so that it never says more than the disk holds; forced itself only now
 * and then, so that after a power cut it may say less. Confined to who forces the log.
 */
final class ForcedRecords implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ForcedRecords.class);

    private static final String NAME = "forced-records";

    /** The number, and the CRC-32C of its bytes. */
    private static final int BYTES = 12;

    /** Between two forces of this file: one call in a thousand of those that force the log. */
    private static final long FORCE_INTERVAL_NS = 5_000_000_000L;

    private final FileChannel channel;
    private long forcedNs;

    /** Opens it for writing in a directory that exists. */
    ForcedRecords(Path directory) throws IOException {
        boolean isNew = !Files.exists(directory.resolve(NAME));
        channel =
                FileChannel.open(
                        directory.resolve(NAME),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE);
        if (isNew) {
            try (var names = FileChannel.open(directory, StandardOpenOption.READ)) {
                names.force(true);
            }
        }
        forcedNs = System.nanoTime() - FORCE_INTERVAL_NS;
    }

    /** What the file of this directory says; 0 when it says nothing. */
    static long in(Path directory) throws IOException {
        Path file = directory.resolve(NAME);
        if (!Files.exists(file)) {
            return 0;
        }
        byte[] bytes = Files.readAllBytes(file);
        if (bytes.length == BYTES) {
            var buffer = ByteBuffer.wrap(bytes);
            long records = buffer.getLong();
            if (buffer.getInt() == checksum(records)) {
                return records;
            }
        }
        LOG.warn("{} is not whole; damage of the metadata log would not be found", file);
        return 0;
    }

    private static int checksum(long records) {
        var checksum = new CRC32C();
        checksum.update(ByteBuffer.allocate(Long.BYTES).putLong(records).flip());
        return (int) checksum.getValue();
    }

    /** So many records are on the disk. */
    void onForced(long records) throws IOException {
        var bytes = ByteBuffer.allocate(BYTES).putLong(records).putInt(checksum(records)).flip();
        while (bytes.hasRemaining()) {
            var _ = channel.write(bytes, bytes.position());
        }
        long nowNs = System.nanoTime();
        if (nowNs - forcedNs >= FORCE_INTERVAL_NS) {
            channel.force(false);
            forcedNs = nowNs;
        }
    }

    @Override
    public void close() throws IOException {
        try (channel) {
            channel.force(false);
        }
    }
}

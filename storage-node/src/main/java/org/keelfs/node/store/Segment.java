package org.keelfs.node.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One file of the log. The log holds one count while the segment is part of it, each reader another
 * while it reads; the file is closed with the last. Any thread.
 */
public final class Segment {
    private final int number;
    private final AtomicInteger holders = new AtomicInteger(1);
    private final AtomicLong liveBytes = new AtomicLong();

    /** Set once, by the committer, before anything in the segment is durable. */
    private volatile @Nullable StoreFile file;

    /** End of what was written, for the share of live bytes. */
    private volatile int writtenBytes;

    Segment(int number) {
        this.number = number;
    }

    static String name(int number) {
        return String.format("%08x.segment", number);
    }

    /** Number in a file's name, or -1 when it is not a segment's. */
    static int number(String name) {
        if (!name.endsWith(".segment") || name.length() != 16) {
            return -1;
        }
        try {
            return Integer.parseUnsignedInt(name.substring(0, 8), 16);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    public int number() {
        return number;
    }

    /** One more holder; false when the segment is gone. */
    public boolean retain() {
        return holders.getAndUpdate(n -> n == 0 ? 0 : n + 1) > 0;
    }

    /** One holder less. */
    public void release() {
        if (holders.decrementAndGet() == 0) {
            var open = file;
            if (open != null) {
                try {
                    open.close();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    /** Fills the buffer from an offset; only of what is durable. */
    public void readFully(ByteBuffer buffer, int offset) throws IOException {
        file().readFully(buffer, offset);
    }

    StoreFile file() {
        var open = file;
        if (open == null) {
            throw new IllegalStateException("segment " + number + " is not written yet");
        }
        return open;
    }

    boolean isOpen() {
        return file != null;
    }

    void opened(StoreFile open) {
        file = open;
    }

    void written(int end) {
        writtenBytes = end;
    }

    int writtenBytes() {
        return writtenBytes;
    }

    /** Counts stored sectors that came into use (or went out of it). */
    void addLiveBytes(long bytes) {
        liveBytes.addAndGet(bytes);
    }

    long liveBytes() {
        return liveBytes.get();
    }
}

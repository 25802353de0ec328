package org.keelfs.node.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One file of the log. The log holds one count while the segment is part of it, each reader another
 * while it reads; with the last the file goes, if the log has taken it out. Any thread.
 */
public final class Segment {
    private final int number;
    private final Files files;
    private final AtomicInteger holders = new AtomicInteger(1);
    private final AtomicLong liveBytes = new AtomicLong();

    /** Set once, by the committer, before anything in the segment is durable. */
    private volatile boolean begun;

    /** Set once, when the log has taken it out. */
    private volatile boolean retired;

    /** End of what was written, for the share of live bytes. */
    private volatile int writtenBytes;

    /** Where its file is. */
    interface Files {
        /** The open file; its caller holds the segment. */
        OpenSegments.Open use(int number) throws IOException;

        /** Nobody holds the segment any more. */
        void onReleased(Segment segment) throws IOException;
    }

    Segment(int number, Files files) {
        this.number = number;
        this.files = files;
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
        try {
            letGo();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void letGo() throws IOException {
        if (holders.decrementAndGet() == 0) {
            files.onReleased(this);
        }
    }

    /** Fills the buffer from an offset; only of what is durable, and by who holds the segment. */
    public void readFully(ByteBuffer buffer, int offset) throws IOException {
        try (var open = use()) {
            open.file().readFully(buffer, offset);
        }
    }

    /** Its file, to be closed after use. */
    OpenSegments.Open use() throws IOException {
        if (!begun) {
            throw new IllegalStateException("segment " + number + " is not written yet");
        }
        return files.use(number);
    }

    boolean isBegun() {
        return begun;
    }

    void begun() {
        begun = true;
    }

    boolean isRetired() {
        return retired;
    }

    /** The log has taken it out: its file is deleted with its last holder. */
    void retire() throws IOException {
        retired = true;
        letGo();
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

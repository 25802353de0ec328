package org.keelfs.client.data;

/**
 * Decides how far to read ahead of a sequential reader: pure arithmetic over places. The kernel
 * sends several requests of one stream at once, which may arrive out of order.
 */
final class ReadAhead {
    /**
     * Requests this near to the stream's end belong to it, if they are long: the kernel's own
     * read-ahead.
     */
    private static final int SLACK_SECTORS = 1024;

    private static final int LONG_REQUEST_SECTORS = 32;

    /** First window: one full run. */
    private static final int WINDOW_FIRST_SECTORS = RunSplitter.RUN_SECTORS_MAX;

    private final int windowMaxSectors;

    /** Guarded by the file's lock. */
    static final class Stream {
        /** Where a reader that goes on would go on. */
        private long next;

        /** Everything before was asked for. */
        private long issuedEnd;

        private int window;

        /** Where the reader was when the window grew last: it doubles once it was read through. */
        private long grownAt;

        /** From here on the nodes had nothing: the end of the file, or a hole. */
        private long emptyFrom = Long.MAX_VALUE;

        /** The nodes answered that nothing is written from this place on. */
        void onEmpty(long from) {
            emptyFrom = Math.min(emptyFrom, from);
        }

        void reset() {
            next = 0;
            issuedEnd = 0;
            window = 0;
            emptyFrom = Long.MAX_VALUE;
        }
    }

    /** Places to fetch now, empty when {@code from == end}. */
    record Window(long from, long end) {
        static final Window NONE = new Window(0, 0);

        boolean isEmpty() {
            return from >= end;
        }
    }

    ReadAhead(long bytesMax) {
        this.windowMaxSectors = (int) (bytesMax >> RunSplitter.SECTOR_SHIFT);
    }

    /** A reader wants {@code [from, end)}. */
    Window onRead(Stream stream, long from, long end) {
        boolean isLong = end - from >= LONG_REQUEST_SECTORS;
        boolean near = Math.abs(from - stream.next) <= (isLong ? SLACK_SECTORS : 1);
        if (!near || (stream.window == 0 && from == 0 && !isLong)) {
            stream.next = end;
            stream.issuedEnd = end;
            stream.window = 0;
            stream.emptyFrom = Long.MAX_VALUE;
            return Window.NONE;
        }
        if (end <= stream.next && stream.window != 0) {
            return Window.NONE;
        }
        stream.next = Math.max(stream.next, end);
        stream.issuedEnd = Math.max(stream.issuedEnd, stream.next);
        if (stream.next > stream.emptyFrom) {
            stream.emptyFrom = Long.MAX_VALUE;
        }
        if (stream.window == 0) {
            stream.window = Math.min(windowMaxSectors, WINDOW_FIRST_SECTORS);
            stream.grownAt = stream.next;
        } else if (stream.next - stream.grownAt >= stream.window) {
            stream.window = Math.min(windowMaxSectors, 2 * stream.window);
            stream.grownAt = stream.next;
        }
        return advance(stream);
    }

    private static Window advance(Stream stream) {
        long target = Math.min(stream.next + stream.window, stream.emptyFrom);
        // Whole runs: many small fetches would cost more than waiting for a full one.
        target -= target % RunSplitter.RUN_SECTORS_MAX;
        if (target <= stream.issuedEnd) {
            return Window.NONE;
        }
        var window = new Window(stream.issuedEnd, target);
        stream.issuedEnd = target;
        return window;
    }
}

package org.keelfs.node.store;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The open files of the log: the one that is written, and those of complete segments that were read
 * last. What nobody reads is closed when there are too many. Thread-safe: one lock, never held over
 * a call of the disk.
 */
final class OpenSegments {
    private static final Logger LOG = LoggerFactory.getLogger(OpenSegments.class);

    /**
     * Files kept open. A node of 10 TB has 160,000 segments; a process may often have 4096 files
     * open, sockets among them. A read of another segment costs an open(2) and a close(2) more:
     * microseconds beside its read of the disk.
     */
    static final int OPEN_MAX = 1024;

    private final StoreFiles files;
    private final int openMax;
    private final ReentrantLock lock = new ReentrantLock();

    /** By segment, the one used longest ago first. */
    @GuardedBy("lock")
    private final LinkedHashMap<Integer, Open> open = new LinkedHashMap<>(64, 0.75f, true);

    /** A file that stays open until each of its users has closed this once. */
    final class Open implements AutoCloseable {
        private final StoreFile file;

        /** Guarded by the lock of all. */
        private int users = 1;

        private Open(StoreFile file) {
            this.file = file;
        }

        StoreFile file() {
            return file;
        }

        @Override
        public void close() {
            lock.lock();
            try {
                users--;
            } finally {
                lock.unlock();
            }
            shed(openMax);
        }
    }

    @FunctionalInterface
    private interface Opening {
        StoreFile open() throws IOException;
    }

    /**
     * @param openMax files kept open while nobody uses them
     */
    OpenSegments(StoreFiles files, int openMax) {
        this.files = files;
        this.openMax = openMax;
    }

    /** Creates the file of a new segment. */
    Open create(int number) throws IOException {
        String name = Segment.name(number);
        return enter(number, openOrShed(name, () -> files.open(name)));
    }

    /** The file of a segment for reading; its caller holds the segment. */
    Open use(int number) throws IOException {
        Open known = known(number);
        if (known != null) {
            return known;
        }
        String name = Segment.name(number);
        return enter(number, openOrShed(name, () -> files.openToRead(name)));
    }

    private @Nullable Open known(int number) {
        lock.lock();
        try {
            Open known = open.get(number);
            if (known != null) {
                known.users++;
            }
            return known;
        } finally {
            lock.unlock();
        }
    }

    /** At the system's limit of open files what nobody uses goes first. */
    private StoreFile openOrShed(String name, Opening opening) throws IOException {
        try {
            return opening.open();
        } catch (NoSuchFileException e) {
            throw e;
        } catch (IOException e) {
            LOG.warn("{} cannot be opened: {}; other files are closed for it", name, e.toString());
            shed(0);
        }
        try {
            return opening.open();
        } catch (NoSuchFileException e) {
            throw e;
        } catch (IOException e) {
            throw new SegmentUnavailableException(name + " cannot be opened: " + e, e);
        }
    }

    private Open enter(int number, StoreFile file) {
        Open entered = new Open(file);
        Open known;
        lock.lock();
        try {
            known = open.putIfAbsent(number, entered);
            if (known != null) {
                known.users++;
            }
        } finally {
            lock.unlock();
        }
        if (known != null) {
            close(file);
            return known;
        }
        shed(openMax);
        return entered;
    }

    /** Closes files that nobody uses, those used longest ago first, until so many are left. */
    private void shed(int left) {
        List<StoreFile> closing = List.of();
        lock.lock();
        try {
            int surplus = open.size() - left;
            if (surplus > 0) {
                closing = takeUnused(surplus);
            }
        } finally {
            lock.unlock();
        }
        closing.forEach(OpenSegments::close);
    }

    @GuardedBy("lock")
    private List<StoreFile> takeUnused(int max) {
        var taken = new ArrayList<StoreFile>();
        var all = open.values().iterator();
        while (all.hasNext() && taken.size() < max) {
            Open next = all.next();
            if (next.users == 0) {
                all.remove();
                taken.add(next.file);
            }
        }
        return taken;
    }

    /** The segment has no holder any more. */
    void forget(int number) {
        @Nullable Open known;
        lock.lock();
        try {
            known = open.remove(number);
        } finally {
            lock.unlock();
        }
        if (known != null) {
            close(known.file);
        }
    }

    /** What counts in it was forced, or was only read. */
    private static void close(StoreFile file) {
        try {
            file.close();
        } catch (IOException e) {
            LOG.warn("a segment was not closed properly: {}", e.toString());
        }
    }
}

package org.keelfs.node.index;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.keelfs.base.Invariant;

/**
 * The chunks of one stripe that are in memory, the least recently used first, within a byte bound.
 * Guarded by its lock, which callers hold.
 */
final class ChunkStripe {
    /**
     * Entries looked at for eviction per change: those in the way are changed and not durable yet.
     */
    private static final int EVICTION_LOOK_MAX = 4;

    final ReentrantLock lock = new ReentrantLock();
    private final IndexFile file;
    private final long bytesMax;
    private final LinkedHashMap<Long, ChunkEntry> entries = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;

    ChunkStripe(IndexFile file, long bytesMax) {
        this.file = file;
        this.bytesMax = bytesMax;
    }

    /** The entry to look at: that of an unknown chunk is empty and not kept. */
    ChunkEntry entry(long chunk) {
        var entry = entries.get(chunk);
        if (entry == null) {
            entry = file.load(chunk);
            if (entry == null) {
                return new ChunkEntry(chunk);
            }
            keep(entry);
        }
        return entry;
    }

    /** The entry to change; followed by {@link #onChanged}. */
    ChunkEntry enter(long chunk) {
        var entry = entry(chunk);
        if (!entries.containsKey(chunk)) {
            keep(entry);
        }
        return entry;
    }

    private void keep(ChunkEntry entry) {
        entries.put(entry.chunk, entry);
        recount(entry);
        // What is not changed can go at any time.
        evict(0);
    }

    /** The entry's size may be another; the log is durable up to this position. */
    void onChanged(ChunkEntry entry, long durable) {
        recount(entry);
        evict(durable);
    }

    private void recount(ChunkEntry entry) {
        long now = entry.bytes();
        bytes += now - entry.countedBytes;
        entry.countedBytes = now;
    }

    /** Evicts some of the oldest entries while the bound is exceeded, never the one in use. */
    private void evict(long durable) {
        if (bytes <= bytesMax) {
            return;
        }
        var oldest = entries.values().iterator();
        for (int i = 0; i < EVICTION_LOOK_MAX && entries.size() > 1; i++) {
            var entry = oldest.next();
            if (!oldest.hasNext()) {
                return;
            }
            if (entry.flushing || (entry.dirty && entry.position > durable)) {
                continue;
            }
            if (entry.dirty) {
                file.write(List.of(change(entry)));
            }
            bytes -= entry.countedBytes;
            oldest.remove();
        }
    }

    private static IndexFile.Change change(ChunkEntry entry) {
        var state = entry.state;
        return new IndexFile.Change(entry.chunk, state == null ? null : entry.encode(state));
    }

    /**
     * Changed entries on their way to the table on disk; they stay in memory until {@link
     * #endFlush}.
     *
     * @param position the log must be durable up to here before they are written
     */
    record Flush(List<IndexFile.Change> changes, List<ChunkEntry> entries, long position) {}

    /** Encodes what changed. Takes the lock itself. */
    Flush beginFlush() {
        var changes = new ArrayList<IndexFile.Change>();
        var flushed = new ArrayList<ChunkEntry>();
        long position = 0;
        lock.lock();
        try {
            for (var entry : entries.values()) {
                if (entry.dirty) {
                    changes.add(change(entry));
                    flushed.add(entry);
                    entry.dirty = false;
                    entry.flushing = true;
                    position = Math.max(position, entry.position);
                }
            }
        } finally {
            lock.unlock();
        }
        return new Flush(changes, flushed, position);
    }

    /** The changes are written. Takes the lock itself. */
    void endFlush(Flush flush, long durable) {
        lock.lock();
        try {
            for (var entry : flush.entries()) {
                entry.flushing = false;
                if (entry.state == null && !entry.dirty) {
                    // Gone from the table as well: nothing to remember.
                    entries.remove(entry.chunk);
                    bytes -= entry.countedBytes;
                }
            }
            int before;
            do {
                before = entries.size();
                evict(durable);
            } while (bytes > bytesMax && entries.size() < before);
        } finally {
            lock.unlock();
        }
    }

    /** Adds the chunks in memory. Takes the lock itself. */
    void addChunks(Set<Long> chunks) {
        lock.lock();
        try {
            chunks.addAll(entries.keySet());
        } finally {
            lock.unlock();
        }
    }

    void invariants() {
        lock.lock();
        try {
            long sum = 0;
            for (var entry : entries.values()) {
                entry.runs.invariants();
                sum += entry.countedBytes;
            }
            Invariant.check(sum == bytes, "bytes of a stripe are those of its chunks");
        } finally {
            lock.unlock();
        }
    }
}

package org.keelfs.node.index;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.node.store.LiveBytes;
import org.keelfs.node.store.LogRecord;
import org.keelfs.node.store.RunWords;
import org.keelfs.register.Digest;
import org.keelfs.register.ReplicaState;

/**
 * What the index knows of one chunk. Guarded by the lock of its stripe. Stored as (big endian):
 *
 * <pre>
 * 1 version 2 | 1 status | 8 promised | 8 sealed | 16 digest | 8 position
 * 4 runs | 40 each
 * 4 staged records | each: 8 epoch, 4 runs, 40 each
 * </pre>
 */
final class ChunkEntry {
    private static final byte VERSION = 2;
    private static final int WORDS = RunWords.WORDS;

    /** Objects and map entry around the words, for the byte bound. */
    private static final int OVERHEAD_BYTES = 256;

    /** Fixes of one STAGE record. */
    private static final class Staged {
        final long epoch;
        long[] words;
        int count;

        Staged(long epoch, long[] words, int count) {
            this.epoch = epoch;
            this.words = words;
            this.count = count;
        }
    }

    final long chunk;
    @Nullable ReplicaState state;

    /** Of the last record applied: replay skips what is not behind it. */
    long position;

    /** Of the last record that changed promise, seal or status. */
    long sealPosition;

    RunMap runs = new RunMap();
    private final List<Staged> staged = new ArrayList<>(0);

    /** Changed since it was last written to the table on disk. */
    boolean dirty;

    /** Being written there by a checkpoint; must not be evicted. */
    boolean flushing;

    /** What it counted in the stripe's bytes. */
    long countedBytes;

    ChunkEntry(long chunk) {
        this.chunk = chunk;
    }

    long bytes() {
        long sum = OVERHEAD_BYTES + runs.bytes();
        for (var part : staged) {
            sum += (long) part.words.length * Long.BYTES;
        }
        return sum;
    }

    void apply(LogRecord record, LiveBytes live) {
        position = record.position();
        dirty = true;
        switch (record.kind()) {
            case STATE -> enter(record, live);
            case PUT -> {
                enter(record, live);
                putAll(record.runs(), record.runCount(), live);
            }
            case STAGE -> {
                enter(record, live);
                stage(record, live);
            }
            case UNSTAGE -> dropStaged(Long.MAX_VALUE, live);
            case INSTALL -> {
                enter(record, live);
                install(record, live);
            }
            case TOMBSTONE -> {
                enter(record, live);
                clear(live);
            }
            case DROP -> {
                clear(live);
                state = null;
                sealPosition = record.position();
            }
            case MOVE -> move(record, live);
            case FLOOR, COMMIT_MARK ->
                    throw new IllegalArgumentException("not of a chunk: " + record.kind());
        }
    }

    private void enter(LogRecord record, LiveBytes live) {
        var before = state;
        var next = record.state();
        if (before == null
                || before.promised() != next.promised()
                || before.sealed() != next.sealed()
                || before.status() != next.status()) {
            sealPosition = record.position();
        }
        state = next;
        dropStaged(next.promised(), live);
        if (next.status() == ReplicaState.Status.DAMAGED && record.kind() == LogRecord.Kind.STATE) {
            clear(live);
        }
    }

    private void clear(LiveBytes live) {
        runs.clear(live);
        dropStaged(Long.MAX_VALUE, live);
    }

    private void putAll(long[] words, int count, LiveBytes live) {
        for (int i = 0; i < count; i++) {
            if (words[i * WORDS + 1] == 0 && isZeroStamp(words, i)) {
                runs.remove(RunWords.first(words, i), RunWords.end(words, i), live);
            } else {
                runs.put(words, i, live);
            }
        }
    }

    private static boolean isZeroStamp(long[] words, int i) {
        int at = i * WORDS;
        return words[at + 1] == 0 && words[at + 2] == 0 && words[at + 3] == 0;
    }

    private void stage(LogRecord record, LiveBytes live) {
        staged.add(new Staged(record.epoch(), record.runs(), record.runCount()));
        for (int i = 0; i < record.runCount(); i++) {
            RunMap.countLive(record.runs(), i, 1, live);
        }
    }

    private void install(LogRecord record, LiveBytes live) {
        for (var part : staged) {
            if (part.epoch == record.state().sealed()) {
                putAll(part.words, part.count, live);
            }
        }
        putAll(record.runs(), record.runCount(), live);
        dropStaged(Long.MAX_VALUE, live);
    }

    /** Drops what is staged for an epoch below this one. */
    private void dropStaged(long belowEpoch, LiveBytes live) {
        if (staged.isEmpty()) {
            return;
        }
        for (var part : staged) {
            if (part.epoch < belowEpoch) {
                for (int i = 0; i < part.count; i++) {
                    RunMap.countLive(part.words, i, -1, live);
                }
            }
        }
        staged.removeIf(part -> part.epoch < belowEpoch);
    }

    private void move(LogRecord record, LiveBytes live) {
        for (int i = 0; i < record.runCount(); i++) {
            runs.relocate(record.runs(), i, live);
            for (var part : staged) {
                relocate(part, record.runs(), i, live);
            }
        }
    }

    private static void relocate(Staged part, long[] from, int i, LiveBytes live) {
        long[] out = new long[part.words.length];
        int n = 0;
        for (int j = 0; j < part.count; j++) {
            int first = RunWords.first(part.words, j);
            int end = RunWords.end(part.words, j);
            int moveFirst = Math.max(first, RunWords.first(from, i));
            int moveEnd = Math.min(end, RunWords.end(from, i));
            if (out.length < (n + 3) * WORDS) {
                out = Arrays.copyOf(out, (n + 3) * WORDS * 2);
            }
            if (moveFirst >= moveEnd
                    || RunWords.isHole(part.words, j)
                    || !RunWords.sameTimestamp(part.words, j, from, i)) {
                RunMap.cut(part.words, j, first, end, out, n++);
                continue;
            }
            RunMap.countLive(part.words, j, -1, live);
            if (first < moveFirst) {
                RunMap.cut(part.words, j, first, moveFirst, out, n);
                RunMap.countLive(out, n++, 1, live);
            }
            RunMap.cut(from, i, moveFirst, moveEnd, out, n);
            RunMap.countLive(out, n++, 1, live);
            if (moveEnd < end) {
                RunMap.cut(part.words, j, moveEnd, end, out, n);
                RunMap.countLive(out, n++, 1, live);
            }
        }
        part.words = out;
        part.count = n;
    }

    /**
     * Words of what is staged in this epoch, in the order they came; null-free copies of
     * references.
     */
    List<long[]> stagedWords(long epoch) {
        var words = new ArrayList<long[]>();
        for (var part : staged) {
            if (part.epoch == epoch) {
                words.add(Arrays.copyOf(part.words, part.count * WORDS));
            }
        }
        return words;
    }

    /** Runs in place and staged whose bytes lie in this segment, as words. */
    long[] runsIn(int segment) {
        var out = new WordList();
        out.addOf(runs.words(), runs.count(), segment);
        for (var part : staged) {
            out.addOf(part.words, part.count, segment);
        }
        return out.words();
    }

    /** Counts every live sector, for a table just loaded. */
    void countLive(LiveBytes live) {
        for (int i = 0; i < runs.count(); i++) {
            RunMap.countLive(runs.words(), i, 1, live);
        }
        for (var part : staged) {
            for (int i = 0; i < part.count; i++) {
                RunMap.countLive(part.words, i, 1, live);
            }
        }
    }

    byte[] encode(ReplicaState known) {
        int size = 1 + 1 + 8 + 8 + 16 + 8 + 4 + runs.count() * WORDS * Long.BYTES + 4;
        for (var part : staged) {
            size += 12 + part.count * WORDS * Long.BYTES;
        }
        var out = ByteBuffer.allocate(size);
        out.put(VERSION).put((byte) known.status().ordinal());
        out.putLong(known.promised()).putLong(known.sealed());
        out.putLong(known.digest().high()).putLong(known.digest().low());
        out.putLong(position);
        putWords(out, runs.words(), runs.count());
        out.putInt(staged.size());
        for (var part : staged) {
            out.putLong(part.epoch);
            putWords(out, part.words, part.count);
        }
        return out.array();
    }

    static ChunkEntry decode(long chunk, byte[] bytes) {
        var in = ByteBuffer.wrap(bytes);
        if (in.get() != VERSION) {
            throw new IllegalStateException("index entry of another version of Keelfs");
        }
        var entry = new ChunkEntry(chunk);
        var status = ReplicaState.Status.values()[in.get()];
        entry.state =
                new ReplicaState(
                        status, in.getLong(), in.getLong(), new Digest(in.getLong(), in.getLong()));
        entry.position = in.getLong();
        long[] words = getWords(in);
        entry.runs = new RunMap(words, words.length / WORDS);
        int parts = in.getInt();
        for (int i = 0; i < parts; i++) {
            long epoch = in.getLong();
            long[] part = getWords(in);
            entry.staged.add(new Staged(epoch, part, part.length / WORDS));
        }
        return entry;
    }

    private static void putWords(ByteBuffer out, long[] words, int count) {
        out.putInt(count);
        out.asLongBuffer().put(words, 0, count * WORDS);
        out.position(out.position() + count * WORDS * Long.BYTES);
    }

    private static long[] getWords(ByteBuffer in) {
        long[] words = new long[in.getInt() * WORDS];
        in.asLongBuffer().get(words);
        in.position(in.position() + words.length * Long.BYTES);
        return words;
    }
}

package org.keelfs.node.store;

import java.util.ArrayList;
import java.util.List;
import org.keelfs.model.Payload;

/** Cuts damaged sectors out of a record's runs, as runs of their own that carry the mark. */
final class RunCutter {
    private record Sector(int run, int index) {}

    private final LogRecord record;
    private final List<Sector> damaged = new ArrayList<>();

    RunCutter(LogRecord record) {
        this.record = record;
    }

    /** Sector {@code index} of run {@code run} is damaged; called in ascending order. */
    void damaged(int run, int index) {
        damaged.add(new Sector(run, index));
    }

    LogRecord record() {
        long[] runs = record.runs();
        long[] cut = new long[(record.runCount() + 2 * damaged.size()) * RunWords.WORDS];
        int n = 0;
        int next = 0;
        for (int i = 0; i < record.runCount(); i++) {
            int from = 0;
            while (next < damaged.size() && damaged.get(next).run() == i) {
                int bad = damaged.get(next++).index();
                n = piece(runs, i, from, bad, false, cut, n);
                n = piece(runs, i, bad, bad + 1, true, cut, n);
                from = bad + 1;
            }
            n = piece(runs, i, from, RunWords.count(runs, i), false, cut, n);
        }
        return record.withRuns(cut, n);
    }

    private static int piece(
            long[] runs, int i, int from, int to, boolean damaged, long[] out, int n) {
        if (from >= to) {
            return n;
        }
        boolean hole = RunWords.isHole(runs, i);
        int at = n * RunWords.WORDS;
        System.arraycopy(runs, i * RunWords.WORDS, out, at, RunWords.WORDS);
        out[at] = RunWords.header(RunWords.first(runs, i) + from, to - from, hole, damaged);
        long skipped = hole ? 0 : (long) from * Payload.STORED_SECTOR_BYTES;
        out[at + 4] = RunWords.place(runs, i) + skipped;
        return n + 1;
    }
}

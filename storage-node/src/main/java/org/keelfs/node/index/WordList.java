package org.keelfs.node.index;

import java.util.Arrays;
import org.keelfs.node.store.LogPosition;
import org.keelfs.node.store.RunWords;

/** Collects runs as words. One thread. */
final class WordList {
    private long[] words = new long[0];
    private int count;

    /** Adds those whose bytes lie in the segment; holes and damaged sectors have none. */
    void addOf(long[] from, int fromCount, int segment) {
        for (int i = 0; i < fromCount; i++) {
            if (!RunWords.isHole(from, i)
                    && !RunWords.isDamaged(from, i)
                    && LogPosition.segment(RunWords.place(from, i)) == segment) {
                add(from, i, RunWords.first(from, i), RunWords.end(from, i));
            }
        }
    }

    /** Adds the part [first, end) of run {@code i}. */
    void add(long[] from, int i, int first, int end) {
        if ((count + 1) * RunWords.WORDS > words.length) {
            words = Arrays.copyOf(words, Math.max(4, count * 2) * RunWords.WORDS);
        }
        RunMap.cut(from, i, first, end, words, count++);
    }

    long[] words() {
        return Arrays.copyOf(words, count * RunWords.WORDS);
    }
}

package org.keelfs.client.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.keelfs.client.data.ReadAhead.Window;

class ReadAheadTest {
    private static final int RUN = RunSplitter.RUN_SECTORS_MAX;

    private final ReadAhead readAhead = new ReadAhead(8L << 20);
    private final ReadAhead.Stream stream = new ReadAhead.Stream();

    @Test
    void aSmallReadOfTheBeginningFetchesNothingMore() {
        assertTrue(readAhead.onRead(stream, 0, 1).isEmpty());
    }

    @Test
    void aReaderThatGoesOnIsFetchedFor() {
        assertTrue(readAhead.onRead(stream, 0, 1).isEmpty());
        assertEquals(new Window(2, RUN), readAhead.onRead(stream, 1, 2));
    }

    @Test
    void theWindowGrowsToItsLimitAndNothingIsFetchedTwice() {
        long fetchedTo = 0;
        for (long at = 0; at < 100L * RUN; at += RUN) {
            var window = readAhead.onRead(stream, at, at + RUN);
            if (!window.isEmpty()) {
                assertTrue(window.from() >= fetchedTo);
                assertTrue(window.end() - (at + RUN) <= 8L * RUN);
                assertEquals(0, window.end() % RUN);
                fetchedTo = window.end();
            }
        }
        assertEquals(100L * RUN + 8L * RUN, fetchedTo);
    }

    @Test
    void requestsOfTheKernelsOwnReadAheadMayComeOutOfOrder() {
        assertFalse(readAhead.onRead(stream, 0, 32).isEmpty());
        assertFalse(readAhead.onRead(stream, 3 * RUN, 4 * RUN).isEmpty());
        assertTrue(readAhead.onRead(stream, 2 * RUN, 3 * RUN).isEmpty());
        assertFalse(readAhead.onRead(stream, 4 * RUN, 5 * RUN).isEmpty());
    }

    @Test
    void aRandomReaderIsLeftAlone() {
        var random = new Random(1);
        int windows = 0;
        for (int i = 0; i < 1000; i++) {
            long at = random.nextInt(1 << 24);
            windows += readAhead.onRead(stream, at, at + 1).isEmpty() ? 0 : 1;
        }
        assertEquals(0, windows);
    }

    @Test
    void theEndOfTheFileStopsItUntilTheReaderIsThere() {
        assertFalse(readAhead.onRead(stream, 0, RUN).isEmpty());
        stream.onEmpty(2 * RUN);
        assertTrue(readAhead.onRead(stream, RUN, 2 * RUN).isEmpty());
        assertFalse(readAhead.onRead(stream, 2 * RUN, 3 * RUN).isEmpty());
    }
}

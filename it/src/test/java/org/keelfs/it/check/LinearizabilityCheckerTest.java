package org.keelfs.it.check;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

class LinearizabilityCheckerTest {
    private final History history = new History();

    private Operation write(long value, long epoch) {
        var write = history.invokeWrite(0, 0, value);
        history.sent(write, epoch);
        return write;
    }

    private void read(long value) {
        history.done(history.invokeRead(1, 0), value);
    }

    @Test
    void aReadReturnsTheLastWrite() {
        history.done(write(1, 1));
        read(1);
        history.done(write(2, 1));
        read(2);
        assertNull(history.check());
    }

    @Test
    void anOldValueAfterANewOneIsFound() {
        history.done(write(1, 1));
        var second = write(2, 1);
        read(2);
        read(1);
        history.done(second);
        assertNotNull(history.check());
    }

    @Test
    void aLostWriteIsFound() {
        history.done(write(1, 1));
        read(0);
        assertNotNull(history.check());
    }

    @Test
    void aConcurrentReadMaySeeEither() {
        history.done(write(1, 1));
        var second = write(2, 1);
        read(1);
        read(2);
        history.done(second);
        assertNull(history.check());
    }

    @Test
    void aWriteOfUnknownOutcomeMayAppearInItsEpoch() {
        history.unknown(write(1, 1));
        read(0);
        read(1);
        assertNull(history.check());
    }

    @Test
    void aWriteOfUnknownOutcomeMustNotSurfaceAfterTheNextEpochWasRead() {
        history.unknown(write(1, 1));
        history.opened(2);
        read(0);
        read(1);
        assertNotNull(history.check());
    }

    @Test
    void aWriteThatWasNeverSentMustNotAppear() {
        history.unknown(history.invokeWrite(0, 0, 7));
        read(7);
        assertNotNull(history.check());
    }

    @Test
    void aTrimReadsAsZeros() {
        history.done(write(1, 1));
        history.done(write(0, 1));
        read(0);
        assertNull(history.check());
    }
}

package org.keelfs.it.history;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Histories of locks on paper: what must be found, and what must not be taken for wrong. */
class LockHistoryTest {
    private static final int MOUNTS = 2;
    private static final int EIO = 5;
    private static final int EAGAIN = LockModel.EAGAIN;

    private final List<Call> calls = new ArrayList<>();
    private final List<Loss> losses = new ArrayList<>();

    /** Of owner 10 of mount 1 and so on. */
    private void call(int mount, long begun, long ended, String text, int errno, String answer) {
        var words = new ArrayList<>(List.of(text.split(" ")));
        String what = words.removeFirst();
        words.addFirst(Integer.toString(10 * mount));
        calls.add(
                new Call(
                        mount,
                        mount,
                        what,
                        "k0",
                        List.copyOf(words),
                        begun,
                        ended,
                        errno,
                        answer,
                        0));
    }

    private void ok(int mount, long begun, long ended, String text) {
        call(mount, begun, ended, text, 0, "");
    }

    private void refused(int mount, long begun, long ended, String text) {
        call(mount, begun, ended, text, EAGAIN, "");
    }

    private void sees(int mount, long begun, long ended, String text, String answer) {
        call(mount, begun, ended, text, 0, answer);
    }

    private void fits() {
        assertNull(check());
    }

    private void fails() {
        assertNotNull(check());
    }

    private @Nullable String check() {
        List<Call> shown = new LockHistory(losses).calls("k0", calls);
        return ObjectChecker.check(new LockModel(MOUNTS), shown, MOUNTS);
    }

    @Nested
    class WithoutFaults {
        @Test
        void readersShareAndAWriterIsAlone() {
            ok(1, 1, 2, "lock 1 sh try");
            ok(2, 3, 4, "lock 1 sh try");
            refused(1, 5, 6, "lock 1 ex try");
            ok(2, 7, 8, "unlock 7");
            ok(1, 9, 10, "lock 1 ex try");
            refused(2, 11, 12, "lock 1 sh try");
            fits();
        }

        @Test
        void twoWritersAtOnceAreFound() {
            ok(1, 1, 2, "lock 1 ex try");
            ok(2, 3, 4, "lock 3 ex wait");
            fails();
        }

        @Test
        void aReaderBesideAWriterIsFound() {
            ok(1, 1, 2, "lock 2 ex try");
            ok(2, 3, 4, "lock 7 sh wait");
            fails();
        }

        @Test
        void aLockThatIsRefusedThoughNobodyHoldsOneIsFound() {
            ok(1, 1, 2, "lock 1 ex try");
            ok(1, 3, 4, "unlock 7");
            refused(2, 5, 6, "lock 1 ex try");
            fails();
        }

        @Test
        void aLockIsNotRefusedForItsOwnOwnerOrOtherSections() {
            ok(1, 1, 2, "lock 1 ex try");
            refused(2, 3, 4, "lock 6 ex try");
            fails();
            calls.removeLast();
            refused(1, 3, 4, "lock 1 sh try");
            fails();
        }

        @Test
        void aWaitThatIsRefusedIsFound() {
            ok(1, 1, 2, "lock 1 ex try");
            refused(2, 3, 4, "lock 1 ex wait");
            fails();
        }

        @Test
        void aWaitEndsWithTheUnlock() {
            ok(1, 1, 2, "lock 1 ex try");
            ok(2, 3, 8, "lock 1 ex wait");
            ok(1, 5, 6, "unlock 7");
            fits();
            ok(1, 9, 10, "lock 1 sh try");
            fails();
        }

        @Test
        void whatIsGivenUpInPartIsHeldInPart() {
            ok(1, 1, 2, "lock 7 ex try");
            ok(1, 3, 4, "unlock 2");
            ok(2, 5, 6, "lock 2 ex try");
            refused(2, 7, 8, "lock 1 sh try");
            refused(2, 7, 8, "lock 4 sh try");
            fits();
            ok(2, 9, 10, "lock 4 sh try");
            fails();
        }

        @Test
        void aRefusedConversionKeepsTheLockButNotThatOfFlock() {
            ok(1, 1, 2, "lock 7 sh try");
            ok(2, 3, 4, "lock 7 sh try");
            refused(1, 5, 6, "lock 7 ex try");
            ok(2, 7, 8, "lock 7 ex try");
            fails();
            calls.removeLast();
            calls.removeLast();
            refused(1, 5, 6, "convert 7 ex try");
            ok(2, 7, 8, "convert 7 ex try");
            fits();
        }

        @Test
        void aWaitingConversionOfFlockGivesUpFirst() {
            ok(1, 1, 2, "lock 7 sh try");
            ok(2, 3, 4, "lock 7 sh try");
            ok(1, 5, 12, "convert 7 ex wait");
            ok(2, 6, 7, "convert 7 ex wait");
            ok(2, 8, 9, "unlock 7");
            fits();
            refused(2, 13, 14, "lock 7 sh try");
            fits();
            ok(2, 15, 16, "lock 7 sh try");
            fails();
        }

        @Test
        void aTestTellsAnothersLock() {
            ok(1, 1, 2, "lock 1 sh try");
            sees(2, 3, 4, "test 3 ex", "sh");
            sees(2, 3, 4, "test 3 sh", "un");
            sees(1, 3, 4, "test 3 ex", "un");
            fits();
            sees(2, 5, 6, "test 1 ex", "ex");
            fails();
        }

        @Test
        void aTestThatOverlooksALockIsFound() {
            ok(1, 1, 2, "lock 1 ex try");
            sees(2, 3, 4, "test 1 sh", "un");
            fails();
        }

        @Test
        void whatIsWrittenUnderALockIsReadUnderTheNext() {
            ok(1, 1, 2, "lock 1 ex try");
            ok(1, 3, 4, "write 0 7");
            ok(1, 5, 6, "unlock 7");
            ok(2, 7, 8, "lock 1 sh try");
            sees(2, 9, 10, "read 0", "7");
            fits();
            sees(2, 11, 12, "read 0", "0");
            fails();
        }

        @Test
        void aLockThatIsLostWithoutALossIsFound() {
            ok(1, 1, 2, "lock 1 ex try");
            refused(2, 3, 4, "lock 1 sh try");
            sees(2, 5, 6, "test 1 sh", "un");
            ok(1, 7, 8, "unlock 7");
            fails();
        }
    }

    @Nested
    class WithLosses {
        @Test
        void aKilledMountsLocksGoWithItsSession() {
            ok(1, 1, 2, "lock 1 ex try");
            losses.add(Loss.ofKill(1, 10, 30));
            refused(2, 15, 16, "lock 1 ex try");
            ok(2, 18, 20, "lock 1 ex wait");
            fits();
        }

        @Test
        void aLockThatOutlivesTheSuccessorOfItsMountIsFound() {
            ok(1, 1, 2, "lock 1 ex try");
            losses.add(Loss.ofKill(1, 10, 30));
            refused(2, 31, 32, "lock 1 ex try");
            fails();
        }

        @Test
        void aLockThatGoesBeforeItsMountIsKilledIsFound() {
            ok(1, 1, 2, "lock 1 ex try");
            losses.add(Loss.ofKill(1, 10, 30));
            ok(2, 5, 6, "lock 1 ex try");
            fails();
        }

        @Test
        void aLossOfOneMountTakesNothingFromTheOther() {
            ok(1, 1, 2, "lock 1 ex try");
            losses.add(Loss.ofKill(2, 10, 30));
            ok(2, 31, 32, "lock 1 ex try");
            fails();
        }

        @Test
        void whatADeadMountWasNotToldOfGoesWithIt() {
            call(1, 5, 12, "lock 1 ex try", EIO, "");
            losses.add(Loss.ofKill(1, 10, 30));
            refused(2, 15, 16, "lock 1 ex try");
            fits();
            refused(2, 31, 32, "lock 1 ex try");
            fails();
        }

        @Test
        void aMountThatStoodStillHasItsLocksOrNot() {
            ok(1, 1, 2, "lock 1 ex try");
            losses.add(Loss.ofPause(1, 10, 20, 30));
            sees(1, 40, 41, "read 0", "0");
            refused(2, 42, 43, "lock 1 ex try");
            fits();
            calls.clear();
            ok(1, 1, 2, "lock 1 ex try");
            ok(2, 15, 16, "lock 1 ex try");
            fits();
        }

        @Test
        void whoLostItsLockAndReadsOrWritesUnderItIsFound() {
            ok(1, 1, 2, "lock 1 ex try");
            losses.add(Loss.ofPause(1, 10, 20, 30));
            ok(2, 15, 16, "lock 1 ex try");
            ok(1, 12, 22, "write 0 7");
            fits();
            sees(2, 23, 24, "read 0", "0");
            fails();
            calls.removeLast();
            sees(1, 23, 24, "read 0", "7");
            fails();
        }

        @Test
        void aLockThatGoesAfterItsMountKnowsIsFound() {
            ok(1, 1, 2, "lock 1 ex try");
            losses.add(Loss.ofPause(1, 10, 20, 30));
            ok(2, 31, 32, "lock 1 ex try");
            sees(1, 33, 34, "read 0", "0");
            fails();
        }

        @Test
        void aCallOverAnEvictionMayHaveHadItsLockTwice() {
            losses.add(Loss.ofPause(1, 10, 20, 30));
            ok(1, 5, 25, "lock 1 ex wait");
            refused(2, 7, 8, "lock 1 ex try");
            ok(2, 15, 16, "lock 1 ex try");
            ok(2, 17, 18, "unlock 7");
            sees(1, 26, 27, "read 0", "0");
            fits();
            ok(2, 40, 41, "lock 1 ex try");
            fails();
        }

        @Test
        void whatNobodyWasToldOfDoesNotOutliveTheSession() {
            losses.add(Loss.ofPause(1, 10, 20, 30));
            refused(1, 5, 25, "lock 3 ex try");
            refused(2, 7, 8, "lock 3 ex try");
            ok(2, 15, 16, "lock 1 sh try");
            fits();
            refused(2, 31, 32, "lock 2 ex try");
            fails();
        }

        @Test
        void aHandleThatIsClosedHoldsNothingAfterAWhile() {
            long later = 60_000_000_000L;
            ok(1, 1, 2, "lock 1 ex try");
            call(1, 3, 4, "unlock 7", EIO, "");
            ok(1, 5, 6, "close");
            refused(2, 7, 8, "lock 1 ex try");
            fits();
            refused(2, later, later + 1, "lock 1 ex try");
            fails();
        }

        @Test
        void whatFailedMayHaveHappenedUntilItsHandleIsClosed() {
            call(1, 1, 2, "lock 1 ex try", EIO, "");
            refused(2, 3, 4, "lock 1 ex try");
            ok(1, 5, 6, "close");
            ok(2, 7, 8, "lock 1 ex try");
            fits();
            ok(2, 9, 10, "unlock 7");
            refused(2, 11, 12, "lock 1 sh try");
            fails();
        }
    }
}

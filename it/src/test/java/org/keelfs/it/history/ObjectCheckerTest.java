package org.keelfs.it.history;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Histories on paper: what must be found, and what must not be taken for wrong. */
class ObjectCheckerTest {
    private static final int MOUNTS = 2;
    private static final int ENOENT = 2;
    private static final int EEXIST = 17;
    private static final int EIO = 5;

    private final List<Call> calls = new ArrayList<>();

    private void call(int mount, long begun, long ended, String text, String answer) {
        call(mount, begun, ended, text, 0, answer, 0);
    }

    private void failed(int mount, long begun, long ended, String text, int errno) {
        call(mount, begun, ended, text, errno, "", 0);
    }

    private void call(
            int mount, long begun, long ended, String text, int errno, String answer, int life) {
        String[] words = text.split(" ");
        calls.add(
                new Call(
                        mount,
                        mount,
                        words[0],
                        "o",
                        List.of(words).subList(1, words.length),
                        begun,
                        ended,
                        errno,
                        answer,
                        life));
    }

    private <S> void fits(ObjectModel<S> model) {
        assertNull(check(model));
    }

    private <S> void fails(ObjectModel<S> model) {
        assertNotNull(check(model));
    }

    private <S> @Nullable String check(ObjectModel<S> model) {
        return ObjectChecker.check(model, calls, MOUNTS);
    }

    @Nested
    class Registers {
        private final RegisterModel model = new RegisterModel(0L);

        @Test
        void aReadBesideAWriteSeesEither() {
            call(1, 1, 5, "write 7", "");
            call(2, 2, 3, "read", "0");
            call(2, 4, 6, "read", "7");
            fits(model);
        }

        @Test
        void aStaleReadIsFound() {
            call(1, 1, 2, "write 7", "");
            call(2, 3, 4, "read", "0");
            fails(model);
        }

        @Test
        void aValueThatGoesAwayAgainIsFound() {
            call(1, 1, 9, "write 7", "");
            call(2, 2, 3, "read", "7");
            call(2, 4, 5, "read", "0");
            fails(model);
        }

        @Test
        void aWriteThatFailedMayHaveHappenedOrNot() {
            failed(1, 1, 2, "write 7", EIO);
            call(2, 3, 4, "read", "0");
            call(2, 5, 6, "read", "7");
            fits(model);
            call(2, 7, 8, "read", "0");
            fails(model);
        }

        @Test
        void aKilledMountLosesWhatItHadNotSynced() {
            call(1, 1, 2, "write 7", "");
            call(1, 3, 4, "write 8", "");
            call(1, 5, 8, "loss", "");
            call(2, 9, 10, "read", "7");
            fits(model);
        }

        @Test
        void aLossOfWhatWasSyncedIsFound() {
            call(1, 1, 2, "write 7", "");
            call(1, 3, 4, "sync", "");
            call(1, 5, 8, "loss", "");
            call(2, 9, 10, "read", "0");
            fails(model);
        }

        @Test
        void aLossOfAWriteThatSyncsIsFound() {
            call(1, 1, 2, "write 7 dsync", "");
            call(1, 5, 8, "loss", "");
            call(2, 9, 10, "read", "0");
            fails(model);
        }

        @Test
        void aLossOfWhatAnotherMountHadSeenIsFound() {
            call(1, 1, 2, "write 7", "");
            call(2, 3, 4, "read", "7");
            call(1, 5, 8, "loss", "");
            call(2, 9, 10, "read", "0");
            fails(model);
        }

        @Test
        void aLossThatNobodyDeclaredIsFound() {
            call(1, 1, 2, "write 7", "");
            call(1, 3, 4, "write 8", "");
            call(2, 9, 10, "read", "7");
            fails(model);
        }

        @Test
        void aWriteOfADeadMountMustNotSurfaceAfterItsLoss() {
            call(1, 1, Call.NEVER, "write 7", 0, "", 0);
            call(1, 2, 3, "loss", "");
            call(2, 4, 5, "read", "0");
            fits(model);
            call(2, 6, 7, "read", "7");
            fails(model);
        }
    }

    @Nested
    class Lists {
        private final ListModel model = new ListModel(16);

        @Test
        void recordsComeInTheOrderOfTheirAppends() {
            call(1, 1, 5, "append 7", "");
            call(2, 2, 4, "append 8", "");
            call(1, 6, 7, "read", "8,7");
            call(2, 6, 7, "bytes", "32");
            fits(model);
            call(2, 8, 9, "read", "7,8");
            fails(model);
        }

        @Test
        void aLostAppendIsFound() {
            call(1, 1, 2, "append 7", "");
            call(2, 3, 4, "append 8", "");
            call(1, 5, 6, "read", "8");
            fails(model);
        }

        @Test
        void aSizeThatCameLateIsFound() {
            call(1, 1, 2, "append 7", "");
            call(2, 3, 4, "bytes", "0");
            fails(model);
        }

        @Test
        void zerosAreSeenBesideATruncationThroughTheSameKernelOnly() {
            call(1, 1, 2, "append 7", "");
            call(1, 3, 6, "empty opened", "");
            call(1, 4, 5, "read", "-1");
            assertNull(ObjectChecker.check(model, HistoryCheck.untorn(calls), MOUNTS));
            call(2, 4, 5, "read", "-1");
            assertNotNull(ObjectChecker.check(model, HistoryCheck.untorn(calls), MOUNTS));
            calls.removeLast();
            call(1, 7, 8, "read", "-1");
            assertNotNull(ObjectChecker.check(model, HistoryCheck.untorn(calls), MOUNTS));
        }

        @Test
        void aRecordThatSurvivedItsTruncationIsFound() {
            call(1, 1, 2, "append 7", "");
            call(2, 3, 4, "empty", "");
            call(1, 5, 6, "append 8", "");
            call(2, 7, 8, "read", "8");
            fits(model);
            call(1, 9, 10, "read", "7,8");
            fails(model);
        }

        @Test
        void onlyASuffixOfAppendsIsLost() {
            call(1, 1, 2, "append 7", "");
            call(1, 3, 4, "append 8", "");
            call(1, 5, 6, "loss", "");
            call(2, 7, 8, "read", "8");
            fails(model);
        }
    }

    @Nested
    class Sizes {
        @Test
        void appendsAddAndWritesBehindTheEndExtend() {
            call(1, 1, 2, "resize 10", "");
            call(2, 3, 4, "grow 5", "");
            call(1, 5, 6, "extend 12", "");
            call(2, 7, 8, "size", "15");
            fits(new SizeModel());
            call(2, 9, 10, "size", "12");
            fails(new SizeModel());
        }

        @Test
        void aChangeWithoutEffectHereMayHaveOneLater() {
            call(1, 1, 2, "resize 20", "");
            call(1, 3, 9, "extend 15", "");
            call(2, 4, 8, "resize 10", "");
            call(2, 10, 11, "size", "15");
            fits(new SizeModel());
        }
    }

    @Nested
    class Names {
        private final NamesModel model = new NamesModel();

        @Test
        void aRenameIsSeenInOneStep() {
            call(1, 1, 2, "create d0/a", "5");
            call(1, 3, 9, "rename d0/a d1/b", "");
            call(2, 4, 5, "lookup d1/b", "5");
            call(2, 6, 7, "list d0", "");
            fits(model);
            call(2, 7, 8, "lookup d0/a", "5");
            fails(model);
        }

        @Test
        void aNameThatIsStillSeenAfterItsRemovalIsFound() {
            call(1, 1, 2, "create d0/a", "5");
            call(1, 3, 4, "unlink d0/a", "");
            failed(2, 5, 6, "lookup d0/a", ENOENT);
            fits(model);
            call(2, 7, 8, "list d0", "d0/a:5");
            fails(model);
        }

        @Test
        void anAbsenceThatOutlivesACreationIsFound() {
            call(1, 1, 2, "create d0/a", "5");
            failed(2, 3, 4, "create d0/a", EEXIST);
            fits(model);
            failed(2, 5, 6, "lookup d0/a", ENOENT);
            fails(model);
        }

        @Test
        void twoCreatorsOfOneNameAreFound() {
            call(1, 1, 3, "create d0/a", "5");
            call(2, 2, 4, "create d0/a", "6");
            fails(model);
        }

        @Test
        void aRenameOfOneFileToItsOtherNameChangesNothing() {
            call(1, 1, 2, "create d0/a", "5");
            call(1, 3, 4, "link 5 d0/b", "");
            call(2, 5, 6, "rename d0/a d0/b", "");
            call(1, 7, 8, "list d0", "d0/b:5,d0/a:5");
            fits(model);
        }

        @Test
        void aFileThatLostTheNameItWasFoundByIsLinkedWhileItLives() {
            call(1, 1, 2, "create d0/a", "5");
            call(1, 3, 4, "link 5 d0/b", "");
            call(2, 5, 6, "unlink d0/a", "");
            call(1, 7, 8, "link 5 d1/a", "");
            call(1, 9, 10, "list d1", "d1/a:5");
            fits(model);
        }

        @Test
        void aDeadFileIsNotLinked() {
            call(1, 1, 2, "create d0/a", "5");
            call(2, 3, 4, "unlink d0/a", "");
            failed(1, 5, 6, "link 5 d0/b", ENOENT);
            fits(model);
            calls.removeLast();
            call(1, 5, 6, "link 5 d0/b", "");
            fails(model);
        }

        @Test
        void aLinkThatIsRefusedWithoutAReasonIsFound() {
            call(1, 1, 2, "create d0/a", "5");
            failed(2, 3, 4, "link 5 d0/b", ENOENT);
            fails(model);
        }

        @Test
        void aSuffixOfChangesIsLostAndNotAMiddle() {
            call(1, 1, 2, "create d0/a", "5");
            call(1, 3, 4, "create d1/a", "6");
            call(1, 5, 6, "loss", "");
            call(2, 7, 8, "lookup d0/a", "5");
            failed(2, 9, 10, "lookup d1/a", ENOENT);
            fits(model);
            calls.removeLast();
            calls.removeLast();
            failed(2, 7, 8, "lookup d0/a", ENOENT);
            call(2, 9, 10, "lookup d1/a", "6");
            fails(model);
        }

        @Test
        void whatAnotherMountSawOfADirectoryIsNotLost() {
            call(1, 1, 2, "create d0/a", "5");
            call(1, 3, 4, "create d1/a", "6");
            call(2, 5, 6, "lookup d0/a", "5");
            call(1, 7, 8, "loss", "");
            failed(2, 9, 10, "lookup d1/a", ENOENT);
            fits(model);
            failed(2, 11, 12, "lookup d0/a", ENOENT);
            fails(model);
        }
    }
}

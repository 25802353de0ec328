package org.keelfs.it.fault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.ClusterDirectory;
import org.keelfs.it.cluster.Shell;

/**
 * Two mounts of one volume: each sees what the other did at its next call, and neither stops the
 * other.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class TwoMountsTest {
    private static final Duration SHELL = Duration.ofSeconds(60);

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private Cluster cluster;
    private String a = "";
    private String b = "";

    @BeforeAll
    void start() {
        cluster = Cluster.builder().mounts(2).start(directory.resolve("run"));
        a = cluster.mount(1).toString();
        b = cluster.mount(2).toString();
    }

    @AfterAll
    void stop() {
        cluster.close();
    }

    private Shell.Result shell(String script) {
        return cluster.shell("A=" + a + "\nB=" + b + "\n" + script, SHELL);
    }

    @Test
    void aChangeOnOneMountIsSeenByTheNextCallOnTheOther() {
        String seen =
                shell(
                                """
                        mkdir $A/seen; ls $B/seen
                        echo one > $A/seen/f; cat $B/seen/f
                        echo two2 > $B/seen/f; cat $A/seen/f; stat -c %s $A/seen/f
                        mv $A/seen/f $A/seen/g; ls $B/seen; test ! -e $B/seen/f
                        chmod 600 $B/seen/g; stat -c %a $A/seen/g
                        rm $B/seen/g; test ! -e $A/seen/g; ls $A/seen
                        """)
                        .orThrow();
        assertEquals("one\ntwo2\n5\ng\n600\n", seen);
    }

    @Test
    void appendsFromBothMountsAtOnceLoseAndMixNothing() {
        String append =
                """
                append() { for i in $(seq 150); do echo "$1-$i-line" >> "$2"; done; }
                append a $A/log & append b $B/log & wait
                wc -l < $A/log; wc -l < $B/log; sort -u $B/log | wc -l; grep -vcE '^[ab]-[0-9]+-line$' $A/log || true
                """;
        assertEquals("300\n300\n300\n0\n", shell(append).orThrow());
    }

    @Test
    void aFileThatOneMountHasOpenSurvivesItsRemovalOnTheOther() {
        String script =
                """
                echo kept > $A/open; exec 3< $A/open; rm $B/open
                cat <&3; exec 3<&-; test ! -e $A/open
                """;
        assertEquals("kept\n", shell(script).orThrow());
    }

    /** The mount that asks the server for it knows what it did to both files. */
    @Test
    void namesThatChangePlacesAreTwoFilesWithNewTimes() {
        String script =
                """
                mkdir $B/places; echo one > $B/places/f; echo two > $B/places/g; sync $B/places
                cd $A/places; cat f g; before=$(stat -c %z f g)
                renameat2=316; if [ $(uname -m) = aarch64 ]; then renameat2=276; fi
                perl -e '($nr, $f, $g) = @ARGV; syscall($nr + 0, -100, $f, -100, $g, 2) == 0 or die "renameat2: $!"' $renameat2 f g
                cat f g; after=$(stat -c %z f g); test "$after" = "$(cd $B/places; stat -c %z f g)" && echo same
                sort -u <(echo "$before") <(echo "$after") | wc -l
                """;
        assertEquals("one\ntwo\ntwo\none\nsame\n3\n", shell(script).orThrow());
    }

    /** A file that is removed while its creator opens it is made once, and removed once. */
    @Test
    void everyFileThatIsMadeAndRemovedAtOnceIsCountedByBoth() {
        String script =
                """
                mkdir $A/race
                make() { set -C; n=0; while [ $n -lt 80 ]; do if : > $A/race/f; then n=$((n + 1)); fi; done; }
                make 2> /dev/null & maker=$!
                taken=0
                while kill -0 $maker 2> /dev/null; do
                    if rm $B/race/f 2> /dev/null; then taken=$((taken + 1)); fi
                done
                echo $((taken + $(ls $A/race | wc -l)))
                """;
        assertEquals("80\n", shell(script).orThrow(), "taken or left");
    }

    @Test
    void gitWorksInOneRepositoryFromBoth() {
        String script =
                """
                export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
                git init -q $A/repo; cd $A/repo; echo 1 > one; git add one; git commit -qm one
                cd $B/repo; echo 2 > two; git add two; git commit -qm two
                cd $A/repo; git log --format=%s; git status --short; git fsck --full 2>/dev/null
                """;
        String said = shell(script).orThrow();
        assertTrue(said.startsWith("two\none\n"), said);
    }
}

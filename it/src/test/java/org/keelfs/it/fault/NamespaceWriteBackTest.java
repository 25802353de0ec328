package org.keelfs.it.fault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.it.cluster.Background;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.ClusterDirectory;
import org.keelfs.it.cluster.Shell;

/**
 * Names that a mount answers ahead of the server: what a killed mount leaves is what its programs
 * did up to some point, a living one loses nothing, and others see everything at once.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class NamespaceWriteBackTest {
    private static final String SYNC = "KEELFS_SYNC_NAMESPACE";
    private static final Duration SHELL = Duration.ofSeconds(120);

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private Cluster cluster;
    private String a = "";
    private String b = "";

    @BeforeAll
    void prepare() {
        cluster =
                Cluster.builder()
                        .mounts(2)
                        .setting("sync-namespace", "false")
                        .prepare(directory.resolve("run"));
        a = cluster.mount(1).toString();
        b = cluster.mount(2).toString();
    }

    @BeforeEach
    void startWhatIsMissing() {
        cluster.up();
    }

    /** The server comes to the outcomes that the mounts had answered. */
    @AfterEach
    void nothingWasRefused() {
        for (String mount : new String[] {"mount1", "mount2"}) {
            assertFalse(cluster.log(mount).contains("another outcome"), cluster.log(mount));
        }
    }

    @AfterAll
    void stop() {
        cluster.close();
    }

    private Shell.Result shell(String script) {
        return Shell.bash(
                cluster.directory(),
                cluster.environment(),
                "A=" + a + "\nB=" + b + "\nset -e\n" + script,
                SHELL);
    }

    private Background background(String script) {
        // Not in the mount: a working directory would hold on to what is killed.
        return cluster.inBackground("cd /\nA=" + a + "\nB=" + b + "\n" + script, SHELL);
    }

    private static int number(Path file) {
        try {
            String text = Files.exists(file) ? Files.readString(file).strip() : "";
            return text.isEmpty() ? 0 : Integer.parseInt(text.lines().toList().getLast());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void aKilledMountLosesASuffixAndNothingThatWasSynced() {
        Path synced = cluster.directory().resolve("synced");
        String script =
                """
                mkdir -p $A/prefix/d{0,1,2,3,4}
                for ((i = 1; ; i++)); do
                    d=$A/prefix/d$((i % 5))
                    : > $d/n$i || exit
                    if ((i % 7 == 3)); then mv -T $d/n$i $A/prefix/d$(((i + 1) % 5))/r$i || exit; fi
                    if ((i % 50 == 0)); then sync $d || exit; echo $i >> PROGRESS; fi
                done
                """
                        .replace("PROGRESS", synced.toString());
        try (Background _ = background(script)) {
            Cluster.await(SHELL, "some files", () -> number(synced) >= 300);
            int before = number(synced);
            cluster.kill9("mount1");
            cluster.up();
            TreeMap<Integer, String> there = new TreeMap<>();
            String found = shell("find $B/prefix -type f -printf '%f\\n'").orThrow();
            found.lines().forEach(name -> there.put(Integer.parseInt(name.substring(1)), name));
            int last = there.lastKey();
            assertEquals(there.size(), last, "a middle is missing: " + there);
            assertEquals(there.size(), found.lines().count(), found);
            assertTrue(last >= before, last + ", but " + before + " was synced");
            there.forEach(
                    (i, name) ->
                            assertTrue(i == last || (i % 7 == 3) == name.startsWith("r"), name));
        }
    }

    @Test
    void aNameThatWasReplacedNeverShowsAnEmptyFile() {
        Path done = cluster.directory().resolve("replaced");
        String script =
                """
                mkdir -p $A/replace; seq 2000 > $A/replace/target; sync $A/replace/target
                for ((i = 1; ; i++)); do
                    seq 2000 > $A/replace/tmp || exit
                    mv -T $A/replace/tmp $A/replace/target || exit
                    echo $i >> PROGRESS
                done
                """
                        .replace("PROGRESS", done.toString());
        try (Background _ = background(script)) {
            Cluster.await(SHELL, "some renames", () -> number(done) >= 60);
            cluster.kill9("mount1");
            cluster.up();
            assertEquals("", shell("seq 2000 | cmp - $B/replace/target").orThrow());
        }
    }

    @Test
    void aRestartOfTheServerLosesNothingOfALivingMount() {
        Path made = cluster.directory().resolve("made");
        String script =
                """
                mkdir -p $A/living/d{0,1,2}
                for ((i = 1; i <= 1500; i++)); do
                    echo $i > $A/living/d$((i % 3))/f$i || exit
                    if ((i % 100 == 0)); then echo $i >> PROGRESS; fi
                done
                """
                        .replace("PROGRESS", made.toString());
        try (Background writer = background(script)) {
            Cluster.await(SHELL, "some files", () -> number(made) >= 300);
            cluster.kill9("metadata1");
            cluster.up();
            var _ = writer.join(SHELL).orThrow();
            String seen =
                    shell(
                                    """
                            for i in $(seq 1500); do cat $B/living/d$((i % 3))/f$i; done | cmp - <(seq 1500)
                            find $B/living -type f | wc -l
                            """)
                            .orThrow();
            assertEquals("1500\n", seen);
        }
    }

    @Test
    void everyChangeIsSeenByTheNextCallOnTheOtherMount() {
        String seen =
                shell(
                                """
                        mkdir $A/seen
                        for i in $(seq 15); do
                            mkdir $A/seen/d$i; : > $A/seen/d$i/x; : > $A/seen/d$i/y; : > $A/seen/d$i/z
                            test "$(ls $B/seen/d$i | tr '\\n' ' ')" = "x y z "
                            ln $A/seen/d$i/x $A/seen/d$i/l; test $(stat -c %h $B/seen/d$i/x) = 2
                            chmod 600 $A/seen/d$i/x; test $(stat -c %a $B/seen/d$i/l) = 600
                            rm $B/seen/d$i/y; test ! -e $A/seen/d$i/y
                            mv $A/seen/d$i/z $A/seen/d$i/x; test $(stat -c %h $B/seen/d$i/l) = 1
                            touch -d @1000000000 $A/seen/d$i/l; test $(stat -c %Y $B/seen/d$i/l) = 1000000000
                            mkdir $A/seen/d$i/s; mv $A/seen/d$i/s $A/seen/s$i; test -d $B/seen/s$i
                            ln -s over $A/seen/d$i/link; test $(readlink $B/seen/d$i/link) = over
                            rm -r $B/seen/d$i; test ! -e $A/seen/d$i
                            test $(stat -c %h $A/seen) = $(stat -c %h $B/seen)
                        done
                        ls $A/seen | wc -l
                        """)
                        .orThrow();
        assertEquals("15\n", seen);
    }

    /** Who has it open keeps what was written, and sees that it has no name, at once. */
    @Test
    void aFileThatTheOtherMountHasOpenIsRemovedForBoth() {
        String seen =
                shell(
                                """
                        mkdir $A/open; for i in 1 2 3 4; do echo old$i > $A/open/f$i; done
                        exec 5< $B/open/f1 6< $B/open/f2 7< $B/open/f3 8< $B/open/f4
                        sleep 6 # until the directory is not contended any more
                        for i in 1 2 3 4; do
                            : > $A/open/x$i; : > $A/open/y$i
                            echo new$i >> $A/open/f$i
                            rm $A/open/f$i
                            stat -Lc %h /dev/fd/$((i + 4)); cat <&$((i + 4))
                        done
                        """)
                        .orThrow();
        String expected = "";
        for (int i = 1; i <= 4; i++) {
            expected += "0\nold" + i + "\nnew" + i + "\n";
        }
        assertEquals(expected, seen);
    }

    @Test
    void aNewFileCanBeLockedAtOnce() {
        String locked =
                shell(
                                """
                        mkdir $A/locks
                        for i in $(seq 10); do flock -n $A/locks/f$i flock -n $A/locks/g$i true; done
                        flock $A/locks/f1 sh -c "flock -n $B/locks/f1 true || echo taken"
                        """)
                        .orThrow();
        assertEquals("taken\n", locked);
    }

    @Test
    void manyChangesFromBothMountsInOneDirectoryAreAllThere() {
        String seen =
                shell(
                                """
                        mkdir $A/both
                        make() { for i in $(seq 200); do : > $1/both/$2$i; mv $1/both/$2$i $1/both/$2-$i; done; }
                        make $A a & make $B b & wait
                        ls $A/both | wc -l; ls $B/both | grep -c -- -
                        for i in $(seq 200); do rm $A/both/b-$i; done & for i in $(seq 200); do rm $B/both/a-$i; done; wait
                        ls -A $A/both | wc -l; rmdir $A/both; test ! -e $B/both
                        """)
                        .orThrow();
        assertEquals("400\n400\n0\n", seen);
    }

    @Test
    void withSyncNamespaceAKilledMountLosesNoName() {
        cluster.stop("mount2");
        cluster.environment().put(SYNC, "true");
        try {
            cluster.up();
            var _ = shell("mkdir $B/sync; for i in $(seq 200); do : > $B/sync/$i; done").orThrow();
            cluster.kill9("mount2");
        } finally {
            cluster.environment().put(SYNC, "false");
        }
        cluster.up();
        assertEquals("200\n", shell("ls $A/sync | wc -l").orThrow());
    }
}

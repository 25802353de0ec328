package org.keelfs.it.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.keelfs.client.mount.ClientStack;
import org.keelfs.client.mount.MountConfig;
import org.keelfs.client.vfs.Call;
import org.keelfs.client.vfs.FileLock;
import org.keelfs.client.vfs.FileLock.Type;
import org.keelfs.client.vfs.Vfs;
import org.keelfs.config.ConfigFile;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.ClusterDirectory;
import org.keelfs.it.cluster.Shell;
import org.keelfs.model.Caller;
import org.keelfs.model.InodeId;

/** flock(2), fcntl(2) and OFD locks between two mounts. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class FileLocksTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final Duration SHELL = Duration.ofSeconds(200);

    /** Short, so that a mount that was killed is waited out soon. */
    private static final long TERM_MS = 6_000;

    /** Of each process; there are four. For longer runs: -Dkeelfs.locks.counts=2000. */
    private static final int COUNTS = Integer.getInteger("keelfs.locks.counts", 25);

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private final List<Locker> lockers = new ArrayList<>();
    private Cluster cluster;
    private Path program;
    private Locker a;
    private Locker b;
    private int files;

    @BeforeAll
    void start() {
        program = Locker.compile(directory);
        cluster =
                Cluster.builder()
                        .mounts(2)
                        .termMs(TERM_MS)
                        .setting("lease-margin-ms", "500")
                        .setting("renew-ms", "1000")
                        .start(directory.resolve("run"));
    }

    @AfterAll
    void stop() {
        cluster.close();
    }

    @BeforeEach
    void open() {
        files++;
        a = locker(1);
        b = locker(2);
    }

    @AfterEach
    void end() {
        lockers.forEach(Locker::close);
        lockers.clear();
    }

    /** With the test's file open as 0, and another as 1. */
    private Locker locker(int mount) {
        Locker locker = new Locker(program);
        lockers.add(locker);
        locker.does("open 0 " + file(mount, "f"));
        locker.does("open 1 " + file(mount, "g"));
        return locker;
    }

    private Path file(int mount, String name) {
        return cluster.mount(mount).resolve(name + files);
    }

    private static void got(Locker locker) {
        assertEquals("ok", locker.answer("a lock", SOON));
    }

    @ParameterizedTest
    @ValueSource(strings = {"fcntl", "ofd"})
    void rangesExcludeEachOtherBothWays(String kind) {
        a.does(kind + " 0 ex 0 10");
        assertEquals("EAGAIN", b.ask(kind + " 0 sh 9 1"));
        b.does(kind + " 0 ex 10 10");
        assertEquals("EAGAIN", a.ask(kind + " 0 ex 0 0"));
        assertEquals("ok ex 0 10 " + a.pid(), b.ask("test 0 sh 0 100"));
        b.waits(kind + " 0 ex 5 1 wait");
        a.does(kind + " 0 un 5 1");
        got(b);
        a.waits(kind + " 0 ex 10 1 wait");
        b.does("close 0");
        got(a);
    }

    @Test
    void flockExcludesConvertsAndWaits() {
        a.does("flock 0 ex");
        assertEquals("EAGAIN", b.ask("flock 0 sh nb"));
        b.waits("flock 0 sh");
        a.does("flock 0 sh");
        got(b);
        assertEquals("EAGAIN", a.ask("flock 0 ex nb"));
        b.does("flock 0 ex nb"); // The attempt of a gave up what it had, as flock(2) says.
        a.waits("flock 0 ex");
        b.does("close 0");
        got(a);
    }

    @Test
    void flockAndFcntlDoNotSeeEachOther() {
        a.does("flock 0 ex");
        b.does("fcntl 0 ex 0 0");
        b.does("fcntl 0 un 0 0");
        a.does("flock 0 un");
    }

    @Test
    void aCloseGivesUpFcntlLocksOfTheProcessAndFlockWithTheLastDescriptor() {
        a.does("flock 0 ex");
        a.does("fcntl 0 ex 0 1");
        a.does("ofd 0 ex 8 1");
        a.does("forkclose 0");
        assertEquals("EAGAIN", b.ask("fcntl 0 ex 0 1"));
        a.does("dup 0 5");
        a.does("close 5");
        b.does("fcntl 0 ex 0 1");
        assertEquals("EAGAIN", b.ask("fcntl 0 ex 8 1"));
        assertEquals("EAGAIN", b.ask("flock 0 sh nb"));
        b.waits("ofd 0 ex 8 1 wait");
        a.does("close 0");
        got(b);
        b.does("flock 0 ex");
    }

    @Test
    void aCycleOverTwoFilesAndMountsIsADeadlock() {
        a.does("fcntl 0 ex 0 1");
        b.does("fcntl 1 ex 0 1");
        a.waits("fcntl 1 ex 0 1 wait");
        assertEquals("EDEADLK", b.ask("fcntl 0 ex 0 1 wait"));
        b.does("fcntl 1 un 0 0");
        got(a);
    }

    @Test
    void aCycleOnOneMountIsADeadlockToo() {
        Locker c = locker(1);
        a.does("fcntl 0 ex 0 1");
        c.does("fcntl 1 ex 0 1");
        a.waits("fcntl 1 ex 0 1 wait");
        assertEquals("EDEADLK", c.ask("fcntl 0 ex 0 1 wait"));
        c.does("close 1");
        got(a);
    }

    @Test
    void aSignalEndsAWaitWhichIsGoneThen() {
        a.does("fcntl 0 ex 0 1");
        b.does("alarm 300");
        assertEquals("EINTR", b.ask("fcntl 0 ex 0 1 wait"));
        a.does("flock 0 ex");
        b.does("alarm 300");
        assertEquals("EINTR", b.ask("flock 0 ex"));
        a.does("fcntl 0 un 0 0");
        a.does("flock 0 un");
        Locker c = locker(1);
        c.does("fcntl 0 ex 0 1");
        c.does("flock 0 ex nb");
    }

    @Test
    void theEndOfAProcessGivesItsLocksAway() {
        a.does("fcntl 0 ex 0 1");
        a.does("flock 0 ex");
        a.does("ofd 0 ex 8 1");
        b.waits("fcntl 0 ex 0 1 wait");
        a.kill9();
        got(b);
        b.does("flock 0 ex");
        b.does("ofd 0 ex 8 1 wait");
    }

    @Test
    void aProcessThatIsKilledWhileItWaitsGetsNothing() {
        a.does("fcntl 0 ex 0 1");
        b.waits("fcntl 0 ex 0 1 wait");
        b.kill9();
        a.does("fcntl 0 un 0 0");
        locker(1).does("fcntl 0 ex 0 1 wait");
    }

    /**
     * The kernel names an open file description by its address. The next one may have the same name
     * before the end of this one is told: RELEASE comes when it likes.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aLateReleaseTakesNothingFromTheNextOfTheSameName(boolean flock) throws Exception {
        var config =
                ConfigFile.load(
                        cluster.directory().resolve("conf/mount1.yaml"),
                        MountConfig.class,
                        Map.of(
                                "KEELFS_STATE_DIR",
                                directory.resolve("third").toString(),
                                "KEELFS_METRICS_PORT",
                                "0"));
        var inode = new InodeId((Long) Files.getAttribute(file(2, "f"), "unix:ino"));
        var call = new Call(new Caller(0, 0, new int[0]), 0, 0, true);
        long name = 7;
        String theirs = flock ? "flock 0 ex nb" : "ofd 0 ex 0 0";
        try (ClientStack third = ClientStack.open(config)) {
            Vfs fs = third.fileSystem();
            long first = fs.open(call, inode, 2).handle();
            fs.setLock(call, inode, first, name, wholeFile(flock, Type.EXCLUSIVE), false);
            assertEquals("EAGAIN", b.ask(theirs));
            fs.setLock(call, inode, first, name, wholeFile(flock, Type.UNLOCK), false);
            long second = fs.open(call, inode, 2).handle();
            fs.setLock(call, inode, second, name, wholeFile(flock, Type.EXCLUSIVE), false);
            fs.release(call, inode, first, 0, false);
            fs.flush(call, inode, second, 8);
            assertEquals("EAGAIN", b.ask(theirs));
            fs.release(call, inode, second, 0, false);
            Cluster.await(SOON, "a release", () -> b.ask(theirs).equals("ok"));
        }
    }

    private static FileLock wholeFile(boolean flock, Type type) {
        return new FileLock(flock, type, 0, Long.MAX_VALUE, 0);
    }

    @Test
    void localWaitsOfFlockGoOnAtTheServer() {
        Locker c = locker(1);
        a.does("flock 0 ex");
        c.waits("flock 0 ex");
        assertEquals("EAGAIN", b.ask("flock 0 sh nb"));
        b.waits("flock 0 sh");
        a.does("flock 0 un");
        got(c);
        c.does("flock 0 un");
        got(b);
    }

    @Test
    void locksOutliveTheMetadataServer() {
        Locker c = locker(1);
        c.does("flock 1 ex"); // Delegated: nobody else has asked.
        a.does("fcntl 0 ex 0 1");
        assertEquals("EAGAIN", b.ask("fcntl 0 ex 0 1"));
        b.does("fcntl 0 ex 8 1");
        Locker d = locker(2);
        d.waits("fcntl 0 ex 0 1 wait");
        cluster.kill9("metadata1");
        cluster.up();
        assertEquals("EAGAIN", b.ask("fcntl 0 ex 0 1"));
        assertEquals("EAGAIN", b.ask("flock 1 sh nb"));
        assertEquals("EAGAIN", a.ask("fcntl 0 ex 8 1"));
        a.does("fcntl 0 un 0 0");
        got(d);
        c.does("close 1");
        b.does("flock 1 ex");
    }

    @Test
    void locksOfAMountThatIsKilledGoAfterItsLease() {
        a.does("fcntl 0 ex 0 1");
        a.does("flock 1 ex");
        assertEquals("EAGAIN", b.ask("fcntl 0 ex 0 1"));
        b.waits("fcntl 0 ex 0 1 wait");
        Locker c = locker(2);
        c.waits("flock 1 ex");
        cluster.kill9("mount1");
        got(b);
        got(c);
        lockers.forEach(Locker::close);
        cluster.up();
    }

    @Test
    void aMountThatLostItsSessionTellsTheProgramsThatHadLocks() {
        a.does("write 0 before");
        a.does("sync 0");
        a.does("fcntl 0 ex 0 1");
        a.does("open 2 " + file(1, "other"));
        cluster.pause("mount1");
        try {
            b.waits("fcntl 0 ex 0 1 wait");
            got(b);
            b.does("write 0 after!");
        } finally {
            cluster.resume("mount1");
        }
        assertEquals("EIO", a.ask("read 0"));
        assertEquals("EIO", a.ask("write 0 lost"));
        a.does("write 2 fine");
        assertEquals("ok after!", b.ask("read 0"));
        a.does("close 0");
        a.does("open 0 " + file(1, "f"));
        assertEquals("ok after!", a.ask("read 0"));
    }

    /**
     * The mount takes the write up before it knows of its eviction, and learns of it on the way.
     */
    @Test
    void aWriteUnderALockThatIsLostMeanwhileIsNotMade() {
        a.does("write 0 before");
        a.does("sync 0");
        a.does("fcntl 0 ex 0 1");
        cluster.pause("mount1");
        try {
            a.send("write 0 lost");
            b.waits("fcntl 0 ex 0 1 wait");
            got(b);
            b.does("write 0 after!");
        } finally {
            cluster.resume("mount1");
        }
        assertEquals("EIO", a.answer("the write", SOON));
        assertEquals("ok after!", b.ask("read 0"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"flock", "fcntl", "ofd"})
    void nothingIsLostUnderALock(String kind) {
        String script =
                """
                echo 0 > %1$s
                for mount in %1$s %1$s %2$s %2$s; do %3$s count $mount %4$s %5$d %6$s & jobs="${jobs:-} $!"; done
                for job in $jobs; do wait $job; done
                cat %1$s %2$s
                """
                        .formatted(
                                file(1, "n"),
                                file(2, "n"),
                                program,
                                kind,
                                COUNTS,
                                directory.resolve("guard"));
        Shell.Result result = cluster.shell(script, SHELL);
        assertEquals("%1$d%n%1$d%n".formatted(4 * COUNTS), result.orThrow());
    }

    @Test
    void twoMountsUseOneSqliteDatabase() {
        String script =
                """
                db() { sqlite3 -cmd '.timeout 60000' "$@" > /dev/null; }
                db %1$s 'pragma journal_mode=delete; create table t(mount, n)'
                fill() { for i in $(seq 8); do db $1 "begin immediate; insert into t values($2, $i); commit"; done; }
                fill %1$s 1 & jobs=$!; fill %2$s 2 & jobs="$jobs $!"
                for job in $jobs; do wait $job; done
                sqlite3 %1$s 'pragma integrity_check; select mount, count(*), sum(n) from t group by mount'
                sqlite3 %2$s 'pragma integrity_check; select count(*) from t'
                """
                        .formatted(file(1, "db"), file(2, "db"));
        String said = cluster.shell(script, SHELL).orThrow();
        assertEquals("ok\n1|8|36\n2|8|36\nok\n16\n", said);
    }

    @Test
    void whatNobodyElseLocksCostsNoRoundTrip() {
        a.does("open 2 " + file(1, "alone"));
        long rate = rate("fcntl", 500);
        cluster.pause("metadata1");
        try {
            // The lease still runs for a while: no server is needed.
            assertTrue(rate("flock", 500) > 0);
        } finally {
            cluster.resume("metadata1");
        }
        assertTrue(rate > 0);
    }

    private long rate(String kind, int ms) {
        var result =
                Shell.run(
                        directory,
                        Map.of(),
                        List.of(
                                program.toString(),
                                "rate",
                                file(1, "alone").toString(),
                                kind,
                                Integer.toString(ms)),
                        SOON);
        return Long.parseLong(result.orThrow().strip());
    }
}

package org.keelfs.it.fault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.ClusterDirectory;
import org.keelfs.it.cluster.Shell;

/** Storage nodes die, come back and rot below a mount at work. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class NodeFaultTest {
    private static final Duration SHELL = Duration.ofSeconds(120);

    /** What an operation waits for a majority here; 60 s unless set. */
    private static final int OPERATION_TIMEOUT_S = 8;

    private static final String MARKER = "plaintext-marker-5d1f0c3a-";

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private Cluster cluster;

    @BeforeAll
    void prepare() {
        cluster =
                Cluster.builder()
                        .setting("operation-timeout-ms", OPERATION_TIMEOUT_S + "000")
                        .setting("heartbeat-ms", "500")
                        .setting("clean-cache-bytes", "4194304")
                        .prepare(directory.resolve("run"));
    }

    @BeforeEach
    void startWhatIsMissing() {
        cluster.up();
    }

    @AfterAll
    void takeAway() {
        cluster.close();
    }

    /** Makes the kernel and the mount forget what they have of all files. */
    private void forgetCaches() {
        cluster.stop("mount1");
        cluster.up();
    }

    @Test
    void programsGoOnWhileOneNodeOfThreeIsKilledAndComesBack() {
        var work =
                cluster.inBackground(
                        "mkdir work; cd work; for i in $(seq 60); do head -c 200000 /dev/urandom >"
                                + " f$i; sync -d f$i; cp f$i g$i; cmp f$i g$i; mv g$i h$i; done;"
                                + " sha256sum f* > sums; cat h1 > /dev/null",
                        SHELL);
        for (String node : List.of("node1", "node2", "node3")) {
            cluster.kill9(node);
            cluster.up();
        }
        work.join(SHELL).orThrow();
        forgetCaches();
        cluster.shell("cd work; sha256sum --quiet -c sums; rm -r ../work", SHELL).orThrow();
    }

    @Test
    void withoutAMajorityOperationsFailAtTheirDeadlineAndWorkAgainAfterwards() {
        cluster.shell("head -c 500000 /dev/urandom > old; sync -d old; sha256sum old > sum", SHELL)
                .orThrow();
        forgetCaches();
        cluster.kill9("node1");
        cluster.kill9("node3");
        long start = System.nanoTime();
        Shell.Result read = cluster.shell("cat old > /dev/null", SHELL);
        Shell.Result write = cluster.shell("head -c 100000 /dev/zero > new; sync -d new", SHELL);
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
        assertTrue(read.errors().contains("Input/output error"), read::toString);
        assertTrue(write.errors().contains("Input/output error"), write::toString);
        assertTrue(seconds < 5 * OPERATION_TIMEOUT_S, seconds + " s");
        cluster.up();
        cluster.shell(
                        "sha256sum --quiet -c sum; echo again > again; sync -d again; cat again",
                        SHELL)
                .orThrow();
    }

    @Test
    void aPausedNodeHoldsNothingUp() {
        cluster.shell("echo before > paused; sync -d paused", SHELL).orThrow();
        cluster.pause("node2");
        try {
            cluster.shell(
                            "for i in $(seq 5); do echo $i >> paused; sync -d paused; done; cat"
                                    + " paused",
                            Duration.ofSeconds(60))
                    .orThrow();
        } finally {
            cluster.resume("node2");
        }
    }

    @Test
    void noNodeHoldsPlaintext() throws IOException {
        cluster.shell(
                        "for i in $(seq 2000); do echo "
                                + MARKER
                                + "$i; done > marked; sync -d marked",
                        SHELL)
                .orThrow();
        Path name = cluster.mount().resolve("marked");
        assertTrue(Files.readString(name).contains(MARKER));
        try (Stream<Path> all = Files.walk(cluster.directory().resolve("data"))) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
                assertFalse(bytes.contains(MARKER), file.toString());
            }
        }
    }

    @Test
    void aFlippedByteIsServedFromAnotherReplica() throws IOException {
        cluster.shell(
                        "head -c 1000000 /dev/urandom > rot; sync -d rot; sha256sum rot > rot.sum",
                        SHELL)
                .orThrow();
        cluster.shell("sync -d rot.sum", SHELL).orThrow();
        cluster.stop("mount1");
        cluster.kill9("node1");
        int flipped = flipInTheMiddleOfTheLog("node1");
        assertNotEquals(0, flipped);
        cluster.up();
        cluster.shell("sha256sum --quiet -c rot.sum", SHELL).orThrow();
    }

    /** Flips a byte in each of the node's log files that hold data; returns how many. */
    private int flipInTheMiddleOfTheLog(String node) throws IOException {
        int flipped = 0;
        try (Stream<Path> all = Files.walk(cluster.data(node))) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                boolean log = file.getFileName().toString().contains("segment");
                if (log && Files.size(file) > 900_000) {
                    try (var bytes = new RandomAccessFile(file.toFile(), "rw")) {
                        long at = 500_000;
                        bytes.seek(at);
                        int old = bytes.read();
                        bytes.seek(at);
                        bytes.write(old ^ 0x40);
                        flipped++;
                    }
                }
            }
        }
        return flipped;
    }

    @Test
    void aStrangerIsRefusedByANode() throws IOException {
        String config = Files.readString(cluster.config("node1"));
        String port =
                config.lines()
                        .filter(line -> line.startsWith("port: "))
                        .findFirst()
                        .orElseThrow()
                        .substring("port: ".length());
        Shell.Result plain =
                cluster.shell(
                        "exec 3<>/dev/tcp/127.0.0.1/"
                                + port
                                + "; head -c 4096 /dev/urandom >&3; timeout 20 cat <&3 | wc -c",
                        SHELL);
        assertNotEquals(Shell.Result.TIMED_OUT, plain.exitCode());
        Cluster.await(
                Duration.ofSeconds(20),
                "the refusal in the log",
                () -> cluster.log("node1").contains("refused a connection"));
        assertEquals(0, cluster.shell("echo fine > fine; sync -d fine", SHELL).exitCode());
    }
}

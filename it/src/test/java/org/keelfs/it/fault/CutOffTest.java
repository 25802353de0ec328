package org.keelfs.it.fault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.it.cluster.Background;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.ClusterDirectory;
import org.keelfs.it.cluster.FarNetwork;
import org.keelfs.it.cluster.Shell;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Two mounts of which the second, B, lives in a network of its own, and loses it. Its process runs
 * on, and so do the programs that use it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class CutOffTest {
    private static final Logger LOG = LoggerFactory.getLogger(CutOffTest.class);
    private static final Duration SHELL = Duration.ofSeconds(120);
    private static final int TERM_MS = 4_000;
    private static final int MARGIN_MS = 1_000;

    /** Of B; A waits for B longer than that on a slow machine. */
    private static final int OPERATION_TIMEOUT_MS = 8_000;

    /** What a busy machine may add to a time that the rules bound. */
    private static final int SLACK_MS = 6_000;

    /**
     * Until a mount works again: a connection that is being made may take 5 s to fail, the next 2 s
     * to begin.
     */
    private static final int BACK_MS = 7_000;

    /** A program that is killed is gone long before its call would have ended. */
    private static final int KILLED_MS = 3_000;

    private static final int NODES = 3;
    private static final int METADATA_PORT = 7400;
    private static final int NODE_PORT = 7401;

    /** As addresses of {@link FarNetwork}; nodes follow. */
    private static final int METADATA_ADDRESS = 10;

    /**
     * Waits for a file, 60 s at most; how a command ended, and the milliseconds it took; one call
     * of the kernel, made by perl.
     */
    private static final String FUNCTIONS =
            """
            await() { for i in $(seq 1200); do [ -e "$1" ] && return 0; sleep 0.05; done; return 1; }
            timed() {
                local began=$(date +%s%3N) code=0 said=$LOCAL/said.$BASHPID
                "$@" >/dev/null 2>$said || code=$?
                echo "$code $(($(date +%s%3N) - began)) ${*: -1} $(tail -n 1 $said)"
            }
            call='chdir "/"; $b = shift; eval(shift) or die "$!\\n"'
            """;

    /** As the program of {@link #holder} tells it. */
    private static final String TOLD =
            """
            synced
            synced
            errno 5
            errno 5
            synced
            synced
            kept
            newer
            synced
            """;

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private FarNetwork network;
    private Cluster cluster;
    private Path local;
    private String variables = "";

    @BeforeAll
    void start() throws IOException {
        local = Files.createDirectories(directory.resolve("local"));
        network = FarNetwork.make();
        cluster =
                Cluster.builder()
                        .nodes(NODES)
                        .termMs(TERM_MS)
                        .setting("lease-margin-ms", Integer.toString(MARGIN_MS))
                        .setting("renew-ms", "500")
                        .setting("heartbeat-ms", "500")
                        .setting("dirty-age-ms", "20000")
                        .setting("metadata-host", network.address(METADATA_ADDRESS))
                        .prepare(directory.resolve("run"));
        writeConfigurations();
        cluster.up();
        Path far =
                cluster.startFar("mount2", network, "operation_timeout_ms=" + OPERATION_TIMEOUT_MS);
        variables = "A=%s\nB=%s\nLOCAL=%s\n".formatted(cluster.mount(), far, local) + FUNCTIONS;
    }

    /** Servers that listen where the far side reaches them, each on an address of its own. */
    private void writeConfigurations() throws IOException {
        Path conf = Files.createDirectories(cluster.directory().resolve("conf"));
        Files.writeString(
                conf.resolve("metadata1.yaml"),
                server("metadata1", METADATA_ADDRESS, METADATA_PORT) + "metrics-port: 0\n");
        for (int i = 1; i <= NODES; i++) {
            String more = "metrics-port: -1\nrack: rack%d\nmetadata-port: %d\n";
            Files.writeString(
                    conf.resolve("node" + i + ".yaml"),
                    server("node" + i, METADATA_ADDRESS + i, NODE_PORT)
                            + more.formatted(i, METADATA_PORT));
        }
    }

    private String server(String name, int address, int port) {
        Path pki = cluster.directory().resolve("pki");
        return "name: %s\nhost: %s\nport: %d\ndata-dir: %s\nca: %s\ncert: %s\nkey: %s\n"
                .formatted(
                        name,
                        network.address(address),
                        port,
                        cluster.data(name),
                        pki.resolve("ca.crt"),
                        pki.resolve(name + ".crt"),
                        pki.resolve(name + ".key"));
    }

    @AfterEach
    void mend() {
        network.mend();
    }

    @AfterAll
    void stop() {
        try (var _ = network) {
            if (cluster != null) {
                cluster.close();
            }
        }
    }

    private Shell.Result shell(String script) {
        return cluster.shell(variables + script, SHELL);
    }

    private Background inBackground(String script) {
        return cluster.inBackground(variables + script, SHELL);
    }

    private void awaitFile(String name) {
        Cluster.await(SHELL, name, () -> Files.exists(local.resolve(name)));
    }

    private static long millisSince(long ns) {
        return (System.nanoTime() - ns) / 1_000_000;
    }

    /**
     * A program on B that has changed f without fsync when this returns; later it goes on with all
     * that it holds open, told when by files. It says how each fsync ended.
     */
    private Background holder() {
        shell("echo kept > $A/kept; echo basis > $A/f; sync $A/kept $A/f; rm -f $LOCAL/*")
                .orThrow();
        Background program =
                inBackground(
                        """
                perl -MIO::Handle -e '
                    my ($b, $local) = @ARGV;
                    sub step { for (1..1200) { return if -e "$local/$_[0]"; select(undef, undef, undef, 0.05); } die "no $_[0]"; }
                    sub told { $| = 1; print $_[0]->sync ? "synced\\n" : "errno ".($!+0)."\\n"; }
                    sub done { open(D, ">", "$local/$_[0]"); close(D); }
                    open(KEPT, "<", "$b/kept") or die; open(OWN, "+>", "$b/own") or die;
                    syswrite(OWN, "own ") == 4 or die; told(*OWN);
                    open(F, "+<", "$b/f") or die; syswrite(F, "B") == 1 or die; told(*F);
                    # From here on it needs nobody but the nodes to write this sector.
                    syswrite(F, "lost") == 4 or die; done("ready");
                    step("cut"); told(*F); done("refused");
                    step("back"); told(*F); told(*F);
                    syswrite(OWN, "goes on\\n") == 8 or die "own: $!"; told(*OWN);
                    print <KEPT>; seek(F, 0, 0); print <F>;
                    syswrite(F, "after\\n") or die "f: $!"; told(*F);
                ' $B $LOCAL
                """);
        awaitFile("ready");
        return program;
    }

    /** A writes f over, in the chunk that B has changed, and waits for B no longer than it must. */
    private void waitOutB() {
        long beganNs = System.nanoTime();
        shell("echo newer | dd of=$A/f conv=notrunc,fsync status=none").orThrow();
        long waitedMs = millisSince(beganNs);
        LOG.info("A waited {} ms", waitedMs);
        assertTrue(waitedMs > TERM_MS / 2, "B was waited out, in " + waitedMs + " ms");
        assertTrue(waitedMs < TERM_MS + MARGIN_MS + SLACK_MS, "A waited " + waitedMs + " ms");
    }

    @Test
    void aWriterThatIsCutOffIsWaitedOutAndComesBackByItself() {
        shell("mkdir $A/d $A/e $A/g $A/h; echo unread > $A/unread; touch $A/g/old").orThrow();
        Background program = holder();
        network.cut();
        waitOutB();
        shell("touch $LOCAL/cut").orThrow();
        programsOfACutOffMountAreToldInTime();
        awaitFile("refused");
        network.mend();
        long mendedNs = System.nanoTime();
        assertEquals("newer\n", shell("until cat $B/f; do :; done").orThrow());
        long backMs = millisSince(mendedNs);
        LOG.info("B was back after {} ms", backMs);
        assertTrue(backMs < BACK_MS + SLACK_MS, "B was back after " + backMs + " ms");
        shell("touch $LOCAL/back").orThrow();
        assertEquals(TOLD, program.join(SHELL).orThrow());
        String seen = "newer\nafter\n";
        assertEquals(seen + "own goes on\n", shell("cat $A/f $A/own").orThrow());
        assertEquals("new\n", shell("echo new > $B/d/g; sync $B/d/g; cat $A/d/g").orThrow());
        assertTrue(cluster.log("metadata1").contains("is evicted"), "an eviction in the log");
        assertTrue(cluster.log("mount2").contains("is gone: caches are dropped"), "in B's log");
    }

    /**
     * Whatever they call ends with EIO at the operation's deadline, and earlier when they are
     * killed.
     */
    private void programsOfACutOffMountAreToldInTime() {
        String ended =
                shell(
                                """
                                for what in 'lstat("$b/absent")' 'opendir(D, "$b/d")' 'open(F, "<", "$b/unread")' \
                                        'mkdir("$b/d/made")' 'open(F, ">", "$b/e/made")' 'rename("$b/kept", "$b/moved")' \
                                        'chmod(0600, "$b/kept")' 'symlink("x", "$b/link")' 'unlink("$b/g/old")'; do
                                    (timed perl -e "$call" $B "$what") &
                                done
                                for what in 'open(F, "<", "$b/unread")' 'mkdir("$b/h/made")'; do
                                    (perl -e "$call" $B "$what" & sleep 1; kill -9 $!; timed wait $!) &
                                done
                                wait
                                """)
                        .orThrow();
        LOG.info("While B is cut off:\n{}", ended);
        assertEquals(11, ended.lines().count(), ended);
        ended.lines()
                .forEach(
                        line -> {
                            String[] words = line.split(" ", 3);
                            boolean killed = words[0].equals("137");
                            assertTrue(killed || line.endsWith(" Input/output error"), line);
                            int limitMs = killed ? KILLED_MS : OPERATION_TIMEOUT_MS + SLACK_MS;
                            assertTrue(Integer.parseInt(words[1]) < limitMs, line);
                        });
    }

    /** B still reaches the nodes: what keeps its bytes out is the epoch. */
    @Test
    void aWriterThatReachesOnlyTheNodesIsFencedByTheNextEpoch() {
        Background program = holder();
        network.swallow(network.address(METADATA_ADDRESS));
        waitOutB();
        shell("touch $LOCAL/cut").orThrow();
        awaitFile("refused");
        assertEquals("newer\n", shell("cat $A/f").orThrow());
        network.mend();
        assertEquals("newer\n", shell("until cat $B/f; do :; done").orThrow());
        shell("touch $LOCAL/back").orThrow();
        assertEquals(TOLD, program.join(SHELL).orThrow());
        assertEquals("newer\nafter\nown goes on\n", shell("cat $A/f $A/own").orThrow());
    }

    @Test
    void aMountThatIsCutOffFromOneNodeOfThreeNoticesNothing() {
        shell(
                        """
                        mkdir $A/few; for i in $(seq 12); do head -c 300000 /dev/urandom > $A/few/a$i; done
                        sync $A/few/*; sha256sum $A/few/a* | sed "s,$A,$B,g" > $LOCAL/sums
                        head -c 300000 /dev/urandom > $B/few/b0; sync $B/few/b0
                        """)
                .orThrow();
        network.swallow(network.address(METADATA_ADDRESS + 2));
        String ended =
                shell(
                                """
                                timed sha256sum --quiet -c $LOCAL/sums
                                for i in 1 2 3 4 5 6; do
                                    timed cp $B/few/a$i $B/few/b$i; timed sync $B/few/b$i; timed cmp $A/few/a$i $B/few/b$i
                                    timed rm $B/few/b$i
                                done
                                timed mv $B/few $B/moved
                                """)
                        .orThrow();
        LOG.info("Without one node:\n{}", ended);
        ended.lines()
                .forEach(
                        line -> {
                            String[] words = line.split(" ", 3);
                            assertEquals("0", words[0], line);
                            int ms = Integer.parseInt(words[1]);
                            assertTrue(ms < OPERATION_TIMEOUT_MS, line);
                        });
    }

    @Test
    void aCutShorterThanTheTermLosesNothing() {
        shell("echo base > $B/s; sync $B/s; rm -f $LOCAL/*").orThrow();
        Background program =
                inBackground(
                        """
                        exec 5>>$B/s; echo more >&5; touch $LOCAL/ready; await $LOCAL/cut
                        touch $LOCAL/waits; sync $B/s; touch $LOCAL/synced; cat $B/s
                        """);
        awaitFile("ready");
        network.cut();
        shell("touch $LOCAL/cut; await $LOCAL/waits; sleep 2.5; test ! -e $LOCAL/synced").orThrow();
        network.mend();
        assertEquals("base\nmore\n", program.join(SHELL).orThrow());
        assertEquals("base\nmore\n", shell("cat $A/s").orThrow());
    }
}

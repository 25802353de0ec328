package org.keelfs.it.fault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
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

/** Two mounts of which one stands still, and a metadata server that is killed below both. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MountFaultTest {
    private static final Duration SHELL = Duration.ofSeconds(120);
    private static final int TERM_MS = 4_000;

    /** Waits for a file, 60 s at most. */
    private static final String FUNCTIONS =
            "await() { for i in $(seq 1200); do [ -e \"$1\" ] && return 0; sleep 0.05; done; return 1; }\n";

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private Cluster cluster;
    private String variables = "";

    @BeforeAll
    void start() throws java.io.IOException {
        Path local = Files.createDirectories(directory.resolve("local"));
        cluster =
                Cluster.builder()
                        .mounts(2)
                        .termMs(TERM_MS)
                        .setting("lease-margin-ms", "1000")
                        .setting("renew-ms", "500")
                        .setting("heartbeat-ms", "500")
                        .setting("dirty-age-ms", "20000")
                        .start(directory.resolve("run"));
        // Scripts start in the first mount, so it is the second that is stopped.
        variables =
                "A=%s\nB=%s\nLOCAL=%s\n".formatted(cluster.mount(2), cluster.mount(1), local)
                        + FUNCTIONS;
    }

    @BeforeEach
    void startWhatIsMissing() {
        cluster.up();
    }

    @AfterAll
    void stop() {
        cluster.close();
    }

    private Shell.Result shell(String script) {
        return cluster.shell(variables + script, SHELL);
    }

    private Background inBackground(String script) {
        return cluster.inBackground(variables + script, SHELL);
    }

    @Test
    void aStoppedWriterIsWaitedOutAndItsProgramsAreToldWhatIsLost() throws InterruptedException {
        shell("echo kept > $A/kept; sync $A/kept; echo base > $A/f; sync $A/f").orThrow();
        // The pages of f are dirty in mount 2 when it stops.
        Background program =
                inBackground(
                        """
                        exec 4<$A/kept
                        # A child that ends closes what it inherits: that takes the error from nobody. Each open
                        # file description is told once, also the one opened after the loss.
                        perl -MIO::Handle -e 'open(F, "+<", "$ARGV[0]/f"); syswrite(F, "lost");
                            open(R, ">", "$ARGV[1]/ready"); close(R);
                            for (1..1200) { last if -e "$ARGV[1]/go"; select(undef, undef, undef, 0.05); }
                            if (fork() == 0) { exit; } wait; open(G, ">>", "$ARGV[0]/f");
                            for my $file (*F, *F, *G, *G) {
                                print $file->sync ? "synced\\n" : "errno ".($!+0)."\\n" }' $A $LOCAL
                        cat <&4; cat $A/f
                        echo again > $A/g; sync $A/g; cat $B/g
                        """);
        Cluster.await(
                SHELL,
                "the program",
                () -> Files.exists(directory.resolve("local").resolve("ready")));
        cluster.pause("mount2");
        long waitedMs;
        try {
            Background others = inBackground("echo on > $B/others; sync $B/others; cat $B/others");
            long beganNs = System.nanoTime();
            shell("echo new > $B/f; sync $B/f").orThrow();
            waitedMs = (System.nanoTime() - beganNs) / 1_000_000;
            assertEquals("on\n", others.join(SHELL).orThrow());
        } finally {
            cluster.resume("mount2");
        }
        assertTrue(
                waitedMs > TERM_MS / 2, "the stopped writer was waited out, " + waitedMs + " ms");
        shell("touch $LOCAL/go").orThrow();
        assertEquals(
                "errno 5\nsynced\nerrno 5\nsynced\nkept\nnew\nagain\n",
                program.join(SHELL).orThrow());
        assertEquals("new\nnew\n", shell("cat $A/f $B/f").orThrow());
        assertTrue(cluster.log("metadata1").contains("is evicted"), "an eviction in the log");
    }

    /** What was answered survives, also what was not forced: the mounts send it again. */
    @Test
    void aMetadataServerThatIsKilledUnderLoadLosesNothingAnswered() {
        shell("mkdir $A/load; rm -f $LOCAL/stop; echo open > $A/open").orThrow();
        Background holder =
                inBackground(
                        "exec 5<>$A/open; rm $B/open; touch $LOCAL/held; await $LOCAL/stop; cat <&5");
        String load =
                """
                cd $%s/load; w=%s; i=0
                until [ -e $LOCAL/stop ]; do
                    i=$((i + 1)); n=$w$i
                    mkdir d$n; echo $n > d$n/f; mv d$n e$n; ln e$n/f e$n/g; rm e$n/f
                    echo $n >> $LOCAL/done.$w
                done
                """;
        List<Background> loads =
                List.of(
                        inBackground(load.formatted("A", "a")),
                        inBackground(load.formatted("B", "b")));
        for (int i = 0; i < 2; i++) {
            cluster.kill9("metadata1");
            cluster.up();
        }
        // A mount whose JVM is cold has done little by now.
        shell(
                        """
                        await $LOCAL/held
                        for i in $(seq 1200); do
                            if [ $(cat $LOCAL/done.* | wc -l) -gt 4 ]; then break; fi
                            sleep 0.05
                        done
                        touch $LOCAL/stop
                        """)
                .orThrow();
        loads.forEach(each -> each.join(SHELL).orThrow());
        assertEquals("open\n", holder.join(SHELL).orThrow());
        String check =
                """
                for w in a b; do
                    if [ $w = a ]; then cd $B/load; else cd $A/load; fi
                    while read -r n; do
                        test "$(cat e$n/g)" = $n; test "$(ls e$n)" = g; test ! -e d$n; test $(stat -c %h e$n/g) = 1
                    done < $LOCAL/done.$w
                done
                test $(cat $LOCAL/done.* | wc -l) -gt 4; test ! -e $A/open
                """;
        shell(check).orThrow();
        cluster.down();
        cluster.up();
        shell(check).orThrow();
    }
}

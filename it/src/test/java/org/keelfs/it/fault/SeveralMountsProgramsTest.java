package org.keelfs.it.fault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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

/** Programs that people run, on several mounts of one volume at once. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 60, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SeveralMountsProgramsTest {
    /** For longer runs: {@code -Dkeelfs.posix.exerciser=100000}. */
    private static final long OPERATIONS = Long.getLong("keelfs.posix.exerciser", 2_000);

    /** For longer runs: {@code -Dkeelfs.posix.calls=5000}. */
    private static final long CALLS = Long.getLong("keelfs.posix.calls", 1_000);

    /** For longer runs: {@code -Dkeelfs.recalls.seconds=300}. */
    private static final long RECALLS_S = Long.getLong("keelfs.recalls.seconds", 15);

    /** Less than what a mount is given that does not return a lease. */
    private static final long CALL_MAX_MS = 20_000;

    private static final Duration SHELL = Duration.ofSeconds(200);
    private static final Duration LONG = Duration.ofMinutes(50);

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private Cluster cluster;
    private Path local;

    @BeforeAll
    void start() throws IOException {
        local = Files.createDirectories(directory.resolve("local"));
        cluster = Cluster.builder().mounts(3).start(directory.resolve("run"));
    }

    @AfterAll
    void stop() {
        cluster.close();
    }

    private String shell(String script) {
        return shell(script, SHELL);
    }

    private String shell(String script, Duration timeout) {
        String variables =
                "A=%s\nB=%s\nC=%s\nLOCAL=%s\n"
                        .formatted(cluster.mount(1), cluster.mount(2), cluster.mount(3), local);
        return cluster.shell(variables + script, timeout).orThrow();
    }

    private Path compile(String name) {
        Path source = local.resolve(name + ".c");
        try (InputStream text =
                SeveralMountsProgramsTest.class.getResourceAsStream("/posix/" + name + ".c")) {
            Files.write(source, text.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Path program = local.resolve(name);
        run("gcc", "-O1", "-o", program.toString(), source.toString());
        return program;
    }

    private void run(String... command) {
        Shell.run(local, Map.of(), List.of(command), LONG).orThrow();
    }

    /** Mapped, punched, copied and truncated through one mount, read through the other. */
    @Test
    void randomCallsOnAFileThroughTwoMountsInTurnAgreeWithAModel() {
        run(
                compile("exerciser").toString(),
                cluster.mount(1).resolve("file").toString(),
                "3",
                Long.toString(OPERATIONS),
                "0",
                cluster.mount(2).resolve("file").toString());
    }

    @Test
    void randomCallsThroughTwoMountsInTurnAnswerAsOnALocalDirectory() throws IOException {
        shell("mkdir $A/differ");
        run(
                compile("differ").toString(),
                "11",
                Long.toString(CALLS),
                Files.createDirectories(local.resolve("differ-local")).toString(),
                cluster.mount(1).resolve("differ").toString(),
                cluster.mount(2).resolve("differ").toString());
    }

    @Test
    void mailIsDeliveredFromThreeMountsToOneSpool() {
        String script =
                """
                letter() { printf 'From %s %05d\\n%0200d\\n\\n' $1 $2 0; }
                opened() { for i in $(seq 40); do letter $2 $i >> $1/spool; done; }
                held() { for i in $(seq 40); do letter $2 $i; done >> $1/spool; }
                for m in $A $B $C; do opened $m o${m: -1} & held $m h${m: -1} & done
                for job in $(jobs -p); do wait $job; done
                grep -c '^From' $A/spool; grep '^From' $B/spool | sort -u | wc -l; stat -c %s $C/spool
                grep -vcE '^(From [oh][123] [0-9]{5}|0{200}|)$' $B/spool || true
                """;
        // A letter is 15 + 201 + 1 bytes.
        assertEquals("240\n240\n" + 240 * 216 + "\n0\n", shell(script));
    }

    /**
     * Leases are recalled in all directions while every kernel reads, writes, maps and renames: no
     * recall waits for what waits for it.
     */
    @Test
    void recallsUnderFullLoadStandStillNowhere() {
        Path program = compile("recaller");
        String script =
                """
                mkdir $A/recalls; for i in 0 1 2 3; do truncate -s 65536 $A/recalls/f$i; done
                n=0
                for m in $A $B $C $A $B $C; do n=$((n + 1)); %s $m/recalls %d $n & done
                for job in $(jobs -p); do wait $job; done
                """
                        .formatted(program, RECALLS_S);
        String said = shell(script, LONG);
        List<String> lines = said.lines().toList();
        assertEquals(6, lines.size(), said);
        for (String line : lines) {
            String[] callsAndLongest = line.split(" ");
            assertTrue(Long.parseLong(callsAndLongest[0]) > RECALLS_S, said);
            assertTrue(Long.parseLong(callsAndLongest[1]) < CALL_MAX_MS, said);
        }
        assertFalse(cluster.log("metadata1").contains("is evicted"), said);
    }

    @Test
    void aLogThatGrowsOnOneMountIsFollowedOnAnother() {
        String script =
                """
                : > $A/log
                timeout 120 tail -n +1 -s 0.1 -f $B/log > $LOCAL/followed &
                tail=$!
                for i in $(seq 60); do echo line $i >> $A/log; done
                for i in $(seq 400); do [ $(wc -l < $LOCAL/followed) -ge 60 ] && break; sleep 0.1; done
                kill $tail; wait $tail || true
                cmp $A/log $LOCAL/followed; wc -l < $LOCAL/followed
                """;
        assertEquals("60\n", shell(script));
    }

    @Test
    void sourcesOnOneMountAreMadeOnAnother() {
        String script =
                """
                mkdir $A/src; cd $A/src
                for i in $(seq 12); do echo "int f$i(void) { return $i; }" > f$i.c; done
                { for i in $(seq 12); do echo "int f$i(void);"; done
                  echo '#include <stdio.h>'; echo 'int main(void) { printf("%d\\n", 0'
                  for i in $(seq 12); do echo "+ f$i()"; done; echo '); return 0; }'; } > main.c
                printf 'OBJECTS = %s main.o\\nprogram: $(OBJECTS)\\n\\tgcc -o $@ $(OBJECTS)\\n' "$(echo f{1..12}.o)" > Makefile
                cd $B/src; make -s -j4; $A/src/program
                cd $A/src; make -q; echo "int f3(void) { return 103; }" > f3.c
                cd $B/src; ! make -q; make -s -j4; $A/src/program; ls $A/src/*.o | wc -l
                """;
        assertEquals("78\n178\n13\n", shell(script));
    }

    @Test
    void aTreeIsUnpackedOnOneMountWhileAnotherWalksIt() {
        String script =
                """
                cd $LOCAL; mkdir tree
                for d in $(seq 10); do mkdir tree/d$d; for f in $(seq 20); do head -c $((f * 700)) /dev/urandom > tree/d$d/f$f; done; done
                tar cf tree.tar tree; touch walk
                (while [ -e walk ]; do find $B/tree -type f -size +1k > /dev/null 2>&1 || true; du -s $B/tree > /dev/null 2>&1 || true; done) &
                walker=$!
                tar xf tree.tar -C $A
                rm walk; wait $walker
                diff -r tree $B/tree; diff -r tree $C/tree; find $B/tree -type f | wc -l
                """;
        assertEquals("200\n", shell(script));
    }

    @Test
    void gitCommitsInOneRepositoryFromTwoMountsAtOnce() {
        String script =
                """
                export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
                git init -q $A/both; cd $A/both; git commit -q --allow-empty -m start
                work() { cd $1/both; for i in $(seq 6); do
                    echo $i > $2$i
                    for try in $(seq 300); do
                        if git add $2$i 2>/dev/null && git commit -qm $2$i -- $2$i 2>/dev/null; then continue 2; fi
                        sleep 0.1
                    done; return 1; done; }
                work $A a & a=$!; work $B b & b=$!
                wait $a; wait $b
                cd $C/both; git fsck --full --strict 2>&1 | grep -v dangling || true
                git log --format=%s | sort | tr '\\n' ' '; git status --short | wc -l
                """;
        String said = shell(script);
        assertTrue(said.endsWith("a1 a2 a3 a4 a5 a6 b1 b2 b3 b4 b5 b6 start 0\n"), said);
    }
}

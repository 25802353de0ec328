package org.keelfs.it.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a file system mounted through any adapter does. One mount for all tests of a class. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 100, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class AdapterContract {
    private PosixChecks program;
    private Path dir;
    private AutoCloseable mount;

    /** Mounts a file system in memory. */
    abstract AutoCloseable mount(Path where) throws Exception;

    List<String> checks() {
        return PosixChecks.ALL;
    }

    Path dir() {
        return dir;
    }

    @BeforeAll
    void mountIt() throws Exception {
        program = new PosixChecks();
        dir = Files.createTempDirectory("keelfs-mount").toRealPath();
        mount = mount(dir);
    }

    @AfterAll
    void unmountIt() throws Exception {
        try {
            if (mount != null) {
                mount.close();
            }
        } finally {
            Shell.clean(dir);
            program.close();
        }
    }

    @ParameterizedTest
    @MethodSource("checks")
    void posix(String check) {
        program.run(check, dir);
    }

    @Test
    void aTreeComesBackFromTarAsItWas() throws IOException {
        Path tree = Path.of(System.getProperty("keelfs.root"), "common", "src");
        Shell.bash(
                dir,
                "mkdir tar; tar -C '"
                        + tree
                        + "' -cf tar/t.tar .; mkdir tar/out; tar -C tar/out -xf tar/t.tar; "
                        + "diff -r tar/out '"
                        + tree
                        + "'; cp -a tar/out tar/copy; diff -r tar/out tar/copy; "
                        + "find tar/copy -newer tar/t.tar; rm -rf tar; ! ls tar 2>/dev/null");
    }

    @Test
    void gitKeepsARepository() {
        String log =
                Shell.bash(
                        dir,
                        "git init -q repo; cd repo; git config user.name t; git config user.email t@t; "
                                + "for i in $(seq 100); do echo $i > f$i; done; git add .; git commit -q -m one; "
                                + "echo more >> f7; git commit -q -a -m two; git gc -q; git fsck --strict 2>&1; "
                                + "git status --porcelain; git log --format=%s; cd ..; rm -rf repo");
        assertEquals(List.of("two", "one"), log.lines().toList());
    }

    @Test
    void aProgramCompilesAndRunsFromIt() {
        String said =
                Shell.bash(
                        dir,
                        "mkdir c; cd c; printf '#include <stdio.h>\\nint main(){puts(\"ran\");}' > p.c; "
                                + "gcc -o p p.c; ./p; cd ..; rm -r c");
        assertEquals("ran\n", said);
    }
}

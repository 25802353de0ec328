package org.keelfs.it.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.keelfs.client.vfs.Call;
import org.keelfs.client.vfs.Created;
import org.keelfs.fuse.kernel.KernelMount;
import org.keelfs.fuse.kernel.MountException;
import org.keelfs.fuse.kernel.MountOptions;
import org.keelfs.it.bench.MemoryFileSystem;
import org.keelfs.it.bench.MemoryMount;
import org.keelfs.model.Caller;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/** The adapter of the kernel protocol over a file system that answers at once. */
class KernelAdapterTest extends AdapterContract {
    private static final Duration SOON = Duration.ofSeconds(15);
    private static final Call CALL = new Call(Caller.ROOT, 0, 0, true);
    private static final MountOptions OPTIONS =
            MountOptions.builder().source("memory").acl(false).build();

    private MemoryFileSystem fileSystem;
    private KernelMount mount;

    /** Whether every operation asks for a thread that may wait. */
    boolean moves() {
        return false;
    }

    @Override
    AutoCloseable mount(Path where) {
        fileSystem = new MemoryFileSystem(moves(), 512L << 20, Duration.ofSeconds(30).toNanos());
        mount = KernelMount.prepare(where, OPTIONS);
        mount.start(fileSystem);
        return mount;
    }

    @Test
    void aKilledProcessLeavesItsWait() throws Exception {
        Shell.bash(dir(), "echo data > waits; mkdir out");
        InodeId file = fileSystem.lookup(CALL, InodeId.ROOT, Name.of("waits")).attributes().inode();
        fileSystem.setXattr(CALL, file, Name.of("user.wait"), new byte[0], 0, false);
        for (String signal : new String[] {"KILL", "INT"}) {
            Process waiter =
                    Shell.start(
                            Path.of("/dev/null"),
                            // Whoever started the tests may ignore it, and children inherit that.
                            "env",
                            "--default-signal=INT",
                            "sync",
                            dir().resolve("waits").toString());
            try {
                Awaitility.await("fsync waits").atMost(SOON).until(() -> fileSystem.waiting() == 1);
                Shell.run("kill", "-" + signal, Long.toString(waiter.pid()));
                assertTrue(
                        waiter.waitFor(SOON.toSeconds(), TimeUnit.SECONDS),
                        "gone after SIG" + signal);
            } finally {
                waiter.destroyForcibly();
            }
        }
        assertEquals(0, fileSystem.waiting());
    }

    @Test
    void aBusyMountSaysWhoUsesIt() throws Exception {
        Process user =
                Shell.start(
                        Path.of("/dev/null"),
                        "sh",
                        "-c",
                        "cd \"$0\"; exec sleep 60",
                        dir().toString());
        try {
            Path cwd = Path.of("/proc", Long.toString(user.pid()), "cwd");
            Awaitility.await("the process is in the mount")
                    .atMost(SOON)
                    .until(() -> Files.readSymbolicLink(cwd).equals(dir()));
            var e = assertThrows(MountException.class, mount::unmount);
            assertTrue(
                    e.getMessage().contains("in use by process " + user.pid() + " (s"),
                    e.getMessage());
            assertTrue(e.getMessage().contains("working directory"), e.getMessage());
        } finally {
            user.destroyForcibly();
            assertTrue(user.waitFor(SOON.toSeconds(), TimeUnit.SECONDS));
        }
        assertTrue(mount.isMounted());
    }

    @Test
    void changesFromElsewhereShowAfterInvalidation() {
        Shell.bash(
                dir(),
                "mkdir e; echo before > e/file; cat e/file; ls -l e; ! ls e/born 2>/dev/null");
        InodeId e = fileSystem.lookup(CALL, InodeId.ROOT, Name.of("e")).attributes().inode();
        InodeId file = fileSystem.lookup(CALL, e, Name.of("file")).attributes().inode();
        var bytes = ByteBuffer.wrap("after, and longer\n".getBytes(StandardCharsets.UTF_8));
        fileSystem.write(CALL, file, 0, 0, bytes, 0, false, false);
        mount.cache().invalidateData(file, 0, 0);
        assertEquals("after, and longer\n", Shell.bash(dir(), "cat e/file"));

        Created born = fileSystem.create(CALL, e, Name.of("born"), 0644, 0);
        fileSystem.unlink(CALL, e, Name.of("file"));
        mount.cache().invalidateDirectory(e);
        assertEquals("born\n", Shell.bash(dir(), "ls e; ! cat e/file 2>/dev/null; cat e/born"));
        fileSystem.release(CALL, born.entry().attributes().inode(), 1, 0, false);

        mount.cache().invalidateAttributes(new InodeId(987654321));
    }

    @Test
    void groupsOfTheCallerArriveWhereTheyCount() {
        Shell.bash(
                dir(),
                "mkdir -m 2775 shared; chown 0:4242 shared; "
                        + "setpriv --reuid 1001 --regid 1002 --groups 4242 sh -c 'umask 002; echo x > shared/f; mkdir shared/d'; "
                        + "test \"$(stat -c '%u %g %a' shared/f)\" = '1001 4242 664'; "
                        + "test \"$(stat -c '%u %g %a' shared/d)\" = '1001 4242 2775'; "
                        + "! setpriv --reuid 1001 --regid 1002 --clear-groups touch shared/no 2>/dev/null");
    }

    @Test
    void mountPointsThatCannotBeUsedAreRefusedInOneLine() throws IOException {
        Path missing = Path.of("/nowhere/at/all");
        assertRefused(missing, "does not exist");
        Path file = Files.createTempFile("keelfs", ".file");
        try {
            assertRefused(file, "is not a directory");
        } finally {
            Files.delete(file);
        }
        assertRefused(dir(), "is a mount point already (memory, type fuse.keelfs)");
        assertRefused(Path.of(System.getProperty("java.io.tmpdir")), "this process itself uses");
        assertRefused(Path.of(System.getProperty("java.home")), "this process itself uses");
    }

    private static void assertRefused(Path where, String why) {
        var e = assertThrows(MountException.class, () -> KernelMount.prepare(where, OPTIONS));
        assertTrue(e.getMessage().contains(why), e.getMessage());
        assertFalse(e.getMessage().contains("\n"), e.getMessage());
    }

    /**
     * Four buffers and two readers for ten writes: a reader waits itself, the last one makes room,
     * and goes on reading other requests.
     */
    @Test
    void moreWaitingWritesThanBuffersKeepNobodyElseOut() throws Exception {
        var options =
                MountOptions.builder()
                        .source("memory")
                        .acl(false)
                        .readers(2)
                        .movedBytesMax(1)
                        .readAheadKb(0)
                        .build();
        var memory = new MemoryFileSystem(false, 64L << 20, 0);
        var gate = new CountDownLatch(1);
        Path where = Files.createTempDirectory("keelfs-mount").toRealPath();
        try (KernelMount held = KernelMount.prepare(where, options)) {
            held.start(memory);
            memory.holdWrites(gate);
            var writers = new ArrayList<Process>();
            for (int i = 0; i < 10; i++) {
                writers.add(
                        Shell.start(
                                Path.of("/dev/null"),
                                "dd",
                                "if=/dev/zero",
                                "of=" + where.resolve("f" + i),
                                "bs=1M",
                                "count=1",
                                "oflag=direct"));
            }
            try {
                Awaitility.await("all writes wait")
                        .atMost(SOON)
                        .until(() -> memory.waiting() == 10);
                assertEquals(10, Shell.bash(where, "ls").lines().count());
            } finally {
                gate.countDown();
            }
            for (Process writer : writers) {
                assertTrue(writer.waitFor(SOON.toSeconds(), TimeUnit.SECONDS));
                assertEquals(0, writer.exitValue());
            }
            assertEquals("10", Shell.bash(where, "find . -size 1048576c | wc -l").strip());
        } finally {
            Shell.clean(where);
        }
    }

    @Test
    void aDetachedMountEndsByForce() throws Exception {
        Path where = Files.createTempDirectory("keelfs-mount").toRealPath();
        try (KernelMount used = KernelMount.prepare(where, OPTIONS)) {
            used.start(new MemoryFileSystem(false, 1 << 20, 0));
            Process user =
                    Shell.start(
                            Path.of("/dev/null"),
                            "sh",
                            "-c",
                            "cd \"$0\"; exec 3> file; exec sleep 60",
                            where.toString());
            try {
                Path open = Path.of("/proc", Long.toString(user.pid()), "fd", "3");
                Awaitility.await("the process has the file open")
                        .atMost(SOON)
                        .until(() -> Files.exists(open, LinkOption.NOFOLLOW_LINKS));
                used.detach();
                assertFalse(Shell.isMounted(where));
                assertFalse(used.awaitEnd(Duration.ofMillis(300)), "still in use");
                used.abort();
                assertTrue(used.awaitEnd(SOON));
                assertTrue(user.isAlive());
            } finally {
                user.destroyForcibly();
            }
        } finally {
            Shell.clean(where);
        }
    }

    @Test
    void sigtermUnmounts() throws Exception {
        withProcess(
                (where, process) -> {
                    Shell.bash(where, "echo something > file; cat file");
                    process.destroy();
                    assertTrue(process.waitFor(SOON.toSeconds(), TimeUnit.SECONDS));
                    assertEquals(143, process.exitValue());
                    assertFalse(Shell.isMounted(where));
                });
    }

    @Test
    void aMountLeftByADeadProcessIsClearedByTheNext() throws Exception {
        withProcess(
                (where, process) -> {
                    process.destroyForcibly();
                    assertTrue(process.waitFor(SOON.toSeconds(), TimeUnit.SECONDS));
                    assertTrue(Shell.isMounted(where));
                    try (KernelMount next = KernelMount.prepare(where, OPTIONS)) {
                        next.start(new MemoryFileSystem(false, 1 << 20, 0));
                        Shell.bash(where, "echo alive > file; cat file");
                    }
                    assertFalse(Shell.isMounted(where));
                });
    }

    private interface WithProcess {
        void run(Path where, Process process) throws Exception;
    }

    private static void withProcess(WithProcess test) throws Exception {
        Path where = Files.createTempDirectory("keelfs-mount").toRealPath();
        Path output = Files.createTempFile("keelfs", ".out");
        Process process = Shell.startJava(output, MemoryMount.class, where.toString());
        try {
            Awaitility.await("mounted")
                    .atMost(SOON)
                    .until(() -> Shell.text(output).contains("mounted\n"));
            test.run(where, process);
        } finally {
            process.destroyForcibly();
            Shell.clean(where);
            Files.delete(output);
        }
    }
}

package org.keelfs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.BindException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.config.ConfigException;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcStatus;
import picocli.CommandLine;

final class KeelfsTest {
    private final PrintStream realOut = System.out;
    private final PrintStream realErr = System.err;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @TempDir Path temp;

    @BeforeEach
    void capture() {
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void giveBack() {
        System.setOut(realOut);
        System.setErr(realErr);
    }

    private String onlyErrorLine() {
        List<String> lines = err.toString(StandardCharsets.UTF_8).lines().toList();
        assertEquals(1, lines.size(), () -> String.join("\n", lines));
        return lines.getFirst();
    }

    @Nested
    final class BadCommandLines {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    "frobnicate",
                    "--frobnicate",
                    "mount",
                    "mount main",
                    "mount main /tmp more",
                    "mount main /tmp -o frob=1,volume=x",
                    "storage-node",
                    "metadata-server --config",
                    "pki",
                    "pki issue",
                    "pki issue node1",
                    "pki issue node1=king",
                    "volume",
                    "volume create",
                    "volume create main --replicas 9",
                    "volume create main --owner root",
                    "volume create main --owner 0:-1",
                    "put one",
                    "status --wait-nodes many",
                    "bench /tmp --files 0",
                    "config describe nothing"
                })
        void endWithTwoAndOneLine(String line) {
            String[] arguments = line.isEmpty() ? new String[0] : line.split(" ");
            assertEquals(ExitCode.USAGE, Keelfs.run(arguments));
            assertTrue(onlyErrorLine().startsWith("keelfs"), () -> onlyErrorLine());
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "storage-node --config %s/none.yaml",
                    "status --config %s/none.yaml",
                    "status --dir %s/none",
                    "ls --dir %s/none",
                    "mount main %s --config %s/none.yaml",
                    "storage-node --config %s/garbled.yaml",
                    "status --config %s/garbled.yaml",
                    "storage-node --config %s/unknown.yaml",
                    "status --config %s/unknown.yaml",
                    "mount main %s --config %s/unknown.yaml"
                })
        void unusableConfigurationEndsWithTwoAndNamesTheFile(String line) throws Exception {
            Files.writeString(temp.resolve("garbled.yaml"), "{ a: [");
            Files.writeString(
                    temp.resolve("unknown.yaml"),
                    "frob: 1\nmetadata-port: 1\nca: a\ncert: b\nkey: c\n");
            int code = Keelfs.run(line.replace("%s", temp.toString()).split(" "));
            assertTrue(
                    code == ExitCode.USAGE || line.startsWith("storage-node"),
                    () -> code + " " + onlyErrorLine());
        }
    }

    @Nested
    final class ExitCodes {
        @Test
        void tellKindsOfFailureApart() {
            assertEquals(ExitCode.USAGE, ExitCode.of(new ConfigException("x")));
            assertEquals(ExitCode.NOT_FOUND, ExitCode.of(new NoSuchFileException("x")));
            assertEquals(ExitCode.NOT_FOUND, ExitCode.of(new FsException(Errno.ENOENT)));
            assertEquals(ExitCode.REFUSED, ExitCode.of(new FsException(Errno.EKEYREJECTED)));
            assertEquals(ExitCode.REFUSED, ExitCode.of(new RpcException(RpcStatus.REFUSED, "x")));
            assertEquals(
                    ExitCode.UNREACHABLE,
                    ExitCode.of(new RpcException(RpcStatus.UNREACHABLE, "x")));
            assertEquals(ExitCode.FAILURE, ExitCode.of(new IllegalStateException("x")));
        }

        @Test
        void theCauseCountsWhereTheFailureItselfSaysNothing() {
            assertEquals(
                    ExitCode.IN_USE,
                    ExitCode.of(new java.io.IOException("port 1", new BindException("taken"))));
        }
    }

    @Test
    void everyCommandHasHelp() {
        var waiting = new ArrayList<>(List.of(Keelfs.commandLine()));
        while (!waiting.isEmpty()) {
            CommandLine command = waiting.removeLast();
            waiting.addAll(command.getSubcommands().values());
            var words =
                    new ArrayList<>(List.of(command.getCommandSpec().qualifiedName().split(" ")));
            words.removeFirst();
            words.add("--help");
            out.reset();
            assertEquals(ExitCode.OK, Keelfs.run(words.toArray(String[]::new)), words::toString);
            assertTrue(out.toString(StandardCharsets.UTF_8).startsWith("Usage: keelfs"));
        }
        assertEquals("", err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void completionNamesTheCommands() {
        assertEquals(ExitCode.OK, Keelfs.run("completion"));
        assertTrue(out.toString(StandardCharsets.UTF_8).contains("storage-node"));
    }

    @Test
    void settingsOfAMountAreDocumented() {
        assertEquals(ExitCode.OK, Keelfs.run("config", "describe", "mount"));
        assertTrue(out.toString(StandardCharsets.UTF_8).contains("# write-buffer-bytes: "));
    }

    @Test
    void anAuthorityIsMadeOnceAndIssues() throws Exception {
        String pki = temp.resolve("pki").toString();
        assertEquals(ExitCode.OK, Keelfs.run("pki", "init", "--pki", pki));
        assertEquals(ExitCode.IN_USE, Keelfs.run("pki", "init", "--pki", pki));
        byte[] authority = Files.readAllBytes(Path.of(pki, "ca.crt"));
        assertEquals(ExitCode.OK, Keelfs.run("pki", "init", "--pki", pki, "--if-absent"));
        assertEquals(
                ExitCode.OK, Keelfs.run("pki", "issue", "--pki", pki, "n1=node", "root=admin"));
        assertEquals(
                "rw-------",
                PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(Path.of(pki, "n1.key"))));
        byte[] first = Files.readAllBytes(Path.of(pki, "n1.crt"));
        assertEquals(
                ExitCode.OK, Keelfs.run("pki", "issue", "--pki", pki, "--if-absent", "n1=node"));
        assertTrue(java.util.Arrays.equals(first, Files.readAllBytes(Path.of(pki, "n1.crt"))));
        assertTrue(java.util.Arrays.equals(authority, Files.readAllBytes(Path.of(pki, "ca.crt"))));
    }

    @Test
    void benchLeavesNothingBehind() throws Exception {
        assertEquals(
                ExitCode.OK,
                Keelfs.run(
                        "bench", temp.toString(), "--size-mib=2", "--files=5", "--operations=5"));
        assertEquals(8, out.toString(StandardCharsets.UTF_8).lines().count());
        try (var left = Files.list(temp)) {
            assertEquals(0, left.count());
        }
    }
}

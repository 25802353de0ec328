package org.keelfs.it.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line against a running cluster: what works, and how failures are told. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class CommandLineTest {
    private static final Duration SHELL = Duration.ofSeconds(30);

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private Cluster cluster;

    @BeforeAll
    void start() {
        cluster = Cluster.builder().nodes(1).replicas(1).start(directory.resolve("run"));
    }

    @AfterAll
    void takeAway() {
        cluster.close();
    }

    private Path fresh(String name) throws IOException {
        return Files.createDirectories(directory.resolve(name));
    }

    /** A copy of a configuration with some settings changed. */
    private Path changed(String part, String... changes) throws IOException {
        var lines = new ArrayList<>(Files.readAllLines(cluster.config(part)));
        for (String change : changes) {
            String key = change.substring(0, change.indexOf(':') + 1);
            lines.removeIf(line -> line.startsWith(key));
            lines.add(change);
        }
        return Files.write(Files.createTempFile(directory, part, ".yaml"), lines);
    }

    /** One line that a person understands, the right code, no stack trace, nothing left. */
    private void assertRefused(int code, Shell.Result result, String... words) {
        assertEquals(code, result.exitCode(), result::toString);
        List<String> told =
                result.errors()
                        .lines()
                        .filter(line -> !line.matches("\\d{4}-\\d\\d-\\d\\dT.*"))
                        .toList();
        assertEquals(1, told.size(), result::toString);
        for (String word : words) {
            assertTrue(told.getFirst().contains(word), result::toString);
        }
        assertEquals(List.of(cluster.mount()), cluster.mounted());
    }

    private Shell.Result mount(Path config, Path at, String volume) {
        return cluster.keelfs("mount", volume, at.toString(), "--config", config.toString());
    }

    private Path mountConfig(String... changes) throws IOException {
        var all = new ArrayList<>(List.of(changes));
        all.add("metrics-port: 0");
        all.add("operation-timeout-ms: 5000");
        all.add("state-dir: \"" + Files.createTempDirectory(directory, "state") + "\"");
        return changed("mount1", all.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "up --nods 3",
                "up --nodes",
                "up --nodes three",
                "up --nodes 0",
                "up --replicas 9",
                "up --replicas 3 --nodes 2",
                "up --mounts 0",
                "down --frob",
                "down --dir",
                "keelfs frob",
                "keelfs mount main",
                "keelfs storage-node --confg x"
            })
    void badCommandLines(String line) throws IOException {
        var words = new ArrayList<>(List.of(line.split(" ")));
        String script = words.removeFirst();
        Path nowhere = directory.resolve("nowhere");
        if (script.equals("up")) {
            words.addAll(List.of("--dir", nowhere.toString()));
        }
        assertRefused(2, cluster.script(script, words, Duration.ofSeconds(60)));
        assertFalse(Files.exists(nowhere.resolve("conf")));
    }

    @Test
    void aConfigurationThatIsNotThere() {
        for (String part : List.of("storage-node", "metadata-server")) {
            assertRefused(2, cluster.keelfs(part, "--config", "none.yaml"), "none.yaml");
        }
    }

    @Test
    void aConfigurationWithAMistake() throws IOException {
        Path config = changed("node1", "rock: 1");
        assertRefused(
                2,
                cluster.keelfs("storage-node", "--config", config.toString()),
                "unknown",
                "rock");
    }

    @Test
    void aPortThatIsTaken() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String port = "port: " + taken.getLocalPort();
            Path node =
                    changed(
                            "node1",
                            port,
                            "metrics-port: 0",
                            "data-dir: \"" + directory.resolve("other-node") + "\"");
            assertRefused(
                    6,
                    cluster.keelfs("storage-node", "--config", node.toString()),
                    Integer.toString(taken.getLocalPort()));
            Path metadata =
                    changed(
                            "metadata1",
                            port,
                            "metrics-port: 0",
                            "data-dir: \"" + directory.resolve("other-metadata") + "\"");
            assertRefused(
                    6,
                    cluster.keelfs("metadata-server", "--config", metadata.toString()),
                    Integer.toString(taken.getLocalPort()));
        }
    }

    @Test
    void aStoreThatIsInUse() throws IOException {
        Path node = changed("node1", "port: 0", "metrics-port: 0");
        Shell.Result second = cluster.keelfs("storage-node", "--config", node.toString());
        assertRefused(6, second, "data/node1", "in use");
        Path metadata = changed("metadata1", "port: 0", "metrics-port: 0");
        second = cluster.keelfs("metadata-server", "--config", metadata.toString());
        assertRefused(6, second, "data/metadata1", "in use");
    }

    @Test
    void aMountPointThatDoesNotExist() throws IOException {
        assertRefused(4, mount(mountConfig(), directory.resolve("no/such"), "main"), "no/such");
        assertRefused(4, mount(mountConfig(), directory.resolve("nosuch"), "main"), "nosuch");
    }

    @Test
    void aMountPointThatIsAFile() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "");
        assertRefused(2, mount(mountConfig(), file, "main"), "file");
    }

    @Test
    void aMountPointThatIsInUse() throws IOException {
        assertRefused(6, mount(mountConfig(), cluster.mount(), "main"), "mounted");
    }

    @Test
    void aVolumeThatDoesNotExist() throws IOException {
        assertRefused(4, mount(mountConfig(), fresh("m1"), "moon"), "moon");
        assertRefused(
                4,
                cluster.keelfs("volume", "info", "moon", "--dir", cluster.directory().toString()),
                "moon");
    }

    @Test
    void aWrongPassword() throws IOException {
        Path wrong = Files.writeString(directory.resolve("wrong.pass"), "wrong\n");
        Path config = mountConfig("password-file: \"" + wrong + "\"");
        assertRefused(5, mount(config, fresh("m2"), "main"), "password");
    }

    @Test
    void aCertificateOfAnotherAuthority() throws IOException {
        String pki = directory.resolve("foreign").toString();
        cluster.keelfs("pki", "init", "--pki", pki).orThrow();
        cluster.keelfs("pki", "issue", "--pki", pki, "client=client", "admin=admin").orThrow();
        Path config =
                mountConfig("cert: \"" + pki + "/client.crt\"", "key: \"" + pki + "/client.key\"");
        assertRefused(5, mount(config, fresh("m3"), "main"), "certificate");
        Path other =
                mountConfig(
                        "ca: \"" + pki + "/ca.crt\"",
                        "cert: \"" + pki + "/client.crt\"",
                        "key: \"" + pki + "/client.key\"");
        assertRefused(5, mount(other, fresh("m4"), "main"), "certificate");
        Path admin =
                changed(
                        "admin",
                        "cert: \"" + pki + "/admin.crt\"",
                        "key: \"" + pki + "/admin.key\"");
        assertRefused(5, cluster.keelfs("status", "--config", admin.toString()), "certificate");
    }

    @Test
    void aCertificateOfTheWrongRole() throws IOException {
        String pki = cluster.directory().resolve("pki").toString();
        Path node =
                mountConfig("cert: \"" + pki + "/node1.crt\"", "key: \"" + pki + "/node1.key\"");
        assertRefused(5, mount(node, fresh("m5"), "main"));
        Path client =
                changed(
                        "admin",
                        "cert: \"" + pki + "/client.crt\"",
                        "key: \"" + pki + "/client.key\"");
        String dir = cluster.directory().toString();
        assertRefused(
                5,
                cluster.keelfs(
                        "volume", "create", "other", "--dir", dir, "--config", client.toString()),
                "administrator");
    }

    @Test
    void serversThatDoNotAnswer() throws IOException {
        String port = "metadata-port: " + freePort();
        assertRefused(7, mount(mountConfig(port), fresh("m6"), "main"));
        assertRefused(7, cluster.keelfs("status", "--config", changed("admin", port).toString()));
    }

    private static int freePort() throws IOException {
        try (var free = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            return free.getLocalPort();
        }
    }

    @Test
    void umountOfWhatIsNotMounted() throws IOException {
        assertRefused(4, cluster.keelfs("umount", fresh("m7").toString()), "mounted");
    }

    @Test
    void aMountByHandEndsWithUmount() throws IOException {
        Path at = fresh("by hand");
        Path config = mountConfig();
        var mounting =
                cluster.background("mount", "main", at.toString(), "--config", config.toString());
        Cluster.await(
                Duration.ofSeconds(30),
                "the mount",
                () -> cluster.mounted().contains(at) || isMounted(at));
        Files.writeString(at.resolve("by hand.txt"), "by hand");
        assertEquals("by hand", cluster.shell("cat 'by hand.txt'", SHELL).orThrow());
        cluster.keelfs("umount", at.toString()).orThrow();
        assertEquals(0, mounting.join(Duration.ofSeconds(10)).exitCode());
        assertFalse(isMounted(at));
    }

    @Test
    void optionsOfMountAreObeyed() throws IOException {
        String made =
                "mkdir o; cp /bin/true o/run; echo text >o/f; touch -d 2001-01-01 o/f; mknod o/null c 1 3;"
                        + " cp /bin/id o/id; chown 1001 o/id; chmod 4755 o/id; sync o/f; stat -c %X o/f";
        String before = cluster.shell(made, SHELL).orThrow();
        String tries =
                "cd '%s/o'; cat f; ./run && echo runs || echo not; cat null && echo opens || echo not;"
                        + " touch new && echo writes || echo not; stat -c %%X f";
        Path one = fresh("one");
        assertEquals(
                "text\nnot\nnot\nwrites\n" + before,
                onMount(one, "defaults,noatime,nodev,noexec,nosuid", tries.formatted(one)));
        Path two = fresh("two");
        assertEquals(
                "text\nruns\nopens\nnot\n" + before + "0\n",
                onMount(two, "noatime,ro,exec,nosuid", tries.formatted(two) + "; ./id -u"));
        assertEquals("1001\n", cluster.shell("o/id -u", SHELL).orThrow());
        assertRefused(2, cluster.keelfs("mount", "main", two.toString(), "-o", "nonsense"));
    }

    /** As an NFS server needs it: its clients keep handles for years. */
    @Test
    void handlesOutliveTheMount() throws IOException {
        Path source = directory.resolve("handles.c");
        try (var text = CommandLineTest.class.getResourceAsStream("/posix/handles.c")) {
            Files.copy(java.util.Objects.requireNonNull(text), source);
        }
        Path at = fresh("handles");
        Path program = directory.resolve("handles-program");
        String handles = "H='%s'; M='%s'; L='%s'; ".formatted(program, at, directory);
        onMount(
                at,
                "rw",
                handles
                        + "gcc -O1 -o $H '"
                        + source
                        + "'; mkdir -p $M/h/sub/deep; echo content >$M/h/sub/file; echo x >$M/h/gone;"
                        + " for f in sub/deep sub/file sub gone; do"
                        + " $H save $M h/$f $L/handle.${f##*/}; done; mv $M/h/sub/file $M/h/other");
        assertEquals(
                "content\ndeep\nESTALE\n",
                onMount(
                        at,
                        "rw",
                        handles
                                + "rm $M/h/gone; for f in file sub deep gone; do"
                                + " $H show $M $L/handle.$f; done; rm -r $M/h"));
    }

    /** What a script says beside a mount of its own; this process never touches the mount. */
    private String onMount(Path at, String options, String script) throws IOException {
        var mounting =
                cluster.background(
                        "mount",
                        "main",
                        at.toString(),
                        "--config",
                        mountConfig().toString(),
                        "-o",
                        options);
        Cluster.await(Duration.ofSeconds(30), "the mount", () -> isMounted(at));
        String said;
        try {
            said = cluster.shell("exec 2>/dev/null; " + script, SHELL).orThrow();
        } finally {
            cluster.keelfs("umount", at.toString()).orThrow();
        }
        assertEquals(0, mounting.join(Duration.ofSeconds(10)).exitCode());
        return said;
    }

    private static boolean isMounted(Path at) {
        try {
            return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
                    .anyMatch(
                            line -> line.split(" ")[4].equals(at.toString().replace(" ", "\\040")));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void putGetAndLsWorkWithoutTheMountAndBesideIt() throws IOException {
        String dir = cluster.directory().toString();
        Path original = directory.resolve("original");
        Path back = directory.resolve("back");
        byte[] bytes = new byte[3_000_001];
        new SplittableRandom(1).nextBytes(bytes);
        Files.write(original, bytes);
        cluster.keelfs("put", original.toString(), "iso/of/f", "--dir", dir).orThrow();
        assertArrayEquals(bytes, Files.readAllBytes(cluster.mount().resolve("iso/of/f")));
        Files.writeString(cluster.mount().resolve("iso/of/g"), "from the mount");
        assertEquals("f\ng\n", cluster.keelfs("ls", "iso/of", "--dir", dir).orThrow());
        cluster.keelfs("get", "iso/of/f", back.toString(), "--dir", dir).orThrow();
        assertArrayEquals(bytes, Files.readAllBytes(back));
        assertEquals(
                "from the mount", cluster.keelfs("get", "/iso/of/g", "-", "--dir", dir).orThrow());
        Files.move(original, back, StandardCopyOption.REPLACE_EXISTING);
        assertRefused(
                4, cluster.keelfs("get", "iso/none", back.toString(), "--dir", dir), "iso/none");
        assertRefused(4, cluster.keelfs("ls", "none", "--dir", dir), "none");
        assertRefused(
                4, cluster.keelfs("put", "/no/such/file", "x", "--dir", dir), "/no/such/file");
    }

    @Test
    void statusAndVolumesAreShown() {
        String dir = cluster.directory().toString();
        String status = cluster.keelfs("status", "--dir", dir).orThrow();
        assertTrue(status.contains("node1") && status.contains("alive"), status);
        assertTrue(cluster.keelfs("volume", "list", "--dir", dir).orThrow().contains("main\n"));
        String info = cluster.keelfs("volume", "info", "main", "--dir", dir).orThrow();
        assertTrue(info.contains("replicas: 1"), info);
        assertRefused(
                6,
                cluster.keelfs("volume", "create", "main", "--replicas", "1", "--dir", dir),
                "main");
    }

    @Test
    void aServerIdlesWithin250MiB() throws IOException {
        for (String part : List.of("metadata1", "node1")) {
            long kib =
                    Files.readAllLines(
                                    Path.of(
                                            "/proc",
                                            Long.toString(cluster.pid(part).orElseThrow()),
                                            "status"))
                            .stream()
                            .filter(line -> line.startsWith("VmRSS:"))
                            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                            .sum();
            assertTrue(kib < 250 << 10, part + " has " + kib + " KiB resident");
        }
    }

    @Test
    void everyPartServesItsNumbers() throws Exception {
        Files.writeString(cluster.mount().resolve("counted"), "counted");
        assertEquals("counted", Files.readString(cluster.mount().resolve("counted")));
        var expected =
                Map.of(
                        "metadata1", "keelfs_metadata_sessions",
                        "node1", "keelfs_store_chunks",
                        "mount1", "keelfs_quorum_round_seconds_count{kind=\"write\"}");
        for (var entry : expected.entrySet()) {
            String config = Files.readString(cluster.config(entry.getKey()));
            String port = config.replaceAll("(?s).*metrics-port: (\\d+).*", "$1");
            var uri = URI.create("http://127.0.0.1:" + port + "/metrics");
            try (var in = uri.toURL().openStream()) {
                String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
                assertTrue(text.contains(entry.getValue()), text);
                assertTrue(text.contains("keelfs_rpc_connections"), text);
            }
        }
    }
}

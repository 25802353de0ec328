package org.keelfs.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigFileTest {
    record Sample(
            @Setting(doc = "Where to listen", value = "127.0.0.1") String listenHost,
            @Setting(doc = "Port") int port,
            @Setting(doc = "Term, ms", value = "30000") long leaseTermMs,
            @Setting(doc = "Store", value = "data") Path store,
            @Setting(doc = "Verbose", value = "false") boolean verbose) {}

    @TempDir Path dir;

    private Path file(String text) throws IOException {
        return Files.writeString(dir.resolve("node.yaml"), text);
    }

    @Test
    void whatTheFileDoesNotSayHasItsDefault() throws IOException {
        var config = ConfigFile.load(file("port: 7\n"), Sample.class, Map.of());
        assertEquals(new Sample("127.0.0.1", 7, 30_000, Path.of("data"), false), config);
    }

    @Test
    void theEnvironmentWinsOverTheFile() throws IOException {
        var env = Map.of("KEELFS_LEASE_TERM_MS", "5", "KEELFS_PORT", "9");
        var config = ConfigFile.load(file("port: 7\nlease-term-ms: 6\n"), Sample.class, env);
        assertEquals(5, config.leaseTermMs());
        assertEquals(9, config.port());
    }

    @Test
    void badFilesAreRefusedInOneLineThatNamesFileAndSetting() throws IOException {
        for (String bad :
                new String[] {"prot: 7\nport: 1", "", "port: x", "port: [1]", "- a", "a: : b"}) {
            Path file = file(bad);
            var e =
                    assertThrows(
                            ConfigException.class,
                            () -> ConfigFile.load(file, Sample.class, Map.of()));
            String message = String.valueOf(e.getMessage());
            assertTrue(
                    message.startsWith(file.toString()) && message.lines().count() == 1, message);
        }
        assertThrows(
                ConfigException.class,
                () -> ConfigFile.load(dir.resolve("none.yaml"), Sample.class, Map.of()));
    }

    @Test
    void defaultsAreDescribedWithTheirDocumentation() {
        String text = ConfigFile.describe(Sample.class);
        assertTrue(text.contains("# Term, ms\n# lease-term-ms: 30000"), text);
    }
}

package org.keelfs.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.keelfs.config.ConfigFile;
import picocli.CommandLine.Option;

/** Options of commands that speak to the metadata server as administrator. */
final class AdminOptions {
    @Option(
            names = "--dir",
            paramLabel = "DIR",
            defaultValue = "run",
            description = "A directory that scripts/up made; default: ${DEFAULT-VALUE}.")
    Path dir = Path.of("run");

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "Where the cluster is; default: conf/admin.yaml in DIR.")
    @Nullable Path config;

    /** A connection to the metadata server; nothing is sent yet. */
    AdminConnection connect() throws Exception {
        Path file = config == null ? dir.resolve("conf/admin.yaml") : config;
        return new AdminConnection(ConfigFile.load(file, AdminConfig.class));
    }
}

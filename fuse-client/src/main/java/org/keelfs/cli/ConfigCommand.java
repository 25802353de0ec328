package org.keelfs.cli;

import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.mount.MountConfig;
import org.keelfs.config.ConfigFile;
import org.keelfs.config.Daemon;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "config",
        description = "Documents configuration files.",
        subcommands = ConfigCommand.Describe.class)
final class ConfigCommand implements Callable<Integer> {
    @Spec @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        throw Keelfs.missingCommand(spec);
    }

    @Command(
            name = "describe",
            description = {
                "Prints all settings of a part with their defaults, as a configuration file.",
                "Each can also be set by the environment: lease-term-ms by KEELFS_LEASE_TERM_MS."
            })
    static final class Describe implements Callable<Integer> {
        @Parameters(
                paramLabel = "PART",
                description = "mount, metadata-server, storage-node or admin.")
        String part = "";

        @Override
        public Integer call() {
            System.out.print(ConfigFile.describe(settings()));
            System.out.flush();
            return ExitCode.OK;
        }

        private Class<? extends Record> settings() {
            for (Daemon daemon : ServiceLoader.load(Daemon.class)) {
                if (daemon.name().equals(part)) {
                    return daemon.settings();
                }
            }
            return switch (part) {
                case "mount" -> MountConfig.class;
                case "admin" -> AdminConfig.class;
                default ->
                        throw new CliException(
                                ExitCode.USAGE,
                                "no part '"
                                        + part
                                        + "': mount, metadata-server, storage-node or admin");
            };
        }
    }
}

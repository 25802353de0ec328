package org.keelfs.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "metadata-server",
        description = "Runs a metadata server until it is stopped by a signal.")
final class MetadataServerCommand implements Callable<Integer> {
    @Option(
            names = "--config",
            required = true,
            paramLabel = "FILE",
            description =
                    "Its configuration; `keelfs config describe metadata-server` documents it.")
    Path config = Path.of("");

    @Override
    public Integer call() throws Exception {
        return DaemonStart.run("metadata-server", config);
    }
}

package org.keelfs.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "storage-node",
        description = "Runs a storage node until it is stopped by a signal.")
final class StorageNodeCommand implements Callable<Integer> {
    @Option(
            names = "--config",
            required = true,
            paramLabel = "FILE",
            description = "Its configuration; `keelfs config describe storage-node` documents it.")
    Path config = Path.of("");

    @Override
    public Integer call() throws Exception {
        return DaemonStart.run("storage-node", config);
    }
}

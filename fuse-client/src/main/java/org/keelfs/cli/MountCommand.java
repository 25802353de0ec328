package org.keelfs.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.mount.Mount;
import org.keelfs.client.mount.MountConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "mount",
        description = {
            "Mounts a volume and serves it until it is unmounted or stopped by a signal.",
            "`keelfs umount DIR`, SIGTERM and SIGINT save everything and unmount."
        })
final class MountCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(MountCommand.class);

    @Parameters(paramLabel = "VOLUME", description = "Name of the volume.")
    String volume = "";

    @Parameters(paramLabel = "DIR", description = "An existing directory.")
    Path directory = Path.of("");

    @Option(
            names = "-o",
            paramLabel = "OPTIONS",
            split = ",",
            description =
                    "Settings as SETTING=VALUE,...; a setting alone means true. They win over the"
                            + " environment and the file. `keelfs config describe mount` documents"
                            + " them.")
    List<String> options = new ArrayList<>();

    @Option(names = "--config", paramLabel = "FILE", description = "Configuration of the mount.")
    @Nullable Path config;

    @Override
    public Integer call() throws IOException {
        var settings = new ClientSettings(config);
        settings.set("volume", volume);
        options.forEach(settings::setOption);
        MountConfig concluded = settings.conclude();
        Path mountPoint = mountPoint();
        return Mount.run(
                concluded, mountPoint, () -> LOG.info("{} is mounted at {}", volume, mountPoint));
    }

    private Path mountPoint() throws IOException {
        // The parent only: what is at the mount point may be a mount that hangs.
        Path named = directory.toAbsolutePath().normalize();
        Path parent = named.getParent();
        if (parent == null) {
            throw new CliException(ExitCode.USAGE, "/ cannot be a mount point");
        }
        if (!Files.isDirectory(parent)) {
            throw new CliException(ExitCode.NOT_FOUND, "no such directory: " + directory);
        }
        Path mountPoint = parent.toRealPath().resolve(named.getFileName());
        if (MountTable.typeAt(mountPoint).isPresent()) {
            throw new CliException(
                    ExitCode.IN_USE, "something is mounted at " + directory + " already");
        }
        if (!Files.exists(mountPoint)) {
            throw new CliException(ExitCode.NOT_FOUND, "no such directory: " + directory);
        }
        if (!Files.isDirectory(mountPoint)) {
            throw new CliException(ExitCode.USAGE, "not a directory: " + directory);
        }
        return mountPoint.toRealPath();
    }
}

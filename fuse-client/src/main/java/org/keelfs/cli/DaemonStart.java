package org.keelfs.cli;

import java.nio.file.Path;
import java.util.ServiceLoader;
import org.keelfs.config.Daemon;

/** Finds a server of this distribution by the name of its command, and runs it. */
final class DaemonStart {
    private DaemonStart() {}

    static int run(String name, Path config) throws Exception {
        for (Daemon daemon : ServiceLoader.load(Daemon.class)) {
            if (daemon.name().equals(name)) {
                return daemon.run(config);
            }
        }
        throw new CliException(ExitCode.FAILURE, "this distribution has no " + name);
    }
}

package org.keelfs.it.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** What every process of a cluster is doing, for a test that stands still. */
public final class Stacks {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private Stacks() {}

    /** Writes the stacks of all threads, virtual ones too, beside the logs; returns where. */
    public static Path dump(Cluster cluster) {
        Path logs = cluster.directory().resolve("log");
        Path jcmd = Path.of(System.getProperty("java.home", ""), "bin", "jcmd");
        for (String part : cluster.parts()) {
            long pid = cluster.pid(part).orElse(0);
            if (pid != 0) {
                Path file = logs.resolve(part + ".threads");
                var _ =
                        Shell.run(
                                logs,
                                Map.of(),
                                List.of(
                                        jcmd.toString(),
                                        Long.toString(pid),
                                        "Thread.dump_to_file",
                                        "-overwrite",
                                        "-format=text",
                                        file.toString()),
                                TIMEOUT);
            }
        }
        return logs;
    }

    /** In which call of the kernel each thread of a process waits. */
    public static String kernelStack(long pid) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(pid), "stack"));
        } catch (IOException e) {
            return e.toString();
        }
    }
}

package org.keelfs.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "umount",
        description = {
            "Saves everything, unmounts, and waits until the process of the mount has ended.",
            "A mount whose process is dead is taken away."
        })
final class UmountCommand implements Callable<Integer> {
    /** The mount gives up by itself well before: 30 s without progress. */
    private static final long END_TIMEOUT_S = 55;

    private static final long COMMAND_TIMEOUT_S = 10;

    @Parameters(paramLabel = "DIR", description = "Mount point.")
    Path directory = Path.of("");

    @Override
    public Integer call() throws IOException, InterruptedException {
        // The parent only: the mount point itself may be a mount that hangs.
        Path named = directory.toAbsolutePath().normalize();
        Path parent = named.getParent();
        Path mountPoint =
                parent == null || !Files.isDirectory(parent)
                        ? named
                        : parent.toRealPath().resolve(named.getFileName());
        Optional<String> type = MountTable.typeAt(mountPoint);
        if (type.isEmpty() || !type.get().startsWith("fuse")) {
            throw new CliException(
                    ExitCode.NOT_FOUND, "nothing of Keelfs is mounted at " + directory);
        }
        Optional<ProcessHandle> process = MountTable.processOf(mountPoint);
        if (process.isEmpty()) {
            takeAway(mountPoint);
            return ExitCode.OK;
        }
        return stop(process.get());
    }

    private int stop(ProcessHandle process) throws InterruptedException {
        process.destroy();
        try {
            process.onExit().get(END_TIMEOUT_S, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException
                | java.util.concurrent.TimeoutException _) {
            throw new CliException(
                    ExitCode.UNSAVED,
                    "process "
                            + process.pid()
                            + " still serves "
                            + directory
                            + "; its log names the files that are not saved");
        }
        return ExitCode.OK;
    }

    private void takeAway(Path mountPoint) throws IOException, InterruptedException {
        boolean root = Files.getOwner(Path.of("/proc/self")).getName().equals("root");
        List<String> command =
                root
                        ? List.of("umount", "-l", "--", mountPoint.toString())
                        : List.of("fusermount3", "-u", "-z", "--", mountPoint.toString());
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        if (!process.waitFor(COMMAND_TIMEOUT_S, TimeUnit.SECONDS) || process.exitValue() != 0) {
            process.destroyForcibly();
            throw new CliException(
                    ExitCode.FAILURE, "could not unmount: " + String.join(" ", command));
        }
    }
}

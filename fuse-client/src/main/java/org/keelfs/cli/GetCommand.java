package org.keelfs.cli;

import java.io.FileOutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "get",
        description =
                "Copies a file out of a volume, without a mount. It shows under its name when all"
                        + " of it is there.")
final class GetCommand implements Callable<Integer> {
    @Mixin VolumeSession.Options options = new VolumeSession.Options();

    @Parameters(index = "0", paramLabel = "NAME", description = "Path in the volume.")
    String name = "";

    @Parameters(index = "1", paramLabel = "FILE", description = "File here; - is standard output.")
    String file = "";

    @Override
    public Integer call() throws Exception {
        try (var session = options.open()) {
            if (file.equals("-")) {
                try (var out =
                        Channels.newChannel(new FileOutputStream(java.io.FileDescriptor.out))) {
                    session.files().read(name, out);
                }
            } else {
                copy(session, Path.of(file).toAbsolutePath());
            }
        }
        return ExitCode.OK;
    }

    private void copy(VolumeSession session, Path to) throws Exception {
        if (Files.isDirectory(to)) {
            throw new CliException(ExitCode.USAGE, file + " is a directory");
        }
        long pid = ProcessHandle.current().pid();
        Path beside = to.resolveSibling(to.getFileName() + ".get-" + pid);
        try {
            try (var out =
                    FileChannel.open(
                            beside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                session.files().read(name, out);
            }
            Files.move(beside, to, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(beside);
        }
    }
}

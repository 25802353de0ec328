package org.keelfs.cli;

import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "put",
        description =
                "Copies a file into a volume, without a mount. It shows under its name when all of"
                        + " it is durable; directories are made.")
final class PutCommand implements Callable<Integer> {
    @Mixin VolumeSession.Options options = new VolumeSession.Options();

    @Parameters(index = "0", paramLabel = "FILE", description = "File here; - is standard input.")
    String file = "";

    @Parameters(index = "1", paramLabel = "NAME", description = "Path in the volume.")
    String name = "";

    @Override
    public Integer call() throws Exception {
        try (ReadableByteChannel from = open();
                var session = options.open()) {
            session.files().write(name, from);
        }
        return ExitCode.OK;
    }

    private ReadableByteChannel open() throws Exception {
        if (file.equals("-")) {
            return Channels.newChannel(System.in);
        }
        Path path = Path.of(file);
        if (!Files.exists(path)) {
            throw new NoSuchFileException(file);
        }
        if (Files.isDirectory(path)) {
            throw new CliException(ExitCode.USAGE, file + " is a directory");
        }
        return FileChannel.open(path);
    }
}

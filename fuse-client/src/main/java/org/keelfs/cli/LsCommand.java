package org.keelfs.cli;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.Callable;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "ls", description = "Lists a directory of a volume, without a mount.")
final class LsCommand implements Callable<Integer> {
    @Mixin VolumeSession.Options options = new VolumeSession.Options();

    @Parameters(
            arity = "0..1",
            paramLabel = "PATH",
            defaultValue = "/",
            description = "Path in the volume; default: ${DEFAULT-VALUE}.")
    String path = "/";

    @Option(names = "-l", description = "With type, permissions, owner, size and time.")
    boolean withAttributes;

    @Override
    public Integer call() throws Exception {
        try (var session = options.open()) {
            for (VolumeFiles.Listed each : session.files().list(path)) {
                System.out.println(
                        withAttributes ? line(each.name(), each.attributes()) : each.name());
            }
        }
        System.out.flush();
        return ExitCode.OK;
    }

    private static String line(String name, Attributes attributes) {
        Instant modified =
                Instant.EPOCH.plusNanos(attributes.mtimeNs()).truncatedTo(ChronoUnit.SECONDS);
        return String.format(
                "%s%04o %3d %6s %6s %12d %s %s",
                letter(attributes.type()),
                attributes.mode(),
                attributes.linkCount(),
                Integer.toUnsignedString(attributes.uid()),
                Integer.toUnsignedString(attributes.gid()),
                attributes.size(),
                modified,
                name);
    }

    private static char letter(FileType type) {
        return switch (type) {
            case REGULAR -> '-';
            case DIRECTORY -> 'd';
            case SYMLINK -> 'l';
            case FIFO -> 'p';
            case SOCKET -> 's';
            case BLOCK_DEVICE -> 'b';
            case CHARACTER_DEVICE -> 'c';
        };
    }
}

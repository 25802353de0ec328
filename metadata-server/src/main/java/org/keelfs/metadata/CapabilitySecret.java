package org.keelfs.metadata;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Set;
import org.keelfs.security.capability.CapabilityKeys;

/** The secret that capabilities are signed with: a file of its own, readable by its owner alone. */
final class CapabilitySecret {
    private static final String FILE = "capability.key";

    private CapabilitySecret() {}

    /** Reads it; makes it where there is none, durably before it is used. */
    static CapabilityKeys loadOrCreate(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        if (!Files.exists(file)) {
            byte[] secret = new byte[CapabilityKeys.KEY_BYTES];
            new SecureRandom().nextBytes(secret);
            Path fresh = directory.resolve(FILE + ".new");
            Files.deleteIfExists(fresh);
            try (FileChannel out =
                    FileChannel.open(
                            fresh,
                            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rw-------")))) {
                ByteBuffer bytes = ByteBuffer.wrap(secret);
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
                out.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            try (FileChannel dir = FileChannel.open(directory, StandardOpenOption.READ)) {
                dir.force(true);
            }
        }
        byte[] secret = Files.readAllBytes(file);
        if (secret.length != CapabilityKeys.KEY_BYTES) {
            throw new IOException(
                    file
                            + " has "
                            + secret.length
                            + " bytes instead of "
                            + CapabilityKeys.KEY_BYTES);
        }
        return new CapabilityKeys(secret);
    }
}

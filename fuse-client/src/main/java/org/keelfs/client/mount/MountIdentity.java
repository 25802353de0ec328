package org.keelfs.client.mount;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;

/**
 * The stable identity of a mount and the lock that makes its predecessor dead: who holds the lock
 * may have the session that an earlier process left behind evicted at once (DESIGN section 4).
 */
final class MountIdentity implements AutoCloseable {
    private static final int ID_BYTES = 16;

    private final FileChannel channel;
    private final byte[] id;

    private MountIdentity(FileChannel channel, byte[] id) {
        this.channel = channel;
        this.id = id;
    }

    static MountIdentity take(Path stateDir) {
        try {
            Files.createDirectories(stateDir);
            FileChannel channel =
                    FileChannel.open(
                            stateDir.resolve("mount.lock"),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE);
            if (!lock(channel)) {
                channel.close();
                throw new FsException(
                        Errno.EBUSY, stateDir + " is in use by another process of this mount");
            }
            return new MountIdentity(channel, readOrMake(stateDir.resolve("mount.id")));
        } catch (IOException e) {
            throw new FsException(
                    Errno.EIO,
                    "state directory " + stateDir + " cannot be used: " + e.getMessage());
        }
    }

    private static boolean lock(FileChannel channel) throws IOException {
        try {
            @Nullable FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    private static byte[] readOrMake(Path file) throws IOException {
        if (Files.exists(file)) {
            byte[] id = HexFormat.of().parseHex(Files.readString(file).strip());
            if (id.length == ID_BYTES) {
                return id;
            }
        }
        byte[] id = new byte[ID_BYTES];
        new SecureRandom().nextBytes(id);
        Path temporary = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(temporary, HexFormat.of().formatHex(id));
        Files.move(
                temporary,
                file,
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
        return id;
    }

    byte[] id() {
        return id.clone();
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new FsException(Errno.EIO, "the mount's lock could not be given back: " + e);
        }
    }
}

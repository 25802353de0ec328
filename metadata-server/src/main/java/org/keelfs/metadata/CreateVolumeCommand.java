package org.keelfs.metadata;

import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.namespace.Counter;
import org.keelfs.namespace.RootDirectory;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.VolumeRow;

/**
 * Makes a volume with its root directory. EEXIST when the name is taken.
 *
 * @param keyring its master key, encrypted; not to be changed
 * @param uid owner of the root directory
 */
record CreateVolumeCommand(
        String name, int chunkBytes, int replicas, byte[] keyring, int uid, int gid, long timeNs)
        implements MetadataCommand<VolumeRow> {
    private static final int CHUNK_BYTES_MIN = 1 << 20;
    private static final int CHUNK_BYTES_MAX = 64 << 20;

    /** Beyond seven a quorum waits for more nodes than fail together. */
    private static final int REPLICAS_MAX = 7;

    private static final int ROOT_MODE = 0755;

    @Override
    public VolumeRow apply(Tables tables) {
        boolean chunkFits =
                chunkBytes >= CHUNK_BYTES_MIN
                        && chunkBytes <= CHUNK_BYTES_MAX
                        && Integer.bitCount(chunkBytes) == 1;
        if (!chunkFits) {
            throw new FsException(
                    Errno.EINVAL, "chunk size must be a power of two from 1 to 64 MiB");
        }
        if (replicas < 1 || replicas > REPLICAS_MAX) {
            throw new FsException(Errno.EINVAL, "replicas must be 1 to " + REPLICAS_MAX);
        }
        if (name.isEmpty() || name.length() > 255) {
            throw new FsException(Errno.EINVAL, "a volume's name has 1 to 255 characters");
        }
        if (tables.volumes().stream().anyMatch(row -> row.name().equals(name))) {
            throw new FsException(Errno.EEXIST, "volume '" + name + "' exists");
        }
        int id = Math.toIntExact(tables.draw(Counter.VOLUME));
        var root = RootDirectory.create(tables, id, uid, gid, ROOT_MODE, timeNs);
        VolumeRow row = new VolumeRow(id, name, chunkBytes, replicas, keyring, root.id());
        tables.putVolume(row);
        return row;
    }
}

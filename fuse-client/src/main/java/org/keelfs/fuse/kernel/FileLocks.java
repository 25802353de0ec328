package org.keelfs.fuse.kernel;

import java.nio.ByteBuffer;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.vfs.FileLock;
import org.keelfs.fuse.kernel.protocol.Layout.FileLockValue;
import org.keelfs.fuse.kernel.protocol.Layout.LkIn;

/** struct fuse_file_lock: locks of flock(2) and fcntl(2). */
final class FileLocks {
    private FileLocks() {}

    /** The lock of a GETLK, SETLK or SETLKW. */
    static FileLock of(Exchange x) {
        FileLock.Type type =
                switch (x.intAt(LkIn.LOCK + FileLockValue.TYPE)) {
                    case FileLockValue.F_RDLCK -> FileLock.Type.SHARED;
                    case FileLockValue.F_WRLCK -> FileLock.Type.EXCLUSIVE;
                    case FileLockValue.F_UNLCK -> FileLock.Type.UNLOCK;
                    default -> throw new FsException(Errno.EINVAL);
                };
        return new FileLock(
                (x.intAt(LkIn.LK_FLAGS) & LkIn.LK_FLOCK) != 0,
                type,
                x.longAt(LkIn.LOCK + FileLockValue.START),
                x.longAt(LkIn.LOCK + FileLockValue.END),
                x.intAt(LkIn.LOCK + FileLockValue.PID));
    }

    /** The answer to GETLK; returns its length. */
    static int encode(ByteBuffer out, int at, FileLock lock) {
        int type =
                switch (lock.type()) {
                    case SHARED -> FileLockValue.F_RDLCK;
                    case EXCLUSIVE -> FileLockValue.F_WRLCK;
                    case UNLOCK -> FileLockValue.F_UNLCK;
                };
        out.putLong(at + FileLockValue.START, lock.start());
        out.putLong(at + FileLockValue.END, lock.end());
        out.putInt(at + FileLockValue.TYPE, type);
        out.putInt(at + FileLockValue.PID, lock.pid());
        return FileLockValue.SIZE;
    }
}

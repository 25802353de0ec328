package org.keelfs.client.vfs;

/**
 * A lock as a program sees it.
 *
 * @param flock flock(2), else fcntl(2)
 * @param type what is wanted or held
 * @param start first byte, from 0
 * @param end last byte; {@link Long#MAX_VALUE}: to the end of the file, however it grows
 * @param pid of the process that wants or holds it, 0 where that means nothing on this machine
 */
public record FileLock(boolean flock, Type type, long start, long end, int pid) {
    /** F_RDLCK, F_WRLCK, F_UNLCK. */
    public enum Type {
        SHARED,
        EXCLUSIVE,
        UNLOCK
    }
}

package org.keelfs.fuse;

import java.nio.file.Path;
import java.time.Duration;
import org.keelfs.client.lease.KernelCache;
import org.keelfs.client.vfs.FileSystem;
import org.keelfs.fuse.kernel.MountException;

/**
 * A file system mounted through an adapter. Made in two steps: the file system needs {@link #cache}
 * before {@link #start} gets the file system. Thread-safe.
 *
 * <p>After {@link #unmount} requests (write-back, forgets) still come until {@link #awaitEnd}
 * returns true. The process that serves a mount must never touch files in it from a thread that
 * serves it.
 */
public interface FuseMount extends AutoCloseable {
    /** The kernel's caches of this mount; does nothing before the start and after the end. */
    KernelCache cache();

    /** Where it is mounted. */
    Path dir();

    /**
     * Mounts and serves. Returns when the mount can be used; once per object.
     *
     * @throws MountException with a message for the person who asked
     */
    void start(FileSystem fileSystem);

    /** Whether requests can still come. */
    boolean isMounted();

    /**
     * Unmounts. Requests still come until {@link #awaitEnd}.
     *
     * @throws MountException that names who uses it, when it is busy
     */
    void unmount();

    /** Takes the mount out of the tree; it ends when nobody uses it any more. */
    void detach();

    /**
     * Ends the connection by force, also of a detached mount: all requests of applications fail at
     * once. What cannot be done is logged.
     */
    void abort();

    /** Waits until the last request is answered; false when the time is over first. */
    boolean awaitEnd(Duration timeout);

    /** Unmounts, lazily where it is busy, and waits for the end for a while. */
    @Override
    void close();
}

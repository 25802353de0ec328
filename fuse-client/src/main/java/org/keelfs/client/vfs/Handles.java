package org.keelfs.client.vfs;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.InodeId;

/**
 * Open handles by number. A number that this process never gave out (after a restart) is simply
 * unknown.
 */
final class Handles {
    /** An open file: how it was opened, and up to which error of write-back it has been told. */
    static final class FileHandle {
        final InodeId inode;
        final int flags;

        /** Whether the kernel may keep pages that it reads or writes through it. */
        final boolean cached;

        /** Guarded by the lock of the inode's FileState. */
        int errorsSeen;

        FileHandle(InodeId inode, int flags, boolean cached, int errorsSeen) {
            this.inode = inode;
            this.flags = flags;
            this.cached = cached;
            this.errorsSeen = errorsSeen;
        }

        boolean isWritable() {
            return (flags & OpenFlags.ACCESS_MASK) != OpenFlags.READ_ONLY;
        }
    }

    /** The number of no handle. */
    static final long NONE = 0;

    private final ConcurrentHashMap<Long, FileHandle> files = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Long, DirectoryPage> directories = new ConcurrentHashMap<>();
    private final AtomicLong next = new AtomicLong(NONE + 1);

    long add(FileHandle handle) {
        long number = next.getAndIncrement();
        files.put(number, handle);
        return number;
    }

    @Nullable FileHandle file(long number) {
        return files.get(number);
    }

    @Nullable FileHandle removeFile(long number) {
        return files.remove(number);
    }

    /** The entries read ahead for a directory handle. */
    @Nullable DirectoryPage page(long number) {
        return directories.get(number);
    }

    void keepPage(long number, DirectoryPage page) {
        directories.put(number, page);
    }

    void removeDirectory(long number) {
        directories.remove(number);
    }
}

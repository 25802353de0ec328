package org.keelfs.client.lease;

import org.keelfs.model.InodeId;

/**
 * The kernel's caches, as recalls empty them; the adapter implements it. Called from notifier
 * threads only, never from a thread that serves the kernel's requests nor under a lock that a
 * request may take. An inode that the kernel does not know is no error.
 */
public interface KernelCache {
    /**
     * NOTIFY_INVAL_INODE: attributes, and the pages of {@code [offset, offset+length)}; length 0:
     * to the end.
     */
    void invalidateData(InodeId inode, long offset, long length);

    /**
     * NOTIFY_STORE of one byte: raises the size that the kernel goes by to what is right behind it.
     */
    void storeByte(InodeId inode, long offset, byte value);

    /** NOTIFY_INVAL_INODE with offset -1: attributes only; never waits. */
    void invalidateAttributes(InodeId inode);

    /**
     * INC_EPOCH (every name of the mount is looked up again) and INVAL_INODE of the directory;
     * never waits.
     */
    void invalidateDirectory(InodeId directory);

    /** For adapters that let the kernel cache nothing. */
    KernelCache NONE =
            new KernelCache() {
                @Override
                public void invalidateData(InodeId inode, long offset, long length) {}

                @Override
                public void storeByte(InodeId inode, long offset, byte value) {}

                @Override
                public void invalidateAttributes(InodeId inode) {}

                @Override
                public void invalidateDirectory(InodeId directory) {}
            };
}

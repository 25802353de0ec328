package org.keelfs.client.vfs;

import org.keelfs.client.lease.KernelCache;
import org.keelfs.model.InodeId;

/** The kernel's caches under the volume's numbers: to the kernel the root is 1. */
record RootedKernelCache(KernelCache kernel, InodeId root) implements KernelCache {
    private InodeId out(InodeId inode) {
        return inode.equals(root) ? InodeId.ROOT : inode;
    }

    @Override
    public void invalidateData(InodeId inode, long offset, long length) {
        kernel.invalidateData(out(inode), offset, length);
    }

    @Override
    public void storeByte(InodeId inode, long offset, byte value) {
        kernel.storeByte(out(inode), offset, value);
    }

    @Override
    public void invalidateAttributes(InodeId inode) {
        kernel.invalidateAttributes(out(inode));
    }

    @Override
    public void invalidateDirectory(InodeId directory) {
        kernel.invalidateDirectory(out(directory));
    }
}

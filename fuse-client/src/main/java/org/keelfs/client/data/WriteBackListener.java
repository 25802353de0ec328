package org.keelfs.client.data;

import java.util.List;
import org.keelfs.model.InodeId;

/** Told by the flusher on a thread that may wait. */
public interface WriteBackListener {
    /**
     * Background write-back made everything of these inodes durable that was dirty when it began:
     * size, times and the change in allocated sectors ({@link FileData#takeAllocatedDelta}) should
     * follow to the metadata server.
     */
    void afterFlush(List<InodeId> flushed);

    /** Write-back met an error that will not go away; every handle open now is told once. */
    void onWriteBackError(InodeId inode, org.keelfs.base.Errno errno);

    /**
     * Whether the metadata server knows this file, so that its chunks can be given a place.
     * Write-back in the background comes back to the others: what is flushed with them would wait
     * for them, and they may wait for it (a rename that waits for bytes holds up what was made
     * after it). Never waits, and takes no lock of an operation.
     */
    default boolean isPlaceable(InodeId inode) {
        return true;
    }
}

package org.keelfs.client.lease;

import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseRequest;

/**
 * What has to be done before a lease goes back; the VFS core implements it. On threads that may
 * wait.
 */
public interface RecallTarget {
    /** Whether the kernel may fill pages of the file, for an open handle or a mapping. */
    boolean mayFillPages(InodeId inode);

    /**
     * The server asks for the lease on an inode that this mount made and whose grant is still on
     * its way: waits until it has come.
     */
    void awaitMade(InodeId inode);

    /**
     * The server asks for a lease that is not held here, maybe not any more because the inode was
     * removed: waits until the server knows what was done under it. Or not yet, because this mount
     * is still making the inode: pins what it may have open.
     */
    void beforeDenial(InodeId inode);

    /** Whether the inode is, or may be, a directory: its names are then looked up again. */
    boolean mayBeDirectory(InodeId inode);

    /** What may be kept: less than asked for where the mount would have to write again. */
    LeaseMode keepable(InodeId inode, LeaseMode keep);

    /**
     * Nobody uses the lease any more: flushes bytes, size and times to their places and fills in
     * what is handed over. Returns normally even when bytes were lost; those are in doubt.
     */
    void beforeReturn(
            InodeId inode, LeaseMode held, LeaseMode keep, ReturnLeaseRequest.Builder request);

    /** The lease is gone, or what {@code left} says is left. */
    void afterReturn(InodeId inode, LeaseMode left);
}

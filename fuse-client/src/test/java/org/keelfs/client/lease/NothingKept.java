package org.keelfs.client.lease;

import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseRequest;

/** A mount that keeps nothing. */
class NothingKept implements RecallTarget {
    @Override
    public boolean mayFillPages(InodeId inode) {
        return false;
    }

    @Override
    public void awaitMade(InodeId inode) {}

    @Override
    public void beforeDenial(InodeId inode) {}

    @Override
    public boolean mayBeDirectory(InodeId inode) {
        return false;
    }

    @Override
    public LeaseMode keepable(InodeId inode, LeaseMode keep) {
        return keep;
    }

    @Override
    public void beforeReturn(
            InodeId inode, LeaseMode held, LeaseMode keep, ReturnLeaseRequest.Builder request) {}

    @Override
    public void afterReturn(InodeId inode, LeaseMode left) {}
}

package org.keelfs.client.vfs;

import java.util.List;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.CachedInode;
import org.keelfs.client.data.FileData.HandOver;
import org.keelfs.client.lease.RecallTarget;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.wire.proto.MetadataProto;
import org.keelfs.wire.proto.MetadataProto.ReturnLeaseRequest;
import org.keelfs.wire.proto.NodeProto;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a lease leaves behind when it goes: flushed bytes, sent sizes, pins of open files, empty
 * caches.
 */
final class Recalls implements RecallTarget {
    private static final Logger LOG = LoggerFactory.getLogger(Recalls.class);

    private final VfsContext vfs;
    private final WriteBacks writeBacks;
    private final SharedOperations shared;
    private final Adoption adoption;
    private final EarlyPins earlyPins;

    Recalls(
            VfsContext vfs,
            WriteBacks writeBacks,
            SharedOperations shared,
            Adoption adoption,
            EarlyPins earlyPins) {
        this.earlyPins = earlyPins;
        this.shared = shared;
        this.vfs = vfs;
        this.adoption = adoption;
        this.writeBacks = writeBacks;
    }

    @Override
    public void awaitMade(InodeId inode) {
        try {
            vfs.names().awaitMade(List.of(inode));
        } catch (FsException e) {
            LOG.warn("{}: recalled before the server has answered: {}", inode, e.getMessage());
        }
    }

    @Override
    public void beforeDenial(InodeId inode) {
        if (vfs.names().isPending(inode)) {
            try {
                vfs.names().drain();
            } catch (FsException e) {
                LOG.warn("{}: its lease goes before its removal: {}", inode, e.getMessage());
            }
        }
        if (!mayBeMade(inode) || !earlyPins.pin(inode)) {
            pinIfOpen(inode);
        }
    }

    /** Whether the recall may have overtaken the answer of the open(2) that makes the inode. */
    private boolean mayBeMade(InodeId inode) {
        FileState state = vfs.files().ifPresent(inode);
        return vfs.cache().inode(inode) == null && (state == null || !state.isOpen());
    }

    /** A cached writable handle would fill pages again under READ, and store into them unseen. */
    @Override
    public LeaseMode keepable(InodeId inode, LeaseMode keep) {
        FileState state = vfs.files().ifPresent(inode);
        return state != null && state.isOpenForWriting() ? LeaseMode.NONE : keep;
    }

    @Override
    public boolean mayFillPages(InodeId inode) {
        FileState state = vfs.files().ifPresent(inode);
        return state != null && state.isCached();
    }

    @Override
    public boolean mayBeDirectory(InodeId inode) {
        CachedInode known = vfs.cache().inode(inode);
        return known == null || known.attributes().isDirectory();
    }

    @Override
    public void beforeReturn(
            InodeId inode, LeaseMode held, LeaseMode keep, ReturnLeaseRequest.Builder request) {
        boolean doubt = false;
        FileState known = vfs.files().ifPresent(inode);
        request.setShareable(known == null || !known.isCached());
        if (held == LeaseMode.SHARED) {
            shared.settle(inode);
            request.setInDoubt(vfs.data().isInDoubt(inode));
        }
        if (held == LeaseMode.WRITE && vfs.files().ifPresent(inode) != null) {
            doubt = !flush(inode);
        }
        if (held == LeaseMode.WRITE) {
            doubt |= vfs.data().isInDoubt(inode);
            for (HandOver handOver : vfs.data().handOver(inode)) {
                request.addHandOvers(toWire(handOver));
            }
            request.setInDoubt(doubt);
        }
        if (keep == LeaseMode.NONE) {
            pinIfOpen(inode);
        }
        // What was decided under the lease.
        vfs.names().drain();
        adoption.onReturned(inode, held);
    }

    /** Bytes first, then size and times. Returns whether all went well. */
    private boolean flush(InodeId inode) {
        boolean well = true;
        try {
            vfs.data().flush(inode);
        } catch (FsException e) {
            LOG.error("{}: bytes are lost with the lease: {}", inode, e.getMessage());
            boolean _ = vfs.data().abandon(inode);
            writeBacks.onWriteBackError(inode, e.errno());
            well = false;
        }
        FileState state = vfs.files().locked(inode);
        try {
            writeBacks.sendLocked(state);
        } catch (FsException e) {
            LOG.error("{}: its size is lost with the lease: {}", inode, e.getMessage());
            state.onError(e.errno());
        } finally {
            vfs.files().unlock(state);
        }
        return well;
    }

    /**
     * Without a lease only a pin keeps an open file alive when another mount takes its last name.
     */
    private void pinIfOpen(InodeId inode) {
        FileState state = vfs.files().ifPresent(inode);
        if (state == null || !state.pinIfOpen()) {
            return;
        }
        try {
            var _ = vfs.names().submit(List.of(vfs.commands().pin(inode, true)));
            state.pinAcknowledged();
        } catch (FsException e) {
            LOG.warn("{}: the open file could not be pinned: {}", inode, e.getMessage());
        }
    }

    @Override
    public void afterReturn(InodeId inode, LeaseMode left) {
        if (left != LeaseMode.WRITE && vfs.files().ifPresent(inode) != null) {
            vfs.files()
                    .with(
                            inode,
                            state -> {
                                state.disown();
                                return state;
                            });
        }
        vfs.data().forget(inode);
        if (left == LeaseMode.NONE) {
            vfs.cache().forget(inode);
        } else {
            vfs.cache().forgetInode(inode);
        }
    }

    private static MetadataProto.HandOver toWire(HandOver handOver) {
        return MetadataProto.HandOver.newBuilder()
                .setChunk(handOver.chunk().value())
                .setHint(
                        NodeProto.Hint.newBuilder()
                                .setSealed(handOver.hint().sealed())
                                .setDigest(
                                        NodeProto.DigestValue.newBuilder()
                                                .setHigh(handOver.hint().digest().high())
                                                .setLow(handOver.hint().digest().low())))
                .build();
    }
}

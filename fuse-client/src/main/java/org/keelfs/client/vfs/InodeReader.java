package org.keelfs.client.vfs;

import com.google.protobuf.ByteString;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.CachedInode;
import org.keelfs.client.lease.LeaseUse;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.AcquireLeaseReply;
import org.keelfs.wire.proto.MetadataProto.Attr;
import org.keelfs.wire.proto.MetadataProto.GetInodeReply;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;
import org.keelfs.wire.proto.MetadataProto.Xattr;

/** Attributes, xattrs and targets of inodes: from the cache under a lease, else from the server. */
final class InodeReader {
    private static final int SUID_SGID = 06000;

    private final VfsContext vfs;

    InodeReader(VfsContext vfs) {
        this.vfs = vfs;
    }

    /** What is known under a lease now, or null. */
    @Nullable CachedInode cached(InodeId inode) {
        return vfs.leases().covers(inode, LeaseMode.READ) ? vfs.cache().inode(inode) : null;
    }

    /** Attributes as this mount's programs are to see them. */
    Attributes attributes(Call call, InodeId inode) {
        CachedInode known = cached(inode);
        Attributes seen = known != null ? overlay(known.attributes()) : recalled(inode);
        return seen != null ? seen : overlay(fetchOrRemoved(call, inode));
    }

    /**
     * What a lease covers that is being recalled: who asked the server instead would be answered
     * after the kernel is told to forget, and the kernel drops what comes after that
     * (docs/decisions/0024).
     */
    private @Nullable Attributes recalled(InodeId inode) {
        try (LeaseUse use = vfs.leases().tryLook(inode, LeaseMode.READ)) {
            CachedInode known = use == null ? null : vfs.cache().inode(inode);
            return known == null ? null : overlay(known.attributes());
        }
    }

    /**
     * The kernel does not tell that a directory is somebody's working directory or that a pipe is
     * open; who asks for attributes after the removal gets those it had.
     */
    private Attributes fetchOrRemoved(Call call, InodeId inode) {
        try {
            return fetch(call, inode).attributes();
        } catch (FsException e) {
            Attributes removed = e.errno() == Errno.ESTALE ? vfs.cache().removed(inode) : null;
            if (removed == null) {
                throw e;
            }
            return removed;
        }
    }

    /** What is known locally and not yet at the server laid over the server's attributes. */
    Attributes overlay(Attributes known) {
        FileState state = vfs.files().ifPresent(known.inode());
        return state == null ? known : state.overlay(known);
    }

    AttributesAnswer answer(Attributes attributes) {
        return new AttributesAnswer(attributes, validNs(attributes));
    }

    /**
     * How long the kernel may keep attributes that a lease covers. Those with setuid or setgid not
     * at all: writes take these bits away here, and the kernel does not expect a mode to change.
     * Nor those of a file that is being written: its blocks become known when they are stored, and
     * cp(1) takes a file with fewer blocks than bytes for a sparse one.
     */
    long validNs(Attributes attributes) {
        InodeId inode = attributes.inode();
        if (attributes.isRegular()) {
            boolean mayLoseBits = (attributes.mode() & SUID_SGID) != 0;
            boolean mayKeep = !mayLoseBits && !isBeingWritten(inode);
            long validNs = mayKeep ? vfs.leases().kernelMayKeepNs(inode) : 0;
            return validNs > 0 && isNewest(attributes) ? validNs : 0;
        }
        return vfs.leases().covers(inode, LeaseMode.READ) ? vfs.leases().remainingNs() : 0;
    }

    /**
     * Whether the lease that is held now covers these. They may be of the lease before: where
     * nothing was invalidated when that went, the kernel would keep them under this one.
     */
    private boolean isNewest(Attributes attributes) {
        CachedInode known = vfs.cache().inode(attributes.inode());
        return known != null && known.attributes().version() == attributes.version();
    }

    private boolean isBeingWritten(InodeId inode) {
        FileState state = vfs.files().ifPresent(inode);
        return state != null
                && (state.isOpenForWriting()
                        || vfs.data().isDirty(inode)
                        || vfs.data().hasAllocatedDelta(inode));
    }

    /** All extended attributes. */
    Map<Name, byte[]> xattrs(Call call, InodeId inode) {
        CachedInode known = cached(inode);
        Map<Name, byte[]> xattrs = known == null ? null : known.xattrs();
        if (xattrs == null && known == null && vfs.cache().removed(inode) != null) {
            return Map.of();
        }
        if (xattrs == null) {
            xattrs = fetch(call, inode).xattrs();
        }
        return xattrs == null ? Map.of() : xattrs;
    }

    byte[] symlinkTarget(Call call, InodeId inode) {
        CachedInode known = cached(inode);
        byte[] target = known == null ? null : known.symlinkTarget();
        if (target == null) {
            target = fetch(call, inode).symlinkTarget();
        }
        if (target == null) {
            throw new FsException(Errno.EINVAL, inode + " is no symlink");
        }
        return target;
    }

    private CachedInode fetch(Call call, InodeId inode) {
        call.beforeWait();
        GetInodeReply reply = vfs.namespace().inode(inode);
        if (reply.getErrno() != 0) {
            throw gone(inode, reply.getErrno());
        }
        CachedInode fetched =
                decode(
                        reply.getInode(),
                        reply.getXattrsList(),
                        reply.getXattrsComplete(),
                        reply.getSymlinkTarget());
        learn(reply.getLease(), fetched);
        return fetched;
    }

    private FsException gone(InodeId inode, int errno) {
        Errno e = Errno.of(errno);
        return new FsException(e == Errno.ENOENT ? Errno.ESTALE : e, inode + " is gone");
    }

    /** Keeps an inode if its grant is good. */
    void learn(LeaseGrant grant, CachedInode fetched) {
        learn(grant, fetched, known -> {});
    }

    /** The same, with more to do under the lease's lock if the grant is good. */
    void learn(LeaseGrant grant, CachedInode fetched, Consumer<CachedInode> more) {
        if (isReadBesideWriters(grant)) {
            return;
        }
        vfs.leases()
                .onGrant(
                        grant,
                        () -> {
                            if (vfs.names().isPending(fetched.attributes().inode())) {
                                // Asked before a change that the server has yet to hear of.
                                return;
                            }
                            vfs.cache().learn(fetched);
                            maybeOwn(grant, fetched.attributes());
                            more.accept(fetched);
                        });
    }

    /**
     * READ on a file that is open for writing here is not taken (DESIGN section 4): a WRITE of the
     * kernel that waits for its lease keeps a page locked, and the recall of READ would wait for
     * that page. When the server wants it back it is answered at once that it is not held.
     */
    private boolean isReadBesideWriters(LeaseGrant grant) {
        boolean read = grant.getMode() == org.keelfs.wire.proto.MetadataProto.LeaseMode.READ;
        FileState state = read ? vfs.files().ifPresent(new InodeId(grant.getInode())) : null;
        return state != null && state.isOpenForWriting();
    }

    /** A grant that was asked for has come, with fresh attributes. Under the lock of the lease. */
    void onAcquired(InodeId inode, AcquireLeaseReply reply) {
        CachedInode fetched =
                decode(
                        reply.getInode(),
                        reply.getXattrsList(),
                        reply.getXattrsComplete(),
                        reply.getSymlinkTarget());
        vfs.cache().learn(fetched);
        maybeOwn(reply.getLease(), fetched.attributes());
    }

    private void maybeOwn(LeaseGrant grant, Attributes attributes) {
        boolean write = grant.getMode() == org.keelfs.wire.proto.MetadataProto.LeaseMode.WRITE;
        if (write && attributes.isRegular() && !isOwned(attributes.inode())) {
            vfs.files()
                    .with(
                            attributes.inode(),
                            state -> {
                                if (!state.isOwned() && vfs.data().isDirty(attributes.inode())) {
                                    // Of a session that is gone: others may have written since.
                                    boolean _ = vfs.data().abandon(attributes.inode());
                                    state.onError(Errno.EIO);
                                }
                                state.own(attributes, grant.getTrimBound());
                                return state;
                            });
        }
    }

    /**
     * Then a grant says nothing new, and is not to wait, with the lease locked, for a writer that
     * waits for nodes.
     */
    private boolean isOwned(InodeId inode) {
        FileState state = vfs.files().ifPresent(inode);
        return state != null && state.isOwned();
    }

    static CachedInode decode(
            Attr attr, List<Xattr> xattrs, boolean xattrsComplete, ByteString target) {
        Attributes attributes = AttributesCodec.decode(attr);
        Map<Name, byte[]> map = null;
        if (xattrsComplete) {
            map = new HashMap<>();
            for (Xattr xattr : xattrs) {
                map.put(Name.of(xattr.getName().toByteArray()), xattr.getValue().toByteArray());
            }
        }
        boolean symlink = attributes.type() == org.keelfs.model.FileType.SYMLINK;
        return new CachedInode(attributes, map, symlink ? target.toByteArray() : null);
    }
}

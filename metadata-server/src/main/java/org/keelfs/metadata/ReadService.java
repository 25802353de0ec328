package org.keelfs.metadata;

import com.google.protobuf.ByteString;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.lease.LeaseMode;
import org.keelfs.lease.LeaseNeed;
import org.keelfs.lease.LeaseReturn;
import org.keelfs.lease.LeaseState;
import org.keelfs.metadata.lease.LeaseDriver;
import org.keelfs.metadata.lease.OperationDriver;
import org.keelfs.metadata.log.MetadataLog;
import org.keelfs.metadata.session.Sessions.Session;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.EntryRow;
import org.keelfs.namespace.InodeRow;
import org.keelfs.namespace.NamespaceReads;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.XattrRow;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.AcquireLeaseReply;
import org.keelfs.wire.proto.MetadataProto.AcquireLeaseRequest;
import org.keelfs.wire.proto.MetadataProto.DirectoryEntry;
import org.keelfs.wire.proto.MetadataProto.GetInodeReply;
import org.keelfs.wire.proto.MetadataProto.GetInodeRequest;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;
import org.keelfs.wire.proto.MetadataProto.LookupReply;
import org.keelfs.wire.proto.MetadataProto.LookupRequest;
import org.keelfs.wire.proto.MetadataProto.ReadDirectoryReply;
import org.keelfs.wire.proto.MetadataProto.ReadDirectoryRequest;

/**
 * Reading the namespace, with the leases under which what was read may be kept. The lease comes
 * first, then the read: so what is shown is what holds while it is held. Confined to the service's
 * executor.
 */
final class ReadService {
    /** Entries of one answer, whatever was asked for. */
    private static final int ENTRIES_MAX = 4096;

    /** Bytes of entries after which an answer ends: a quarter of a frame. */
    private static final int REPLY_BYTES = 1 << 20;

    private final MetadataLog log;
    private final LeaseDriver leases;
    private final OperationDriver operations;

    ReadService(MetadataLog log, LeaseDriver leases, OperationDriver operations) {
        this.log = log;
        this.leases = leases;
        this.operations = operations;
    }

    /** An inode with all that a holder of READ may keep. */
    private record Shown(InodeRow row, List<XattrRow> xattrs) {
        static Shown of(Tables tables, InodeRow row) {
            return new Shown(row, NamespaceReads.xattrs(tables, row));
        }
    }

    private LeaseDriver.Waiter waiter(RpcRequest rpc, Consumer<List<LeaseState>> next) {
        return new LeaseDriver.Waiter() {
            @Override
            public void granted(long token, List<LeaseState> states) {
                guarded(rpc, () -> next.accept(states));
            }

            @Override
            public void refused() {
                rpc.fail(RpcStatus.SESSION_GONE, "the session is over");
            }

            @Override
            public RpcRequest call() {
                return rpc;
            }
        };
    }

    private static void guarded(RpcRequest rpc, Runnable step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            Failures.answer(rpc, e);
        }
    }

    private boolean exists(Session session, InodeId id) {
        InodeRow row = log.read(tables -> tables.inode(id));
        return row != null && row.volume() == session.volume();
    }

    // ---- LOOKUP ----

    void lookup(RpcRequest rpc, Session session, LookupRequest request) {
        InodeId parent = new InodeId(request.getParent());
        if (!exists(session, parent)) {
            rpc.reply(LookupReply.newBuilder().setErrno(Errno.ESTALE.number()).build());
            return;
        }
        leases.request(
                session.id(),
                List.of(LeaseNeed.read(parent)),
                waiter(rpc, _ -> lookupUnderLease(rpc, session, request)));
    }

    private void lookupUnderLease(RpcRequest rpc, Session session, LookupRequest request) {
        InodeId parent = new InodeId(request.getParent());
        Shown found;
        try {
            found = log.read(tables -> find(tables, session, request));
        } catch (FsException e) {
            rpc.reply(
                    LookupReply.newBuilder()
                            .setErrno(e.errno().number())
                            .setParentLease(Wire.encode(leases.held(session.id(), parent)))
                            .build());
            return;
        }
        InodeId id = found.row().id();
        LeaseState lease = leases.tryGrant(session.id(), id, LeaseMode.READ);
        if (lease != null) {
            rpc.reply(lookupReply(session, parent, found, lease));
            return;
        }
        // Somebody writes it: wait for that lease, and look again, for the name may be another's by
        // then.
        look(rpc, session, id, under -> lookupAgain(rpc, session, request, under));
    }

    /**
     * Goes on under READ, or, where the file is SHARED, between two operations that change its
     * size.
     */
    private void look(RpcRequest rpc, Session session, InodeId id, Consumer<LeaseState> next) {
        leases.request(
                session.id(),
                List.of(LeaseNeed.look(id)),
                waiter(
                        rpc,
                        states -> {
                            LeaseState lease = states.getFirst();
                            if (lease.mode() == LeaseMode.NONE) {
                                operations.look(
                                        rpc,
                                        session.id(),
                                        id,
                                        () -> guarded(rpc, () -> next.accept(lease)),
                                        () -> look(rpc, session, id, next));
                            } else {
                                next.accept(lease);
                            }
                        }));
    }

    private void lookupAgain(
            RpcRequest rpc, Session session, LookupRequest request, LeaseState lease) {
        InodeId parent = new InodeId(request.getParent());
        Shown found;
        try {
            found = log.read(tables -> find(tables, session, request));
        } catch (FsException e) {
            rpc.reply(
                    LookupReply.newBuilder()
                            .setErrno(e.errno().number())
                            .setParentLease(Wire.encode(leases.held(session.id(), parent)))
                            .build());
            return;
        }
        if (found.row().id().equals(lease.inode())) {
            rpc.reply(lookupReply(session, parent, found, lease));
        } else {
            lookup(rpc, session, request);
        }
    }

    private static Shown find(Tables tables, Session session, LookupRequest request) {
        return Shown.of(
                tables,
                NamespaceReads.lookup(
                        tables,
                        session.volume(),
                        new InodeId(request.getParent()),
                        Name.of(request.getName().toByteArray()),
                        AttributesCodec.decode(request.getCaller())));
    }

    private LookupReply lookupReply(
            Session session, InodeId parent, Shown found, LeaseState lease) {
        return LookupReply.newBuilder()
                .setInode(AttributesCodec.encode(found.row().attributes()))
                .setLease(grant(lease, found.row()))
                .setParentLease(Wire.encode(leases.held(session.id(), parent)))
                .addAllXattrs(Wire.encode(found.xattrs()))
                .setXattrsComplete(true)
                .setSymlinkTarget(ByteString.copyFrom(found.row().target()))
                .build();
    }

    // ---- GET_INODE, ACQUIRE_LEASE ----

    void getInode(RpcRequest rpc, Session session, GetInodeRequest request) {
        InodeId id = new InodeId(request.getInode());
        if (!exists(session, id)) {
            rpc.reply(GetInodeReply.newBuilder().setErrno(Errno.ESTALE.number()).build());
            return;
        }
        look(rpc, session, id, lease -> rpc.reply(inodeReply(session, lease)));
    }

    private GetInodeReply inodeReply(Session session, LeaseState lease) {
        Shown shown = showUnder(session, lease);
        if (shown == null) {
            return GetInodeReply.newBuilder().setErrno(Errno.ESTALE.number()).build();
        }
        return GetInodeReply.newBuilder()
                .setInode(AttributesCodec.encode(shown.row().attributes()))
                .setLease(grant(lease, shown.row()))
                .addAllXattrs(Wire.encode(shown.xattrs()))
                .setXattrsComplete(true)
                .setSymlinkTarget(ByteString.copyFrom(shown.row().target()))
                .build();
    }

    /**
     * The inode, or null when it went while its lease was waited for; then the lease is not kept.
     */
    private @Nullable Shown showUnder(Session session, LeaseState lease) {
        Shown shown =
                log.read(
                        tables -> {
                            InodeRow row = tables.inode(lease.inode());
                            return row == null ? null : Shown.of(tables, row);
                        });
        if (shown == null) {
            var how = new LeaseReturn(lease.generation(), LeaseMode.NONE, false, false);
            var _ = leases.giveBack(session.id(), lease.inode(), how);
        }
        return shown;
    }

    void acquire(RpcRequest rpc, Session session, AcquireLeaseRequest request) {
        InodeId id = new InodeId(request.getInode());
        if (!exists(session, id)) {
            rpc.reply(refusedLease(Errno.ESTALE));
            return;
        }
        LeaseMode mode = Wire.decode(request.getMode());
        if (mode == LeaseMode.NONE) {
            rpc.reply(acquireReply(session, leases.held(session.id(), id)));
        } else if (request.getReclaim()) {
            long since = request.getSharedSince();
            LeaseState state = leases.reclaim(session.id(), id, mode, since);
            if (state != null && state.mode() == LeaseMode.SHARED) {
                operations.reclaim(session.id(), state, request.getOperationsList());
            }
            rpc.reply(state == null ? refusedLease(Errno.ESTALE) : acquireReply(session, state));
        } else if (mode == LeaseMode.SHARED) {
            rpc.reply(refusedLease(Errno.EINVAL)); // the server says when a file is SHARED
        } else {
            leases.request(
                    session.id(),
                    List.of(new LeaseNeed(id, kind(mode, request.getShareable()))),
                    waiter(rpc, states -> rpc.reply(acquireReply(session, states.getFirst()))));
        }
    }

    private static LeaseNeed.Kind kind(LeaseMode mode, boolean shareable) {
        if (mode == LeaseMode.WRITE) {
            return shareable ? LeaseNeed.Kind.WRITE_OR_SHARED : LeaseNeed.Kind.WRITE;
        }
        return shareable ? LeaseNeed.Kind.READ_OR_SHARED : LeaseNeed.Kind.READ;
    }

    private static AcquireLeaseReply refusedLease(Errno errno) {
        return AcquireLeaseReply.newBuilder().setErrno(errno.number()).build();
    }

    private AcquireLeaseReply acquireReply(Session session, LeaseState lease) {
        Shown shown = showUnder(session, lease);
        if (shown == null) {
            return refusedLease(Errno.ESTALE);
        }
        return AcquireLeaseReply.newBuilder()
                .setLease(grant(lease, shown.row()))
                .setInode(AttributesCodec.encode(shown.row().attributes()))
                .addAllXattrs(Wire.encode(shown.xattrs()))
                .setXattrsComplete(true)
                .setSymlinkTarget(ByteString.copyFrom(shown.row().target()))
                .build();
    }

    private LeaseGrant grant(LeaseState lease, InodeRow row) {
        return Wire.encode(lease, row.trimBound()).toBuilder()
                .setContended(leases.isContended(lease.inode()))
                .build();
    }

    // ---- READ_DIRECTORY ----

    void readDirectory(RpcRequest rpc, Session session, ReadDirectoryRequest request) {
        InodeId id = new InodeId(request.getInode());
        if (!exists(session, id)) {
            rpc.reply(ReadDirectoryReply.newBuilder().setErrno(Errno.ESTALE.number()).build());
            return;
        }
        leases.request(
                session.id(),
                List.of(LeaseNeed.read(id)),
                waiter(rpc, states -> rpc.reply(page(session, request, states.getFirst()))));
    }

    private ReadDirectoryReply page(
            Session session, ReadDirectoryRequest request, LeaseState lease) {
        int limit = request.getLimit();
        int count = limit <= 0 ? ENTRIES_MAX : Math.min(limit, ENTRIES_MAX);
        try {
            return log.read(
                    tables -> {
                        InodeRow row =
                                NamespaceReads.directory(tables, session.volume(), lease.inode());
                        List<EntryRow> entries =
                                tables.entriesAfter(
                                        lease.inode(), request.getAfterPosition(), count);
                        var reply =
                                ReadDirectoryReply.newBuilder()
                                        .setLease(grant(lease, row))
                                        .setParent(row.parent().value())
                                        .setNextPosition(row.nextPosition());
                        int bytes = 0;
                        int taken = 0;
                        for (EntryRow entry : entries) {
                            DirectoryEntry shown =
                                    entry(tables, session, entry, request.getAttributes());
                            reply.addEntries(shown);
                            taken++;
                            bytes += shown.getSerializedSize();
                            if (bytes >= REPLY_BYTES) {
                                break;
                            }
                        }
                        boolean all = taken == entries.size() && entries.size() < count;
                        return reply.setEnd(all).build();
                    });
        } catch (FsException e) {
            return ReadDirectoryReply.newBuilder().setErrno(e.errno().number()).build();
        }
    }

    private DirectoryEntry entry(
            Tables tables, Session session, EntryRow entry, boolean withAttributes) {
        DirectoryEntry.Builder shown =
                DirectoryEntry.newBuilder()
                        .setName(ByteString.copyFrom(entry.name().bytes()))
                        .setInode(entry.inode().value())
                        .setType(entry.type().modeBits())
                        .setPosition(entry.position());
        InodeRow row = withAttributes ? tables.inode(entry.inode()) : null;
        LeaseState lease =
                row == null ? null : leases.tryGrant(session.id(), entry.inode(), LeaseMode.READ);
        if (row != null && lease != null) {
            shown.setAttributes(AttributesCodec.encode(row.attributes()))
                    .setLease(grant(lease, row))
                    .addAllXattrs(Wire.encode(NamespaceReads.xattrs(tables, row)))
                    .setXattrsComplete(true)
                    .setSymlinkTarget(ByteString.copyFrom(row.target()));
        }
        return shown.build();
    }
}

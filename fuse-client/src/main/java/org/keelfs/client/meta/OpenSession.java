package org.keelfs.client.meta;

import java.util.concurrent.atomic.AtomicBoolean;
import org.keelfs.namespace.InodePool;
import org.keelfs.wire.proto.MetadataProto.InodePoolValue;
import org.keelfs.wire.proto.MetadataProto.OpenSessionReply;
import org.keelfs.wire.proto.MetadataProto.SubmitReply;
import org.keelfs.wire.proto.MetadataProto.VolumeInfo;

/** One session as the server opened it, and what it has sent. */
final class OpenSession {
    final long id;
    final VolumeInfo volume;
    final long leaseTermMs;
    final long renewMs;
    final UnforcedCommands commands;

    /** One task at a time brings a restarted server up to date. */
    final AtomicBoolean recovering = new AtomicBoolean();

    /** Of the server's process that answered last; it changes when the server restarts. */
    volatile long newestIncarnation;

    /** Of the process that has got all commands that were answered before it started. */
    volatile long incarnation;

    /** Of the process from which all leases have been reclaimed. */
    volatile long reclaimedIncarnation;

    /** As the newest answer has it. */
    volatile InodePool pool;

    OpenSession(OpenSessionReply reply) {
        id = reply.getSession();
        volume = reply.getVolume();
        leaseTermMs = reply.getLeaseTermMs();
        renewMs = reply.getRenewMs();
        newestIncarnation = reply.getServerIncarnation();
        incarnation = newestIncarnation;
        reclaimedIncarnation = newestIncarnation;
        commands = new UnforcedCommands(newestIncarnation);
        pool = decode(reply.getInodePool());
    }

    /** Whether a server that restarted still waits for this session. */
    boolean isBehind() {
        return reclaimedIncarnation != newestIncarnation;
    }

    void learnPool(SubmitReply reply) {
        if (reply.hasInodePool()) {
            pool = decode(reply.getInodePool());
        }
    }

    private static InodePool decode(InodePoolValue value) {
        return new InodePool(
                value.getNext(), value.getEnd(), value.getSpare(), value.getSpareEnd());
    }
}

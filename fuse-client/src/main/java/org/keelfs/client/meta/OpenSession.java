package org.keelfs.client.meta;

import java.util.concurrent.atomic.AtomicBoolean;
import org.keelfs.wire.proto.MetadataProto.OpenSessionReply;
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

    OpenSession(OpenSessionReply reply) {
        id = reply.getSession();
        volume = reply.getVolume();
        leaseTermMs = reply.getLeaseTermMs();
        renewMs = reply.getRenewMs();
        newestIncarnation = reply.getServerIncarnation();
        incarnation = newestIncarnation;
        reclaimedIncarnation = newestIncarnation;
        commands = new UnforcedCommands(newestIncarnation);
    }

    /** Whether a server that restarted still waits for this session. */
    boolean isBehind() {
        return reclaimedIncarnation != newestIncarnation;
    }
}

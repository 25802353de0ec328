package org.keelfs.client.meta;

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
    final UnforcedCommands commands = new UnforcedCommands();

    /** As the newest answer has it. */
    volatile InodePool pool;

    OpenSession(OpenSessionReply reply) {
        id = reply.getSession();
        volume = reply.getVolume();
        leaseTermMs = reply.getLeaseTermMs();
        renewMs = reply.getRenewMs();
        pool = decode(reply.getInodePool());
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

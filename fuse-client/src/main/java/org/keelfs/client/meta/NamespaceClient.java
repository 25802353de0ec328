package org.keelfs.client.meta;

import com.google.protobuf.ByteString;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.wire.proto.MetadataProto.GetInodeReply;
import org.keelfs.wire.proto.MetadataProto.GetInodeRequest;
import org.keelfs.wire.proto.MetadataProto.LookupReply;
import org.keelfs.wire.proto.MetadataProto.LookupRequest;
import org.keelfs.wire.proto.MetadataProto.ReadDirectoryReply;
import org.keelfs.wire.proto.MetadataProto.ReadDirectoryRequest;
import org.keelfs.wire.proto.MetadataProto.StatfsReply;
import org.keelfs.wire.proto.MetadataProto.StatfsRequest;

/**
 * Reads of the namespace at the metadata server. Errors of the file system stand in the replies.
 */
public record NamespaceClient(MetadataSession session) {

    public LookupReply lookup(InodeId parent, Name name) {
        ByteString bytes = ByteString.copyFrom(name.bytes());
        return session.call(
                RpcMethod.LOOKUP,
                id ->
                        LookupRequest.newBuilder()
                                .setSession(id)
                                .setParent(parent.value())
                                .setName(bytes)
                                .build(),
                LookupReply.parser());
    }

    public GetInodeReply inode(InodeId inode) {
        return session.call(
                RpcMethod.GET_INODE,
                id -> GetInodeRequest.newBuilder().setSession(id).setInode(inode.value()).build(),
                GetInodeReply.parser());
    }

    /** Up to {@code limit} entries behind a position. */
    public ReadDirectoryReply readDirectory(
            InodeId inode, long afterPosition, int limit, boolean attributes) {
        return session.call(
                RpcMethod.READ_DIRECTORY,
                id ->
                        ReadDirectoryRequest.newBuilder()
                                .setSession(id)
                                .setInode(inode.value())
                                .setAfterPosition(afterPosition)
                                .setLimit(limit)
                                .setAttributes(attributes)
                                .build(),
                ReadDirectoryReply.parser());
    }

    public StatfsReply statfs() {
        return session.call(
                RpcMethod.STATFS,
                id -> StatfsRequest.newBuilder().setSession(id).build(),
                StatfsReply.parser());
    }
}

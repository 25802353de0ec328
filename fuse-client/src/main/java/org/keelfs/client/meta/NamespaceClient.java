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
 *
 * @param settle run in front of each: what this mount has answered to its programs and not yet sent
 *     has to be at the server before the server is asked
 */
public record NamespaceClient(MetadataSession session, Runnable settle) {

    public LookupReply lookup(InodeId parent, Name name) {
        settle.run();
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
        settle.run();
        return session.call(
                RpcMethod.GET_INODE,
                id -> GetInodeRequest.newBuilder().setSession(id).setInode(inode.value()).build(),
                GetInodeReply.parser());
    }

    /** Up to {@code limit} entries behind a position. */
    public ReadDirectoryReply readDirectory(
            InodeId inode, long afterPosition, int limit, boolean attributes) {
        settle.run();
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
        settle.run();
        return session.call(
                RpcMethod.STATFS,
                id -> StatfsRequest.newBuilder().setSession(id).build(),
                StatfsReply.parser());
    }
}

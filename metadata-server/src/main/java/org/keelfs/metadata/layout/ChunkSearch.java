package org.keelfs.metadata.layout;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.lease.LeaseMode;
import org.keelfs.lease.LeaseState;
import org.keelfs.model.InodeId;
import org.keelfs.namespace.Tables;
import org.keelfs.wire.proto.MetadataProto.LayoutWant;

/** A want that looks for chunks instead of asking for one. Pure. */
final class ChunkSearch {
    /** Indexes that one request may find: some kB of an answer, read in less than a millisecond. */
    static final int FOUND_MAX = 1024;

    private ChunkSearch() {}

    static boolean isOne(LayoutWant want) {
        return want.getFind() != 0;
    }

    /** Indexes of the chunks from the want's on. */
    static List<Long> find(Tables tables, LayoutWant want) {
        long from = want.getChunkIndex();
        int limit = Math.clamp(want.getFind(), 0, FOUND_MAX);
        return from < 0
                ? List.of()
                : tables.chunksFrom(new InodeId(want.getInode()), from, limit).stream()
                        .map(Tables.ChunkPlace::index)
                        .toList();
    }

    /**
     * Why it is not answered; null where it is. With a lease what there is stays, and nothing comes
     * that its holder does not know of.
     *
     * @param wants of the request, as if each looked for so many
     */
    static @Nullable Errno refusal(LayoutWant want, int wants, LeaseState lease) {
        long asked = Integer.toUnsignedLong(want.getFind()) * wants;
        if (asked > FOUND_MAX || want.getChunkIndex() < 0) {
            return Errno.EINVAL;
        }
        return lease.mode() == LeaseMode.NONE ? Errno.ENOLCK : null;
    }
}

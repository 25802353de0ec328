package org.keelfs.client.quorum;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.FsException;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.Hint;
import org.keelfs.register.PayloadSource;
import org.keelfs.register.StampRun;
import org.keelfs.register.ValueRun;

/**
 * Encrypted runs of chunks over quorums, as the data path sees them: layouts, epochs, capabilities,
 * replicas and retries are behind it. Thread-safe; nothing blocks; futures complete on event loops,
 * with an {@link FsException} at the latest when the operation's deadline passes.
 */
public interface ChunkIo {
    /**
     * A chunk that exists, as of its current epoch; asked for anew, never kept beyond one
     * operation.
     */
    interface Chunk {
        /** Its number. */
        ChunkId id();

        /** The operation epoch, which is also that of new timestamps. */
        long epoch();

        /** Additional data of the encryption. */
        long keyId();

        /** The data key as {@code MasterKey.wrap} made it; not to be changed. */
        byte[] wrappedKey();
    }

    /** What a chunk is looked up for. */
    enum Use {
        /** To read. */
        READ,
        /** To write, where there is one: a frozen chunk is copied first. */
        CHANGE,
        /** To have it cloned: in an epoch in which nobody writes. Nothing of it is in doubt. */
        FREEZE
    }

    /**
     * A chunk to look up.
     *
     * @param wrappedKey the key for a chunk that is created by this; null: do not create it
     */
    record Want(InodeId inode, long chunkIndex, byte @Nullable [] wrappedKey, Use use) {
        /** To write, and to create where there is none. */
        public static Want create(InodeId inode, long chunkIndex, byte[] wrappedKey) {
            return new Want(inode, chunkIndex, wrappedKey, Use.CHANGE);
        }

        /** One that there is. */
        public static Want of(InodeId inode, long chunkIndex, Use use) {
            return new Want(inode, chunkIndex, null, use);
        }
    }

    /**
     * The answer to a want.
     *
     * @param chunk null when there is none, which reads as zeros, or on failure
     * @param failure why it cannot be said
     */
    record Opened(@Nullable Chunk chunk, @Nullable FsException failure) {
        /** No such chunk. */
        public static final Opened ABSENT = new Opened(null, null);
    }

    /** What came of a read; holds the bytes until released. */
    interface ReadValues {
        /** Whose bytes these are. */
        NodeId source();

        /** Ascending, not overlapping, cut to the run; what is left out was never written. */
        List<ValueRun> values();

        /** The bytes of a value of this answer that is no hole. */
        PayloadBuffer bytes(ValueRun value);

        void release();
    }

    /**
     * A chunk, and what came of a read of it.
     *
     * @param chunk null when there is none, which reads as zeros
     * @param values null when there is no chunk
     */
    record OpenedRead(@Nullable Chunk chunk, @Nullable ReadValues values) {}

    /** What to hand over of a chunk (R4). */
    record CleanChunk(ChunkId chunk, Hint hint) {}

    /** The answer to a want, when it is known here; null when it must be asked for. */
    @Nullable Opened known(InodeId inode, long chunkIndex, Use use);

    /** In the order of the wants; what is not known comes from the metadata server in one call. */
    CompletableFuture<List<Opened>> open(List<Want> wants);

    /**
     * Opens a chunk that is not known and reads a run of it, in one round trip with the nodes less
     * than {@link #open} and {@link #read} where it has to be sealed first.
     */
    CompletableFuture<OpenedRead> openAndRead(InodeId inode, long chunkIndex, SectorRun run);

    /**
     * Indexes of the chunks that there are from this one on, ascending, at most {@code limit};
     * fewer: there are no more. One call to the metadata server, whatever lies between them.
     */
    CompletableFuture<List<Long>> find(InodeId inode, long fromIndex, int limit);

    /** A timestamp in the chunk's epoch that was never given before. */
    Timestamp nextTimestamp(Chunk chunk);

    /**
     * Stores a run at a majority. Sends the same again until its deadline.
     *
     * @param payload stored sectors, or null to trim; takes over one count, whatever happens
     * @return change in allocated sectors; fails with {@link StaleChunkException} when the chunk's
     *     epoch has passed and the lease allows to write the bytes again under a new timestamp
     */
    CompletableFuture<Integer> write(
            Chunk chunk, SectorRun run, Timestamp timestamp, @Nullable PayloadBuffer payload);

    /** Reads a run, from none of {@code avoid} while another replica can answer. */
    CompletableFuture<ReadValues> read(Chunk chunk, SectorRun run, List<NodeId> avoid);

    /**
     * Reads a run in an epoch of SHARED mode: what is answered is at a majority (rule R8), from
     * none of {@code avoid} while another replica can answer.
     */
    CompletableFuture<ReadValues> sharedRead(Chunk chunk, SectorRun run, List<NodeId> avoid);

    /**
     * Stores a run at a majority in an epoch of SHARED mode (rule R8). Fails with {@link
     * StaleChunkException} when nothing was sent because the chunk is to be opened anew; any other
     * failure leaves the run in doubt.
     *
     * @param source makes the stored sectors once the timestamp is known, null to trim
     * @return change in allocated sectors
     */
    CompletableFuture<Integer> sharedWrite(Chunk chunk, SectorRun run, PayloadSource source);

    /** What is written where; ascending, holes included. */
    CompletableFuture<List<StampRun>> stamps(Chunk chunk, SectorRun range);

    /**
     * These replicas gave bytes that fail their tag, where the values (of another, and right) have
     * the same timestamps: gives them the right ones in the background. The values are used only
     * during the call.
     */
    void restore(Chunk chunk, ReadValues values, List<NodeId> bad);

    /** These chunks, {@code [first, end)}, were dropped: asks again at their next use. */
    void forgetChunks(InodeId inode, long first, long end);

    /** The inode's lease is gone: forgets its layouts and epochs. */
    void forget(InodeId inode);

    /** Asks the replicas of the chunks written under this lease for what can be handed over. */
    CompletableFuture<List<CleanChunk>> handOver(InodeId inode);

    /**
     * Whether some write of this inode ended without being known at a majority, and was not made
     * good.
     */
    boolean isInDoubt(InodeId inode);
}

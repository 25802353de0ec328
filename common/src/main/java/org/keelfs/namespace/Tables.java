package org.keelfs.namespace;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.NodeId;
import org.keelfs.model.SessionId;

/**
 * The state that commands read and change: tables of small immutable rows. A view, not a store:
 * what {@code put} and {@code delete} do becomes durable, or is thrown away, as the owner of the
 * view says. Row accessors answer null where there is no row. Lists are in ascending key order,
 * numbers compared unsigned, and are copies.
 */
public interface Tables {
    // ---- inodes
    @Nullable InodeRow inode(InodeId id);

    void putInode(InodeRow row);

    void deleteInode(InodeId id);

    // ---- directory entries, by (directory, name) and by (directory, position)
    @Nullable EntryRow entry(InodeId directory, Name name);

    /** Entries with a position greater than this, at most {@code limit}. */
    List<EntryRow> entriesAfter(InodeId directory, long position, int limit);

    void putEntry(InodeId directory, EntryRow row);

    void deleteEntry(InodeId directory, EntryRow row);

    // ---- extended attributes, by (inode, name)
    byte @Nullable [] xattr(InodeId inode, Name name);

    List<XattrRow> xattrs(InodeId inode);

    void putXattr(InodeId inode, XattrRow row);

    void deleteXattr(InodeId inode, Name name);

    // ---- chunk map, by (inode, index)
    @Nullable ChunkId chunkAt(InodeId inode, long index);

    /** Places from this index on, at most {@code limit}. */
    List<ChunkPlace> chunksFrom(InodeId inode, long firstIndex, int limit);

    void putChunkAt(InodeId inode, long index, ChunkId chunk);

    void deleteChunkAt(InodeId inode, long index);

    /** One place of a chunk map. */
    record ChunkPlace(long index, ChunkId chunk) {}

    // ---- chunks
    @Nullable ChunkRow chunk(ChunkId id);

    /** Chunks with an id greater than this, at most {@code limit}. */
    List<ChunkRow> chunksAfter(long id, int limit);

    void putChunk(ChunkRow row);

    void deleteChunk(ChunkId id);

    // ---- dropped chunks that nodes have yet to forget
    @Nullable GarbageRow garbage(ChunkId id);

    List<GarbageRow> garbageAfter(long id, int limit);

    void putGarbage(GarbageRow row);

    void deleteGarbage(ChunkId id);

    // ---- pins: sessions that keep an inode alive
    boolean isPinned(InodeId inode, SessionId session);

    boolean isPinnedByAny(InodeId inode);

    List<InodeId> pinsOf(SessionId session, int limit);

    void putPin(InodeId inode, SessionId session);

    void deletePin(InodeId inode, SessionId session);

    // ---- sessions and the answers they may ask for again
    @Nullable SessionRow session(SessionId id);

    List<SessionRow> sessions();

    void putSession(SessionRow row);

    void deleteSession(SessionId id);

    /** The encoded answer of a command. */
    byte @Nullable [] reply(SessionId session, long sequence);

    void putReply(SessionId session, long sequence, byte[] encodedResult);

    /** Forgets the answers {@code [first, end)}. */
    void deleteReplies(SessionId session, long first, long end);

    // ---- volumes and nodes
    @Nullable VolumeRow volume(int id);

    List<VolumeRow> volumes();

    void putVolume(VolumeRow row);

    @Nullable NodeRow node(NodeId id);

    List<NodeRow> nodes();

    void putNode(NodeRow row);

    // ---- counters
    /** 0 before it was ever put. */
    long counter(Counter counter);

    void putCounter(Counter counter, long value);

    /** The next number of a counter, which it then holds. */
    default long draw(Counter counter) {
        long next = counter(counter) + 1;
        putCounter(counter, next);
        return next;
    }

    /** Moves a counter that counts what exists. */
    default void addTo(Counter counter, long delta) {
        putCounter(counter, counter(counter) + delta);
    }
}

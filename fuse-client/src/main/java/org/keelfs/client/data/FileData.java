package org.keelfs.client.data;

import java.nio.ByteBuffer;
import java.util.List;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.register.Hint;

/**
 * Contents of files: dirty bytes in a bounded buffer, clean sectors in a bounded cache, read-ahead,
 * encryption, quorum I/O. Knows offsets and bytes; leases, sizes, times and permissions are the
 * callers'. For one inode the caller holds READ to read, WRITE to write, and serialises {@code
 * truncate} and {@code trim} against the rest; reads and writes of one inode may run at once.
 * Blocking calls run on virtual threads; failures are {@link org.keelfs.base.FsException}: EIO,
 * ENOSPC, ESTALE (the file is gone), EINTR. Who waits in vain gets EIO at its deadline, wherever it
 * waited.
 */
public interface FileData {
    /**
     * Fills all of {@code target} (the caller has cut it at the file's size); never-written bytes
     * are zeros. Returns false, with nothing consumed, when {@code mayBlock} is false and not all
     * is at hand.
     */
    boolean read(InodeId inode, long offset, ByteBuffer target, boolean mayBlock);

    /**
     * Takes all of {@code source} into the write buffer. Returns false, with nothing taken, when
     * {@code mayBlock} is false and it would have to wait for room or for the rest of a partial
     * sector.
     *
     * @param sizeBefore the file's size: sectors from there on are known to be zero and are not
     *     read back
     */
    boolean write(InodeId inode, long offset, ByteBuffer source, long sizeBefore, boolean mayBlock);

    /**
     * Of a file that others write at the same time (SHARED mode): fills all of {@code target} from
     * the nodes; never-written bytes are zeros. What is there may change while this runs, unless
     * the caller keeps writers off.
     */
    void readShared(InodeId inode, long offset, ByteBuffer target);

    /**
     * The same for a write: all of {@code source} is durable at a majority when this returns. The
     * caller keeps all others off the sectors that are written. When it fails, {@link #isInDoubt}
     * says whether anything of it may yet be seen.
     *
     * @param sizeBefore the file's size: what lies behind is taken for zero
     * @return change in allocated sectors
     */
    long writeShared(InodeId inode, long offset, ByteBuffer source, long sizeBefore);

    /** As {@link #trim} in SHARED mode; returns the change in allocated sectors. */
    long trimShared(InodeId inode, long from, long to);

    /**
     * Makes what was written before this call durable at a majority; waits for it. Throws what
     * write-back met, for data that is still in doubt or lost.
     */
    void flush(InodeId inode);

    /**
     * Change in allocated sectors since this last told of it; whoever calls it reports the number
     * to the metadata server.
     */
    long takeAllocatedDelta(InodeId inode);

    /** Whether {@link #takeAllocatedDelta} has something to tell. */
    boolean hasAllocatedDelta(InodeId inode);

    /** Whether some bytes are not yet durable at a majority. */
    boolean isDirty(InodeId inode);

    /** Inodes with bytes not yet durable, for shutdown and messages. */
    List<InodeId> dirtyInodes();

    /**
     * The file now ends at {@code newSize}: buffered and cached bytes behind are dropped, the rest
     * of its last sector becomes zero (buffered, when the sector holds data). Chunks that lie
     * wholly behind were dropped by the server and their layouts are forgotten. Waits for writes in
     * flight there.
     */
    void truncate(InodeId inode, long oldSize, long newSize);

    /**
     * Makes {@code [from, to)} read as zeros: partial sectors buffered, whole ones trimmed at the
     * nodes now.
     */
    void punch(InodeId inode, long from, long to);

    /**
     * Before an extension by a new holder (DESIGN section 4, size after a crash): like punch, but
     * only in chunks that exist, and to the end of the sector in which {@code to} lies.
     */
    void trim(InodeId inode, long from, long to);

    /**
     * Prepares chunks {@code [first, end)} for being cloned: each that there is becomes OPEN in an
     * epoch in which nobody writes. All of the file was flushed before. Returns the sectors with
     * data in them.
     */
    long freeze(InodeId inode, long first, long end);

    /** Sectors with data in chunks {@code [first, end)}, dirty ones too. */
    long allocated(InodeId inode, long first, long end);

    /**
     * Chunks {@code [first, end)} are others now: clean bytes and layouts of them are forgotten.
     * Nothing in them is dirty.
     */
    void replaced(InodeId inode, long first, long end);

    /**
     * Next offset at or behind {@code offset} with data, or with a hole; -1 for none below {@code
     * size}.
     */
    long seek(InodeId inode, long offset, long size, boolean data);

    /**
     * The holder of WRITE gives the lease back, everything flushed: what it hands over (R4). Empty
     * for chunks with something in doubt; those are told by {@link #isInDoubt}.
     */
    List<HandOver> handOver(InodeId inode);

    /**
     * Whether something written under this lease may or may not be at the nodes, also if reported
     * as EIO.
     */
    boolean isInDoubt(InodeId inode);

    /**
     * Forgets clean bytes, layouts and epochs of an inode: its lease is gone. Dirty bytes must be
     * gone before.
     */
    void forget(InodeId inode);

    /** Drops also what was not written: an eviction. Returns whether there was any. */
    boolean abandon(InodeId inode);

    /**
     * A chunk that was written under a WRITE lease without anything in doubt.
     *
     * @param chunk which
     * @param hint the digest of a replica that missed no run of this epoch
     */
    record HandOver(ChunkId chunk, Hint hint) {}
}

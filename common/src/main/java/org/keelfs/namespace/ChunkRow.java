package org.keelfs.namespace;

import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.register.Hint;

/**
 * A chunk. The chunk map holds its id at (inode, index); with more than one reference it is frozen.
 *
 * @param id never reused
 * @param inode the file it was created for
 * @param index its place in that file: offset / chunk size
 * @param epoch current epoch
 * @param opened whether it is recorded OPEN in that epoch; else it has to be sealed first
 * @param createdEpoch its first epoch
 * @param keyId chunk id under which its key was made: additional data of the encryption
 * @param wrappedKey its data key, wrapped by the volume's master key; not to be changed
 * @param replicas the replica set in force
 * @param membersSince epoch in which that set was committed
 * @param references places in chunk maps
 * @param hint of the last holder of WRITE that left cleanly (R4); null where there is none
 * @param lastWriter session that was last given a layout for writing, 0 for none, {@link #SHARED}
 *     for all that shared the file then
 * @param exposed an evicted session could still reach it: it is fenced before it is dropped (R11)
 */
public record ChunkRow(
        ChunkId id,
        InodeId inode,
        int index,
        long epoch,
        boolean opened,
        long createdEpoch,
        long keyId,
        byte[] wrappedKey,
        ReplicaSet replicas,
        long membersSince,
        int references,
        @Nullable Hint hint,
        long lastWriter,
        boolean exposed) {
    /** As last writer: whoever shared the file when the epoch was drawn. */
    public static final long SHARED = -1;

    /** In a fresh epoch, not open, without a hint. */
    public ChunkRow withEpoch(long freshEpoch) {
        return with(
                freshEpoch, false, replicas, membersSince, references, null, lastWriter, exposed);
    }

    /** Sealed in its epoch at a majority: no evicted session reaches it any more. */
    public ChunkRow withOpened() {
        return with(epoch, true, replicas, membersSince, references, hint, lastWriter, false);
    }

    public ChunkRow withReplicas(ReplicaSet set, long since) {
        return with(epoch, opened, set, since, references, hint, lastWriter, exposed);
    }

    public ChunkRow withReferences(int count) {
        return with(epoch, opened, replicas, membersSince, count, hint, lastWriter, exposed);
    }

    public ChunkRow withHint(@Nullable Hint newHint) {
        return with(
                epoch, opened, replicas, membersSince, references, newHint, lastWriter, exposed);
    }

    public ChunkRow withLastWriter(long session) {
        return with(epoch, opened, replicas, membersSince, references, hint, session, exposed);
    }

    /** An evicted session held a capability for it. */
    public ChunkRow withExposed() {
        return with(epoch, opened, replicas, membersSince, references, hint, lastWriter, true);
    }

    private ChunkRow with(
            long newEpoch,
            boolean newOpened,
            ReplicaSet set,
            long since,
            int count,
            @Nullable Hint newHint,
            long writer,
            boolean newExposed) {
        return new ChunkRow(
                id,
                inode,
                index,
                newEpoch,
                newOpened,
                createdEpoch,
                keyId,
                wrappedKey,
                set,
                since,
                count,
                newHint,
                writer,
                newExposed);
    }
}

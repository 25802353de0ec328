package org.keelfs.namespace;

import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.register.Hint;

/**
 * A chunk. The chunk map holds its id at (inode, index); with more than one reference it is frozen:
 * its epochs are readers' ({@link #lastWriter} 0) until one reference is left.
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
 * @param references places in chunk maps, and copies of it that are not recorded OPEN
 * @param hint of the last holder of WRITE that left cleanly (R4); null where there is none
 * @param lastWriter session that was last given a layout for writing, 0 for none, {@link #SHARED}
 *     for all that shared the file then
 * @param exposed an evicted session could still reach it: it is fenced before it is dropped (R11)
 * @param frozenEpoch epoch in which it was OPEN, and nobody wrote, when it was last frozen; 0
 *     before that
 * @param origin of a copy that is not recorded OPEN: the frozen chunk that it begins with; holds a
 *     reference of it
 */
public record ChunkRow(
        ChunkId id,
        InodeId inode,
        long index,
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
        boolean exposed,
        long frozenEpoch,
        @Nullable ChunkId origin) {
    /** One that was never frozen and is no copy. */
    public ChunkRow(
            ChunkId id,
            InodeId inode,
            long index,
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
        this(
                id,
                inode,
                index,
                epoch,
                opened,
                createdEpoch,
                keyId,
                wrappedKey,
                replicas,
                membersSince,
                references,
                hint,
                lastWriter,
                exposed,
                0,
                null);
    }

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

    /** Fenced: no evicted session reaches it. */
    public ChunkRow withFence() {
        return with(epoch, opened, replicas, membersSince, references, hint, lastWriter, false);
    }

    /** Nobody writes it while it has more than one reference. */
    public boolean isFrozen() {
        return references > 1;
    }

    /** Whether it may be frozen: OPEN, in an epoch that nobody writes in. */
    public boolean isFreezable() {
        return opened && lastWriter == 0;
    }

    /** One reference more, in an epoch in which it may be frozen. */
    public ChunkRow frozen() {
        Invariant.check(isFrozen() || isFreezable(), "%s is written and cannot be frozen", id);
        return at(inode, index, references + 1, isFrozen() ? frozenEpoch : epoch, origin);
    }

    /** Belongs to this file alone, which it need not have been created for. */
    public ChunkRow movedTo(InodeId file, long place) {
        return at(file, place, references, frozenEpoch, origin);
    }

    /**
     * Recorded OPEN: a majority holds what the origin gave, which is needed no more. The caller
     * drops the reference.
     */
    public ChunkRow withoutOrigin() {
        return at(inode, index, references, frozenEpoch, null);
    }

    /** A copy of this frozen chunk for one of its places, in the epoch of who is going to write. */
    public ChunkRow copy(ChunkId copyId, InodeId file, long place, long created, long in, long by) {
        Invariant.check(isFrozen() && created < in, "%s is copied to %s", id, copyId);
        return new ChunkRow(
                copyId,
                file,
                place,
                in,
                false,
                created,
                keyId,
                wrappedKey,
                replicas,
                created,
                1,
                null,
                by,
                false,
                0,
                id);
    }

    private ChunkRow at(
            InodeId file, long place, int count, long frozenIn, @Nullable ChunkId from) {
        return new ChunkRow(
                id,
                file,
                place,
                epoch,
                opened,
                createdEpoch,
                keyId,
                wrappedKey,
                replicas,
                membersSince,
                count,
                hint,
                lastWriter,
                exposed,
                frozenIn,
                from);
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
                newExposed,
                frozenEpoch,
                origin);
    }
}

package org.keelfs.client.quorum;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.InodeId;
import org.keelfs.register.ChunkGrant;

/** What is known of one chunk of a file: open, absent, or being asked for. Guarded by itself. */
final class ChunkState {
    /** Where in the volume. */
    record Place(InodeId inode, long index) {}

    final Place place;

    @GuardedBy("this")
    private @Nullable OpenChunk open;

    @GuardedBy("this")
    private boolean absent;

    @GuardedBy("this")
    private @Nullable CompletableFuture<ChunkIo.Opened> opening;

    @GuardedBy("this")
    private boolean openingCreates;

    @GuardedBy("this")
    private ChunkIo.Use openingFor = ChunkIo.Use.READ;

    @GuardedBy("this")
    private boolean forgotten;

    ChunkState(Place place) {
        this.place = place;
    }

    synchronized @Nullable OpenChunk open() {
        return open;
    }

    /** The answer if it is known and good for this use; null otherwise. */
    synchronized ChunkIo.@Nullable Opened usable(
            boolean create, ChunkIo.Use use, boolean writeHeld) {
        OpenChunk chunk = open;
        if (chunk != null) {
            chunk.touch();
            return isGood(chunk, use, writeHeld) && chunk.stale() == 0
                    ? new ChunkIo.Opened(chunk, null)
                    : null;
        }
        return absent && !create ? ChunkIo.Opened.ABSENT : null;
    }

    private static boolean isGood(OpenChunk chunk, ChunkIo.Use use, boolean writeHeld) {
        boolean written = chunk.grant().mode() == ChunkGrant.Mode.WRITE;
        return switch (use) {
            case READ -> !writeHeld || written || chunk.isFrozen();
            case CHANGE -> !writeHeld || written;
            case FREEZE -> chunk.isFrozen() && chunk.grant().mode() == ChunkGrant.Mode.READ;
        };
    }

    /** Begins to ask unless that is under way; null when the caller has to ask. */
    synchronized @Nullable CompletableFuture<ChunkIo.Opened> join(
            boolean create, ChunkIo.Use use, CompletableFuture<ChunkIo.Opened> mine) {
        boolean does = use == ChunkIo.Use.READ || use == openingFor;
        if (opening != null && does && (openingCreates || !create)) {
            return opening;
        }
        opening = mine;
        openingCreates = create;
        openingFor = use;
        return null;
    }

    /** The answer came. */
    void answered(CompletableFuture<ChunkIo.Opened> mine, ChunkIo.Opened opened) {
        answered(mine, opened, true);
    }

    /**
     * The answer came.
     *
     * @param keepAbsence whether that there is no chunk stays true for as long as the lease
     */
    void answered(
            CompletableFuture<ChunkIo.Opened> mine, ChunkIo.Opened opened, boolean keepAbsence) {
        synchronized (this) {
            if (mine.equals(opening)) {
                opening = null;
            }
            if (opened.failure() == null) {
                open = (OpenChunk) opened.chunk();
                absent = open == null && keepAbsence;
            }
            if (forgotten && open != null) {
                open.forget();
            }
        }
        mine.complete(opened);
    }

    /** The lease under which it was asked for is gone; also for an answer that is on its way. */
    synchronized void forget() {
        forgotten = true;
        if (open != null) {
            open.forget();
        }
    }
}

package org.keelfs.client.data;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.buffer.BudgetExceededException;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.client.quorum.ChunkIo;
import org.keelfs.client.quorum.ChunkIo.Chunk;
import org.keelfs.client.quorum.ChunkIo.Opened;
import org.keelfs.client.quorum.ChunkIo.Want;
import org.keelfs.client.quorum.StaleChunkException;
import org.keelfs.crypto.ChunkKey;
import org.keelfs.crypto.SectorCipher;
import org.keelfs.model.InodeId;
import org.keelfs.model.Payload;
import org.keelfs.model.Timestamp;

/**
 * Sends dirty runs: layouts of all of them in one call, then encryption and writes, as many at once
 * as the window holds. An operation's outcome is entered in the pages by whoever learns it.
 * Thread-safe.
 */
final class RunSender {
    /**
     * Stored sectors on their way: two 1 MiB runs to hide each other's round trip, for several
     * files.
     */
    private static final int WINDOW_SECTORS = 16 * RunSplitter.RUN_SECTORS_MAX;

    private final DataParts parts;
    private final ChunkIo io;
    private final Semaphore window = new Semaphore(WINDOW_SECTORS);
    private final Semaphore room;

    private record ChunkOf(InodeId inode, long index) {}

    RunSender(DataParts parts, Semaphore room) {
        this.parts = parts;
        this.io = parts.io();
        this.room = room;
    }

    /**
     * Sends; returns when all are on their way or have failed. The failure, if any, also stands in
     * the operation it befell.
     */
    @Nullable FsException send(List<FlushOp> ops, long deadlineNs) {
        if (ops.isEmpty()) {
            return null;
        }
        int sent = 0;
        try {
            Map<ChunkOf, Opened> chunks = open(ops, deadlineNs);
            for (; sent < ops.size(); sent++) {
                FlushOp op = ops.get(sent);
                op.deadlineNs = deadlineNs;
                acquire(op, deadlineNs);
                write(op, chunks.get(new ChunkOf(op.file.inode, op.where.chunkIndex())));
            }
            return null;
        } catch (RuntimeException e) {
            FsException failure = Waits.failure(e, "write-back");
            for (FlushOp op : ops.subList(sent, ops.size())) {
                end(op, failure, 0);
            }
            return failure;
        }
    }

    /** Waits for their ends; the first failure. */
    @Nullable FsException await(List<FlushOp> ops, long deadlineNs) {
        @Nullable FsException first = null;
        for (FlushOp op : ops) {
            try {
                Waits.await(op.done, deadlineNs, "write-back of " + op.file.inode);
            } catch (FsException e) {
                first = first == null ? e : first;
            }
        }
        return first;
    }

    private Map<ChunkOf, Opened> open(List<FlushOp> ops, long deadlineNs) {
        var chunks = new LinkedHashMap<ChunkOf, Opened>();
        var asked = new ArrayList<ChunkOf>();
        var wants = new ArrayList<Want>();
        for (FlushOp op : ops) {
            var chunk = new ChunkOf(op.file.inode, op.where.chunkIndex());
            if (chunks.containsKey(chunk)) {
                continue;
            }
            Opened known = io.known(chunk.inode, chunk.index, ChunkIo.Use.CHANGE);
            if (known == null || known.chunk() == null) {
                known = Opened.ABSENT;
                asked.add(chunk);
                wants.add(want(chunk));
            }
            chunks.put(chunk, known);
        }
        if (!wants.isEmpty()) {
            List<Opened> opened = Waits.await(io.open(wants), deadlineNs, "layouts");
            for (int i = 0; i < wants.size(); i++) {
                chunks.put(asked.get(i), opened.get(i));
            }
        }
        return chunks;
    }

    private Want want(ChunkOf chunk) {
        return Want.create(chunk.inode, chunk.index, parts.master().wrap(ChunkKey.random()));
    }

    private void acquire(FlushOp op, long deadlineNs) {
        try {
            long leftNs = deadlineNs - System.nanoTime();
            if (!window.tryAcquire(op.count(), leftNs, TimeUnit.NANOSECONDS)) {
                throw new FsException(Errno.EIO, "nodes take no more writes");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FsException(Errno.EINTR, "interrupted in write-back");
        }
    }

    /** Encrypts and sends; holds the window from here to the end. */
    private void write(FlushOp op, @Nullable Opened opened) {
        try {
            Chunk chunk = opened == null ? null : opened.chunk();
            if (op.file.gone) {
                // Given up with its lease: a layout may be one of the next grant already (R6).
                finish(op, 0, new FsException(Errno.EIO, op.file.inode + ": its lease is gone"));
                return;
            }
            if (chunk == null) {
                FsException failure = opened == null ? null : opened.failure();
                finish(op, 0, failure != null ? failure : new FsException(Errno.ESTALE));
                return;
            }
            if (isForgotten(op.file)) {
                // The lease under which the bytes came is gone; the chunk may be another one's.
                finish(op, 0, new FsException(Errno.EIO, op.file.inode + ": the lease was lost"));
                return;
            }
            Timestamp timestamp = io.nextTimestamp(chunk);
            PayloadBuffer stored = encrypt(op, chunk, timestamp);
            Waits.forget(
                    io.write(chunk, op.where.run(), timestamp, stored)
                            .whenComplete((delta, thrown) -> onWritten(op, delta, thrown)));
        } catch (RuntimeException e) {
            finish(op, 0, Waits.failure(e, "write-back of " + op.file.inode));
        }
    }

    private static boolean isForgotten(FilePages file) {
        file.lock.lock();
        try {
            return file.gone;
        } finally {
            file.lock.unlock();
        }
    }

    private PayloadBuffer encrypt(FlushOp op, Chunk chunk, Timestamp timestamp) {
        ChunkKey key = op.file.keys.of(chunk, parts.master());
        PayloadBuffer stored = allocate(op);
        try (SectorCipher.Pass pass = parts.cipher().begin()) {
            var target = stored.bytes();
            pass.use(key, chunk.keyId(), timestamp);
            for (int i = 0; i < op.count(); i++) {
                pass.encrypt(
                        op.where.run().first() + i,
                        parts.pool().slab(op.frames[i]),
                        FramePool.at(op.frames[i]),
                        target,
                        i * Payload.STORED_SECTOR_BYTES);
            }
        } catch (RuntimeException e) {
            stored.release();
            throw e;
        }
        return stored;
    }

    private PayloadBuffer allocate(FlushOp op) {
        try {
            long leftMs = (op.deadlineNs - System.nanoTime()) / 1_000_000;
            return parts.ciphertexts()
                    .allocate(op.count() * Payload.STORED_SECTOR_BYTES, Math.max(0, leftMs));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FsException(Errno.EINTR, "interrupted in write-back");
        } catch (BudgetExceededException e) {
            throw new FsException(Errno.EIO, "replicas hold all buffers of encrypted runs", e);
        }
    }

    /** On an event loop: what may wait is handed to a worker. */
    private void onWritten(FlushOp op, @Nullable Integer delta, @Nullable Throwable thrown) {
        if (thrown == null) {
            int change = delta == null ? 0 : delta;
            if (op.file.lock.tryLock()) {
                try {
                    finish(op, change, null);
                } finally {
                    op.file.lock.unlock();
                }
            } else {
                parts.workers().execute(() -> finish(op, change, null));
            }
            return;
        }
        parts.workers().execute(() -> onFailed(op, thrown));
    }

    private void onFailed(FlushOp op, Throwable thrown) {
        if (!(Waits.cause(thrown) instanceof StaleChunkException)
                || System.nanoTime() - op.deadlineNs >= 0) {
            finish(op, 0, Waits.failure(thrown, "write-back of " + op.file.inode));
            return;
        }
        try {
            var chunk = new ChunkOf(op.file.inode, op.where.chunkIndex());
            var opened = Waits.await(io.open(List.of(want(chunk))), op.deadlineNs, "layout");
            write(op, opened.getFirst());
        } catch (RuntimeException e) {
            finish(op, 0, Waits.failure(e, "write-back of " + op.file.inode));
        }
    }

    private void finish(FlushOp op, int allocatedDelta, @Nullable FsException failure) {
        window.release(op.count());
        end(op, failure, allocatedDelta);
    }

    /** Enters the outcome. */
    private void end(FlushOp op, @Nullable FsException failure, int allocatedDelta) {
        var freed = new FrameList(0);
        int cleaned;
        op.file.lock.lock();
        try {
            cleaned = op.file.finish(op, failure == null, freed);
            op.file.allocatedDelta += allocatedDelta;
        } finally {
            op.file.lock.unlock();
        }
        parts.cache().give(freed);
        room.release(cleaned);
        if (failure == null) {
            op.done.complete(null);
        } else {
            op.done.completeExceptionally(failure);
        }
    }
}

package org.keelfs.client.data;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.FsException;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.client.data.FetchOp.Arrived;
import org.keelfs.client.data.RunSplitter.ChunkRun;
import org.keelfs.client.quorum.ChunkIo;
import org.keelfs.client.quorum.ChunkIo.Chunk;
import org.keelfs.client.quorum.ChunkIo.ReadValues;
import org.keelfs.crypto.DamagedSectorException;
import org.keelfs.crypto.MasterKey;
import org.keelfs.crypto.SectorCipher;
import org.keelfs.model.NodeId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.register.ValueRun;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings sectors from the nodes into the cache: asks, decrypts, installs. A sector is asked for
 * once at a time; who else wants it waits for that. Thread-safe.
 */
final class Fetcher {
    private static final Logger LOG = LoggerFactory.getLogger(Fetcher.class);

    /** Replicas tried for a sector whose tag fails; more than any replica set has. */
    private static final int DAMAGE_RETRIES_MAX = 8;

    private final ChunkIo io;
    private final MasterKey master;
    private final SectorCipher cipher;
    private final CleanCache cache;
    private final FramePool pool;
    private final RunSplitter splitter;
    private final Executor workers;
    private final long timeoutNs;

    /** Runs read ahead and not yet in the cache, of all streams. */
    private final Semaphore aheadRuns;

    Fetcher(DataParts parts, int aheadRunsMax) {
        this.io = parts.io();
        this.master = parts.master();
        this.cipher = parts.cipher();
        this.cache = parts.cache();
        this.pool = parts.pool();
        this.splitter = parts.splitter();
        this.workers = parts.workers();
        this.timeoutNs = parts.timeoutNs();
        this.aheadRuns = new Semaphore(aheadRunsMax);
    }

    /** Waits until every sector of {@code [from, end)} was in memory at some moment. */
    void fetch(FilePages file, long from, long end, long deadlineNs) {
        var own = new ArrayList<FetchOp>();
        var others = new ArrayList<FetchOp>();
        file.lock.lock();
        try {
            begin(file, from, end, own, others);
        } finally {
            file.lock.unlock();
        }
        List<CompletableFuture<Arrived>> arrivals = own.stream().map(this::ask).toList();
        try {
            for (int i = 0; i < own.size(); i++) {
                arriveAndFinish(own.get(i), arrivals.get(i), deadlineNs);
            }
        } finally {
            for (int i = 0; i < own.size(); i++) {
                finishLater(own.get(i), arrivals.get(i));
            }
        }
        for (FetchOp op : own) {
            Waits.await(op.done, deadlineNs, "read of " + file.inode);
        }
        for (FetchOp op : others) {
            awaitOther(op, deadlineNs);
        }
    }

    /**
     * A fetch of somebody else may fail for reasons of its own: who still misses the sectors asks
     * again.
     */
    private static void awaitOther(FetchOp op, long deadlineNs) {
        try {
            Waits.await(op.done, deadlineNs, "read of " + op.file.inode);
        } catch (FsException e) {
            if (!op.done.isCompletedExceptionally()) {
                throw e;
            }
        }
    }

    private void arriveAndFinish(FetchOp op, CompletableFuture<Arrived> arrival, long deadlineNs) {
        try {
            Waits.await(arrival, deadlineNs, "read of " + op.file.inode);
        } catch (FsException e) {
            if (!arrival.isDone()) {
                throw e;
            }
        }
        finish(op, arrival);
    }

    /**
     * Asks for what is missing of the window; whatever fails is asked for again by who needs it.
     */
    void ahead(FilePages file, ReadAhead.Window window) {
        var own = new ArrayList<FetchOp>();
        file.lock.lock();
        try {
            if (file.gone) {
                return;
            }
            for (ChunkRun piece :
                    splitter.split(window.from(), window.end(), RunSplitter.RUN_SECTORS_MAX)) {
                long at = splitter.placeIn(piece.chunkIndex(), piece.run().first());
                if (!aheadRuns.tryAcquire()) {
                    break;
                }
                int before = own.size();
                begin(file, at, at + piece.run().count(), own, new ArrayList<>());
                countAhead(own, before);
            }
        } finally {
            file.lock.unlock();
        }
        for (FetchOp op : own) {
            finishLater(op, ask(op));
        }
    }

    /** One permit was taken for a piece; it is given back with the last fetch of that piece. */
    private void countAhead(List<FetchOp> own, int before) {
        var done =
                own.subList(before, own.size()).stream()
                        .map(op -> op.done.exceptionally(_ -> null))
                        .toArray(CompletableFuture<?>[]::new);
        Waits.forget(CompletableFuture.allOf(done).whenComplete((_, _) -> aheadRuns.release()));
    }

    /** Registers fetches of what is missing and not yet under way; the file is locked. */
    private void begin(
            FilePages file, long from, long end, List<FetchOp> own, List<FetchOp> others) {
        for (FetchOp op : file.fetches) {
            if (op.overlaps(from, end)) {
                others.add(op);
            }
        }
        for (long at = file.firstMissing(from, end); at < end; ) {
            FetchOp covering = covering(others, at);
            if (covering != null) {
                at = file.firstMissing(Math.min(end, covering.end), end);
                continue;
            }
            long stop = file.fetchEnd(at, end);
            for (FetchOp op : others) {
                if (op.from > at) {
                    stop = Math.min(stop, op.from);
                }
            }
            for (ChunkRun where : splitter.split(at, stop, RunSplitter.RUN_SECTORS_MAX)) {
                var op = new FetchOp(file, where, at);
                own.add(op);
                file.fetches.add(op);
                at += where.run().count();
            }
            at = file.firstMissing(at, end);
        }
    }

    private static @Nullable FetchOp covering(List<FetchOp> ops, long place) {
        for (FetchOp op : ops) {
            if (op.overlaps(place, place + 1)) {
                return op;
            }
        }
        return null;
    }

    private CompletableFuture<Arrived> ask(FetchOp op) {
        long index = op.where.chunkIndex();
        ChunkIo.Opened known = io.known(op.file.inode, index, ChunkIo.Use.READ);
        if (known != null) {
            return read(op, known);
        }
        return io.openAndRead(op.file.inode, index, op.where.run())
                .thenApply(opened -> new Arrived(opened.chunk(), opened.values()));
    }

    private CompletableFuture<Arrived> read(FetchOp op, ChunkIo.Opened opened) {
        if (opened.failure() != null) {
            return CompletableFuture.failedFuture(opened.failure());
        }
        Chunk chunk = opened.chunk();
        if (chunk == null) {
            return CompletableFuture.completedFuture(new Arrived(null, null));
        }
        return io.read(chunk, op.where.run(), List.of()).thenApply(v -> new Arrived(chunk, v));
    }

    private void finishLater(FetchOp op, CompletableFuture<Arrived> arrival) {
        if (!op.claimed.get()) {
            Waits.forget(arrival.whenCompleteAsync((_, _) -> finish(op, arrival), workers));
        }
    }

    /** Decrypts and installs, once; the arrival is done. */
    private void finish(FetchOp op, CompletableFuture<Arrived> arrival) {
        if (!op.claimed.compareAndSet(false, true)) {
            return;
        }
        try {
            install(op, arrival.join());
            op.done.complete(null);
        } catch (RuntimeException | Error e) {
            FsException failure = Waits.failure(e, "read of " + op.file.inode + " at " + op.from);
            if (!(Waits.cause(e) instanceof FsException)) {
                LOG.error("reading {} sector {} failed", op.file.inode, op.from, e);
            }
            remove(op);
            op.done.completeExceptionally(failure);
        }
    }

    private void remove(FetchOp op) {
        op.file.lock.lock();
        try {
            op.file.fetches.remove(op);
        } finally {
            op.file.lock.unlock();
        }
    }

    private void install(FetchOp op, Arrived arrived) {
        SectorRun run = op.where.run();
        int[] frames = new int[run.count()];
        java.util.Arrays.fill(frames, PageBlock.HOLE);
        FrameList spare = new FrameList(0);
        Chunk chunk = arrived.chunk();
        if (chunk != null && arrived.values() != null) {
            spare = decrypt(op, chunk, arrived.values(), frames);
        }
        var unused = new FrameList(0);
        op.file.lock.lock();
        try {
            op.file.fetches.remove(op);
            enter(op, frames, unused);
            if (spare.count == 0 && isEmpty(frames)) {
                op.file.stream.onEmpty(op.from);
            }
        } finally {
            op.file.lock.unlock();
        }
        cache.give(unused);
        cache.give(spare);
        cache.bound();
    }

    private static boolean isEmpty(int[] frames) {
        for (int frame : frames) {
            if (frame != PageBlock.HOLE) {
                return false;
            }
        }
        return true;
    }

    private void enter(FetchOp op, int[] frames, FrameList unused) {
        FilePages file = op.file;
        for (int i = 0; i < frames.length; i++) {
            long place = op.from + i;
            if (!file.gone && !op.isOutdated(i) && !file.isPresent(place)) {
                PageBlock block = file.block(place);
                block.put((int) (place & 63), frames[i]);
                block.referenced = true;
                cache.add(block);
            } else if (frames[i] != PageBlock.HOLE) {
                unused.add(frames[i]);
            }
        }
    }

    /**
     * Fills frames with plaintext; takes a damaged run from another replica. Releases the values.
     */
    private FrameList decrypt(FetchOp op, Chunk chunk, ReadValues first, int[] frames) {
        ReadValues values = first;
        long deadlineNs = System.nanoTime() + timeoutNs;
        var bad = new ArrayList<NodeId>();
        for (int attempt = 0; ; attempt++) {
            var spare = new FrameList(0);
            NodeId source = values.source();
            try {
                spare = cache.take(sectorsWithData(values), deadlineNs);
                decryptInto(op, chunk, values, frames, spare);
                if (!bad.isEmpty()) {
                    io.restore(chunk, values, bad);
                }
                return spare;
            } catch (DamagedSectorException e) {
                giveBack(frames, spare);
                LOG.warn("{} of {} from {}: {}", chunk.id(), op.file.inode, source, e.getMessage());
                boolean again = bad.contains(source);
                bad.add(source);
                if (again || attempt >= DAMAGE_RETRIES_MAX) {
                    throw new FsException(
                            org.keelfs.base.Errno.EIO,
                            chunk.id() + " has no replica whose tag is right: " + e.getMessage());
                }
            } catch (RuntimeException e) {
                giveBack(frames, spare);
                throw e;
            } finally {
                values.release();
            }
            values =
                    Waits.await(
                            io.read(chunk, op.where.run(), bad),
                            deadlineNs,
                            "second read of " + chunk.id());
        }
    }

    private void giveBack(int[] frames, FrameList spare) {
        for (int i = 0; i < frames.length; i++) {
            if (frames[i] != PageBlock.HOLE) {
                spare.add(frames[i]);
                frames[i] = PageBlock.HOLE;
            }
        }
        cache.give(spare);
    }

    private static int sectorsWithData(ReadValues values) {
        int count = 0;
        for (ValueRun value : values.values()) {
            count += value.isHole() ? 0 : value.run().count();
        }
        return count;
    }

    private void decryptInto(
            FetchOp op, Chunk chunk, ReadValues values, int[] frames, FrameList spare)
            throws DamagedSectorException {
        var key = op.file.keys.of(chunk, master);
        try (SectorCipher.Pass pass = cipher.begin()) {
            for (ValueRun value : values.values()) {
                if (value.isHole()) {
                    continue;
                }
                PayloadBuffer bytes = values.bytes(value);
                var stored = bytes.bytes();
                pass.use(key, chunk.keyId(), value.timestamp());
                for (int i = 0; i < value.run().count(); i++) {
                    int sector = value.run().first() + i;
                    int frame = spare.remove();
                    frames[sector - op.where.run().first()] = frame;
                    pass.decrypt(
                            sector,
                            stored,
                            stored.position() + i * Payload.STORED_SECTOR_BYTES,
                            pool.slab(frame),
                            FramePool.at(frame));
                }
            }
        }
    }
}

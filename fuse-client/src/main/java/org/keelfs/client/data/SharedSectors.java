package org.keelfs.client.data;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.buffer.BudgetExceededException;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.client.data.RunSplitter.ChunkRun;
import org.keelfs.client.quorum.ChunkIo;
import org.keelfs.client.quorum.ChunkIo.Chunk;
import org.keelfs.client.quorum.ChunkIo.Opened;
import org.keelfs.client.quorum.ChunkIo.ReadValues;
import org.keelfs.client.quorum.ChunkIo.Want;
import org.keelfs.client.quorum.StaleChunkException;
import org.keelfs.crypto.ChunkKey;
import org.keelfs.crypto.DamagedSectorException;
import org.keelfs.crypto.SectorCipher;
import org.keelfs.model.InodeId;
import org.keelfs.model.NodeId;
import org.keelfs.model.Payload;
import org.keelfs.model.Timestamp;
import org.keelfs.register.PayloadSource;
import org.keelfs.register.ValueRun;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bytes of files that several mounts write at once: nothing is kept here, every call goes to the
 * nodes by the rounds of R8. A sector written in part is read first; who keeps others off it
 * meanwhile is the caller. Thread-safe; calls wait on virtual threads.
 */
final class SharedSectors {
    private static final Logger LOG = LoggerFactory.getLogger(SharedSectors.class);

    private static final int SECTOR = RunSplitter.SECTOR;

    /** Other replicas tried after one whose sectors fail their tag. */
    private static final int DAMAGE_RETRIES_MAX = 3;

    private final DataParts parts;
    private final ChunkIo io;
    private final ChunkMap chunks;
    private final ConcurrentHashMap<InodeId, KeyCache> keys = new ConcurrentHashMap<>();

    /** Files of which a write ended without being known at a majority, until their lease goes. */
    private final Set<InodeId> inDoubt = ConcurrentHashMap.newKeySet();

    SharedSectors(DataParts parts, ChunkMap chunks) {
        this.parts = parts;
        this.chunks = chunks;
        this.io = parts.io();
    }

    /** Whether some write may or may not be there. */
    boolean isInDoubt(InodeId inode) {
        return inDoubt.contains(inode);
    }

    /** The lease is gone. */
    void forget(InodeId inode) {
        inDoubt.remove(inode);
        keys.remove(inode);
    }

    private ChunkKey key(InodeId inode, Chunk chunk) {
        return keys.computeIfAbsent(inode, _ -> new KeyCache()).of(chunk, parts.master());
    }

    // ---- reading ----

    void read(InodeId inode, long offset, ByteBuffer target, long deadlineNs) {
        long from = RunSplitter.placeOf(offset);
        long end = RunSplitter.placeEnd(offset + target.remaining());
        int start = target.position();
        zero(target);
        List<ChunkRun> runs = parts.splitter().split(from, end, RunSplitter.RUN_SECTORS_MAX);
        var reads = new ArrayList<CompletableFuture<@Nullable Arrived>>(runs.size());
        runs.forEach(run -> reads.add(ask(inode, run, List.of())));
        FsException failure = null;
        for (int i = 0; i < runs.size(); i++) {
            try {
                Arrived arrived = Waits.await(reads.get(i), deadlineNs, "read of " + inode);
                if (arrived != null) {
                    long origin = offset - start;
                    decrypt(inode, runs.get(i), arrived, target, origin, deadlineNs);
                }
            } catch (FsException e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
        target.position(target.limit());
    }

    private static void zero(ByteBuffer target) {
        for (int at = target.position(); at < target.limit(); at++) {
            target.put(at, (byte) 0);
        }
    }

    private record Arrived(Chunk chunk, ReadValues values) {}

    /** Null: no such chunk, zeros. */
    private CompletableFuture<@Nullable Arrived> ask(
            InodeId inode, ChunkRun where, List<NodeId> avoid) {
        return io.open(List.of(Want.of(inode, where.chunkIndex(), ChunkIo.Use.READ)))
                .thenCompose(opened -> readIn(opened.getFirst(), where, avoid));
    }

    private CompletableFuture<@Nullable Arrived> readIn(
            Opened opened, ChunkRun where, List<NodeId> avoid) {
        if (opened.failure() != null) {
            return CompletableFuture.failedFuture(opened.failure());
        }
        Chunk chunk = opened.chunk();
        if (chunk == null) {
            return CompletableFuture.completedFuture(null);
        }
        return io.sharedRead(chunk, where.run(), avoid).thenApply(v -> new Arrived(chunk, v));
    }

    /**
     * Puts plaintext where it belongs.
     *
     * @param origin offset in the file of the target's byte 0
     */
    private void decrypt(
            InodeId inode,
            ChunkRun where,
            Arrived first,
            ByteBuffer target,
            long origin,
            long deadlineNs) {
        Arrived arrived = first;
        var bad = new ArrayList<NodeId>();
        while (true) {
            NodeId source = arrived.values().source();
            try {
                decryptInto(inode, where, arrived, target, origin);
                return;
            } catch (DamagedSectorException e) {
                LOG.warn("{} from {}: {}", arrived.chunk().id(), source, e.getMessage());
                bad.add(source);
                if (bad.size() > DAMAGE_RETRIES_MAX) {
                    throw new FsException(
                            Errno.EIO,
                            arrived.chunk().id() + " has no replica whose tag is right: " + e);
                }
            } finally {
                arrived.values().release();
            }
            Arrived next = Waits.await(ask(inode, where, bad), deadlineNs, "second read");
            if (next == null) {
                throw new FsException(Errno.ESTALE, inode + " lost a chunk while it was read");
            }
            arrived = next;
        }
    }

    private void decryptInto(
            InodeId inode, ChunkRun where, Arrived arrived, ByteBuffer target, long origin)
            throws DamagedSectorException {
        Chunk chunk = arrived.chunk();
        ChunkKey key = key(inode, chunk);
        ByteBuffer scratch = ByteBuffer.allocate(SECTOR);
        try (SectorCipher.Pass pass = parts.cipher().begin()) {
            for (ValueRun value : arrived.values().values()) {
                if (value.isHole()) {
                    continue;
                }
                PayloadBuffer bytes = arrived.values().bytes(value);
                ByteBuffer stored = bytes.bytes();
                pass.use(key, chunk.keyId(), value.timestamp());
                for (int i = 0; i < value.run().count(); i++) {
                    int sector = value.run().first() + i;
                    int from = stored.position() + i * Payload.STORED_SECTOR_BYTES;
                    pass.decrypt(sector, stored, from, scratch, 0);
                    long at = parts.splitter().placeIn(where.chunkIndex(), sector) * SECTOR;
                    copy(scratch, at - origin, target);
                }
            }
        }
    }

    /** Copies a sector to an index of the target, as far as the target reaches. */
    private static void copy(ByteBuffer sector, long index, ByteBuffer target) {
        int from = (int) Math.max(0, target.position() - index);
        int end = (int) Math.min(SECTOR, target.limit() - index);
        if (from < end) {
            target.put((int) index + from, sector, from, end - from);
        }
    }

    // ---- writing ----

    long write(InodeId inode, long offset, ByteBuffer source, long sizeBefore, long deadlineNs) {
        long end = offset + source.remaining();
        long from = RunSplitter.placeOf(offset);
        long to = RunSplitter.placeEnd(end);
        ByteBuffer plain = ByteBuffer.allocate((int) (to - from) * SECTOR);
        long base = from * SECTOR;
        boolean headPart = offset % SECTOR != 0;
        boolean tailPart = end % SECTOR != 0 && (to - from > 1 || !headPart);
        if (headPart) {
            edge(inode, from, plain, base, sizeBefore, deadlineNs);
        }
        if (tailPart) {
            edge(inode, to - 1, plain, base, sizeBefore, deadlineNs);
        }
        plain.put((int) (offset - base), source, source.position(), source.remaining());
        List<ChunkRun> runs = parts.splitter().split(from, to, RunSplitter.RUN_SECTORS_MAX);
        long delta = store(inode, runs, plain, from, deadlineNs);
        source.position(source.limit());
        return delta;
    }

    /** Reads a sector that is written in part; zeros from the file's end on. */
    private void edge(
            InodeId inode,
            long place,
            ByteBuffer plain,
            long base,
            long sizeBefore,
            long deadlineNs) {
        long at = place * SECTOR;
        int count = Math.clamp(sizeBefore - at, 0, SECTOR);
        if (count > 0) {
            read(inode, at, plain.slice((int) (at - base), count), deadlineNs);
        }
    }

    /**
     * Stores whole sectors, from {@code plain}, or trims them where that is null.
     *
     * @param from place of the first byte of {@code plain}
     */
    private long store(
            InodeId inode,
            List<ChunkRun> runs,
            @Nullable ByteBuffer plain,
            long from,
            long deadlineNs) {
        var writes = new ArrayList<CompletableFuture<Integer>>(runs.size());
        for (ChunkRun run : runs) {
            writes.add(send(inode, run, plain, from, deadlineNs));
        }
        long delta = 0;
        FsException failure = null;
        for (CompletableFuture<Integer> write : writes) {
            try {
                delta += Waits.await(write, deadlineNs, "write of " + inode);
            } catch (FsException e) {
                inDoubt.add(inode);
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
        return delta;
    }

    private CompletableFuture<Integer> send(
            InodeId inode, ChunkRun where, @Nullable ByteBuffer plain, long from, long deadlineNs) {
        byte @Nullable [] newKey = plain == null ? null : parts.master().wrap(ChunkKey.random());
        return io.open(List.of(new Want(inode, where.chunkIndex(), newKey, ChunkIo.Use.CHANGE)))
                .thenComposeAsync(
                        opened -> {
                            Opened one = opened.getFirst();
                            if (one.failure() != null) {
                                return CompletableFuture.failedFuture(one.failure());
                            }
                            Chunk chunk = one.chunk();
                            return chunk == null
                                    ? absent(plain)
                                    : sendTo(inode, chunk, where, plain, from, deadlineNs);
                        },
                        parts.workers());
    }

    /** What is not there needs no trim. */
    private static CompletableFuture<Integer> absent(@Nullable ByteBuffer plain) {
        return plain == null
                ? CompletableFuture.completedFuture(0)
                : CompletableFuture.failedFuture(new FsException(Errno.ESTALE, "no chunk"));
    }

    private CompletableFuture<Integer> sendTo(
            InodeId inode,
            Chunk chunk,
            ChunkRun where,
            @Nullable ByteBuffer plain,
            long from,
            long deadlineNs) {
        PayloadBuffer stored = plain == null ? null : allocate(where.run().count(), deadlineNs);
        PayloadSource source =
                timestamp -> {
                    if (stored == null || plain == null) {
                        return null;
                    }
                    encrypt(inode, chunk, where, plain, from, timestamp, stored);
                    return stored;
                };
        return io.sharedWrite(chunk, where.run(), source)
                .whenComplete(
                        (_, _) -> {
                            if (stored != null) {
                                stored.release();
                            }
                        })
                .exceptionallyCompose(
                        thrown -> {
                            boolean again =
                                    Waits.cause(thrown) instanceof StaleChunkException
                                            && System.nanoTime() - deadlineNs < 0;
                            return again
                                    ? send(inode, where, plain, from, deadlineNs)
                                    : CompletableFuture.failedFuture(thrown);
                        });
    }

    private PayloadBuffer allocate(int sectors, long deadlineNs) {
        try {
            long leftMs = Math.max(0, (deadlineNs - System.nanoTime()) / 1_000_000);
            return parts.ciphertexts().allocate(sectors * Payload.STORED_SECTOR_BYTES, leftMs);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FsException(Errno.EINTR, "interrupted in a write");
        } catch (BudgetExceededException e) {
            throw new FsException(
                    Errno.ETIMEDOUT, "replicas hold all buffers of encrypted runs", e);
        }
    }

    private void encrypt(
            InodeId inode,
            Chunk chunk,
            ChunkRun where,
            ByteBuffer plain,
            long from,
            Timestamp timestamp,
            PayloadBuffer stored) {
        long first = parts.splitter().placeIn(where.chunkIndex(), where.run().first());
        int at = (int) (first - from) * SECTOR;
        ByteBuffer target = stored.bytes();
        try (SectorCipher.Pass pass = parts.cipher().begin()) {
            pass.use(key(inode, chunk), chunk.keyId(), timestamp);
            for (int i = 0; i < where.run().count(); i++) {
                pass.encrypt(
                        where.run().first() + i,
                        plain,
                        at + i * SECTOR,
                        target,
                        i * Payload.STORED_SECTOR_BYTES);
            }
        }
    }

    // ---- what a writer that died may have left ----

    long trim(InodeId inode, long from, long to, long deadlineNs) {
        long delta = 0;
        long place = RunSplitter.placeEnd(from);
        if (from % SECTOR != 0) {
            delta += zeroTail(inode, from, deadlineNs);
        }
        ChunkMap.Runs runs = chunks.runs(inode, place, RunSplitter.placeEnd(to), deadlineNs);
        for (List<ChunkRun> some = runs.next(); !some.isEmpty(); some = runs.next()) {
            delta += store(inode, some, null, place, deadlineNs);
        }
        return delta;
    }

    /** Behind the end of the file its last sector is zero, if it is there at all. */
    private long zeroTail(InodeId inode, long from, long deadlineNs) {
        int within = (int) (from % SECTOR);
        ByteBuffer sector = ByteBuffer.allocate(SECTOR);
        read(inode, from - within, sector, deadlineNs);
        for (int i = within; i < SECTOR; i++) {
            if (sector.get(i) != 0) {
                var zeros = ByteBuffer.allocate(SECTOR - within);
                return write(inode, from, zeros, from, deadlineNs);
            }
        }
        return 0;
    }
}

package org.keelfs.client.data;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.buffer.BufferPool;
import org.keelfs.client.quorum.ChunkIo;
import org.keelfs.crypto.MasterKey;
import org.keelfs.crypto.SectorCipher;
import org.keelfs.model.InodeId;

/**
 * {@link FileData} over {@link ChunkIo}: {@link WriteBuffer} takes writes into {@link FilePages},
 * {@link Flusher} and {@link RunSender} send them; reads come from the pages, which {@link Fetcher}
 * fills, ahead of the reader where {@link ReadAhead} says so. Thread-safe.
 */
public final class BufferedFileData implements FileData, AutoCloseable {
    private static final long TICK_MS = 250;

    /**
     * Files with something in memory, clean or dirty: some 1 kB of heap each besides the bytes.
     * Beyond it clean ones are forgotten, whichever come first.
     */
    private static final int FILES_MAX = 16_384;

    /**
     * Who waits for quorums is more patient than they are: then failures come with their reason.
     */
    private static final long GRACE_MS = 1_000;

    /**
     * Encrypted runs on their way: the sender's window three times, for replicas that are slow to
     * take theirs.
     */
    private static final long CIPHERTEXT_BYTES_MAX = 48L << 20;

    private final ConcurrentHashMap<InodeId, FilePages> files = new ConcurrentHashMap<>();
    private final DataParts parts;
    private final ChunkIo io;
    private final Semaphore room;
    private final Fetcher fetcher;
    private final ReadAhead readAhead;
    private final Flusher flusher;
    private final WriteBuffer writeBuffer;
    private final RangeEraser eraser;
    private final DataSeeker seeker;
    private final DataStatistics statistics;
    private final SharedSectors shared;
    private final ScheduledFuture<?> ticker;

    /**
     * Starts ticking.
     *
     * @param workers runs tasks that may wait, each at once: virtual threads
     * @param timer for short ticks
     */
    public BufferedFileData(
            DataConfig config,
            ChunkIo io,
            MasterKey master,
            WriteBackListener listener,
            Executor workers,
            ScheduledExecutorService timer) {
        this.io = io;
        var pool = new FramePool(config.framesMax());
        this.parts =
                new DataParts(
                        io,
                        master,
                        new SectorCipher(),
                        new CleanCache(pool),
                        pool,
                        new RunSplitter(config.chunkBytes()),
                        workers,
                        new BufferPool("encrypted runs", CIPHERTEXT_BYTES_MAX),
                        (config.operationTimeoutMs() + GRACE_MS) * 1_000_000);
        this.room = new Semaphore(config.dirtyFramesMax(), true);
        this.statistics = new DataStatistics(pool, room, config.dirtyFramesMax());
        int aheadRuns = (int) ((config.cleanBytesMax() / 4) >> 20);
        this.fetcher = new Fetcher(parts, Math.max(1, aheadRuns));
        this.readAhead =
                new ReadAhead(Math.min(config.readAheadBytesMax(), config.cleanBytesMax() / 4));
        var sender = new RunSender(parts, room);
        this.flusher = new Flusher(parts, sender, files.values(), listener, config.dirtyAgeMs());
        this.writeBuffer = new WriteBuffer(parts, fetcher, flusher, room, config.dirtyFramesMax());
        var chunks = new ChunkMap(parts);
        this.eraser = new RangeEraser(parts, chunks, fetcher, writeBuffer, room);
        this.seeker = new DataSeeker(parts, chunks);
        this.shared = new SharedSectors(parts, chunks);
        long tickMs = Math.max(1, Math.min(TICK_MS, config.dirtyAgeMs() / 4));
        this.ticker =
                timer.scheduleWithFixedDelay(this::onTick, tickMs, tickMs, TimeUnit.MILLISECONDS);
    }

    /** For metrics. */
    public DataStatistics statistics() {
        return statistics;
    }

    @Override
    public boolean read(InodeId inode, long offset, ByteBuffer target, boolean mayBlock) {
        int limit = target.limit();
        long deadlineNs = deadline();
        FilePages file = pages(inode);
        long at = offset;
        while (target.hasRemaining()) {
            // In pieces, so that no reader needs more of the cache at once than a run; what must
            // not
            // wait is answered whole or not at all.
            int piece = mayBlock ? Math.min(target.remaining(), pieceAt(at)) : target.remaining();
            target.limit(target.position() + piece);
            boolean done = readPiece(file, at, target, mayBlock, deadlineNs);
            target.limit(limit);
            if (!done) {
                return false;
            }
            at += piece;
        }
        return true;
    }

    private boolean readPiece(
            FilePages first, long offset, ByteBuffer target, boolean mayBlock, long deadlineNs) {
        FilePages file = first;
        long from = RunSplitter.placeOf(offset);
        long end = RunSplitter.placeEnd(offset + target.remaining());
        boolean planned = false;
        boolean missed = false;
        for (; ; ) {
            ReadAhead.Window ahead = ReadAhead.Window.NONE;
            boolean present = false;
            file.lock.lock();
            try {
                if (!file.gone) {
                    present = file.firstMissing(from, end) == end;
                    if (!planned && (present || mayBlock)) {
                        ahead = readAhead.onRead(file.stream, from, end);
                        planned = true;
                    }
                    if (present) {
                        file.copyOut(offset, target);
                    }
                }
            } finally {
                file.lock.unlock();
            }
            if (!ahead.isEmpty()) {
                fetcher.ahead(file, ahead);
            }
            if (present) {
                if (!missed) {
                    statistics.onRead(true);
                }
                return true;
            }
            if (!mayBlock) {
                return false;
            }
            if (!missed) {
                statistics.onRead(false);
                missed = true;
            }
            if (file.gone) {
                file = pages(file.inode);
            } else {
                fetcher.fetch(file, from, end, deadlineNs);
                checkDeadline(deadlineNs, file);
            }
        }
    }

    private static void checkDeadline(long deadlineNs, FilePages file) {
        if (System.nanoTime() - deadlineNs >= 0) {
            throw new FsException(Errno.EIO, "reading " + file.inode + " took too long");
        }
    }

    @Override
    public boolean write(
            InodeId inode, long offset, ByteBuffer source, long sizeBefore, boolean mayBlock) {
        long deadlineNs = deadline();
        int limit = source.limit();
        long at = offset;
        long size = sizeBefore;
        if (!mayBlock && source.remaining() > pieceAt(offset)) {
            return false;
        }
        while (source.position() < limit) {
            int piece = Math.min(limit - source.position(), pieceAt(at));
            source.limit(source.position() + piece);
            try {
                if (!put(inode, at, source, size, mayBlock, deadlineNs)) {
                    return false;
                }
            } finally {
                source.limit(limit);
            }
            at += piece;
            size = Math.max(size, at);
        }
        return true;
    }

    private boolean put(
            InodeId inode,
            long offset,
            ByteBuffer source,
            long sizeBefore,
            boolean mayBlock,
            long deadlineNs) {
        for (; ; ) {
            switch (writeBuffer.put(
                    pages(inode), offset, source, sizeBefore, mayBlock, deadlineNs)) {
                case TAKEN -> {
                    return true;
                }
                case WOULD_WAIT -> {
                    return false;
                }
                case GONE -> checkDeadline(deadlineNs, pages(inode));
            }
        }
    }

    /** Bytes from here to the end of a full run that begins in this sector. */
    private static int pieceAt(long offset) {
        return RunSplitter.RUN_SECTORS_MAX * RunSplitter.SECTOR
                - (int) (offset & (RunSplitter.SECTOR - 1));
    }

    @Override
    public void readShared(InodeId inode, long offset, ByteBuffer target) {
        shared.read(inode, offset, target, deadline());
    }

    @Override
    public long writeShared(InodeId inode, long offset, ByteBuffer source, long sizeBefore) {
        return shared.write(inode, offset, source, sizeBefore, deadline());
    }

    @Override
    public long trimShared(InodeId inode, long from, long to) {
        return shared.trim(inode, from, to, deadline());
    }

    @Override
    public void flush(InodeId inode) {
        FilePages file = files.get(inode);
        if (file == null) {
            return;
        }
        FsException failure = flusher.flush(file, deadline());
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public long takeAllocatedDelta(InodeId inode) {
        FilePages file = files.get(inode);
        return file == null ? 0 : file.takeAllocatedDelta();
    }

    @Override
    public boolean hasAllocatedDelta(InodeId inode) {
        FilePages file = files.get(inode);
        return file != null && file.hasAllocatedDelta();
    }

    @Override
    public boolean isDirty(InodeId inode) {
        FilePages file = files.get(inode);
        return file != null && isDirty(file);
    }

    private static boolean isDirty(FilePages file) {
        file.lock.lock();
        try {
            return file.isDirty();
        } finally {
            file.lock.unlock();
        }
    }

    @Override
    public List<InodeId> dirtyInodes() {
        var dirty = new ArrayList<InodeId>();
        for (FilePages file : files.values()) {
            if (isDirty(file)) {
                dirty.add(file.inode);
            }
        }
        return dirty;
    }

    @Override
    public void truncate(InodeId inode, long oldSize, long newSize) {
        pinned(inode, file -> eraser.truncate(file, oldSize, newSize, deadline()));
    }

    @Override
    public void punch(InodeId inode, long from, long to) {
        pinned(inode, file -> eraser.punch(file, from, to, deadline()));
    }

    @Override
    public void trim(InodeId inode, long from, long to) {
        // The whole last sector: zeros behind an earlier end in it may have been dropped unsent.
        long end = RunSplitter.placeEnd(to) << RunSplitter.SECTOR_SHIFT;
        pinned(inode, file -> eraser.punch(file, from, end, deadline()));
    }

    @Override
    public long freeze(InodeId inode, long first, long end) {
        return seeker.allocated(pages(inode), first, end, ChunkIo.Use.FREEZE, deadline());
    }

    @Override
    public long allocated(InodeId inode, long first, long end) {
        return seeker.allocated(pages(inode), first, end, ChunkIo.Use.READ, deadline());
    }

    @Override
    public void replaced(InodeId inode, long first, long end) {
        pinned(inode, file -> eraser.replaced(file, first, end, deadline()));
    }

    @Override
    public long seek(InodeId inode, long offset, long size, boolean data) {
        return seeker.seek(pages(inode), offset, size, data, deadline());
    }

    @Override
    public List<HandOver> handOver(InodeId inode) {
        return Waits.await(io.handOver(inode), deadline(), "hand-over of " + inode).stream()
                .map(clean -> new HandOver(clean.chunk(), clean.hint()))
                .toList();
    }

    @Override
    public boolean isInDoubt(InodeId inode) {
        return io.isInDoubt(inode) || shared.isInDoubt(inode);
    }

    @Override
    public void forget(InodeId inode) {
        shared.forget(inode);
        boolean lost = remove(inode);
        if (lost) {
            throw new IllegalStateException(inode + " was forgotten with dirty bytes");
        }
    }

    @Override
    public boolean abandon(InodeId inode) {
        shared.forget(inode);
        return remove(inode);
    }

    /** Returns whether something dirty went with it. */
    private boolean remove(InodeId inode) {
        FilePages file = files.get(inode);
        boolean dirty = false;
        if (file != null) {
            var freed = new FrameList(0);
            int cleaned;
            file.lock.lock();
            try {
                dirty = file.isDirty();
                file.gone = true;
                cleaned = file.drop(0, Long.MAX_VALUE, freed);
                file.keys.clear();
                files.remove(inode, file);
            } finally {
                file.lock.unlock();
            }
            parts.cache().give(freed);
            room.release(cleaned);
        }
        io.forget(inode);
        return dirty;
    }

    /** Runs with pages that stay in place meanwhile. */
    private void pinned(InodeId inode, Consumer<FilePages> action) {
        FilePages file = pin(inode);
        try {
            action.accept(file);
        } finally {
            file.lock.lock();
            try {
                file.pins--;
            } finally {
                file.lock.unlock();
            }
        }
    }

    private FilePages pin(InodeId inode) {
        for (; ; ) {
            FilePages file = pages(inode);
            file.lock.lock();
            try {
                if (!file.gone) {
                    file.pins++;
                    return file;
                }
            } finally {
                file.lock.unlock();
            }
        }
    }

    /** Forgets some of the clean files when there are too many. */
    private void bound() {
        int surplus = files.size() - FILES_MAX;
        if (surplus <= 0) {
            return;
        }
        int left = surplus + FILES_MAX / 8;
        var freed = new FrameList(left);
        for (FilePages file : files.values()) {
            if (left == 0) {
                break;
            }
            if (file.lock.tryLock()) {
                try {
                    if (file.dropIfIdle(freed)) {
                        files.remove(file.inode, file);
                        left--;
                    }
                } finally {
                    file.lock.unlock();
                }
            }
        }
        parts.cache().give(freed);
    }

    private void onTick() {
        flusher.onTick();
        bound();
    }

    private FilePages pages(InodeId inode) {
        FilePages known = files.get(inode);
        return known != null
                ? known
                : files.computeIfAbsent(inode, id -> new FilePages(id, parts.pool()));
    }

    private long deadline() {
        return System.nanoTime() + parts.timeoutNs();
    }

    /**
     * Forgets clean bytes of an inode, but not its layouts: what a full cache does by itself. For
     * tests.
     */
    void forgetClean(InodeId inode) {
        FilePages file = pages(inode);
        var freed = new FrameList(0);
        file.lock.lock();
        try {
            for (PageBlock block : List.copyOf(file.blocks.values())) {
                var _ = file.dropIn(block, block.present & ~block.dirty, freed);
            }
        } finally {
            file.lock.unlock();
        }
        parts.cache().give(freed);
    }

    /** Stops ticking; what is dirty should have been flushed. */
    @Override
    public void close() {
        ticker.cancel(false);
        parts.ciphertexts().close();
    }
}

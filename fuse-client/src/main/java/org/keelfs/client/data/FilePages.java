package org.keelfs.client.data;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.FsException;
import org.keelfs.base.Invariant;
import org.keelfs.client.data.RunSplitter.ChunkRun;
import org.keelfs.model.InodeId;
import org.keelfs.model.SectorRun;

/**
 * The sectors of one file that are in memory, dirty and clean, with the transfers under way. All of
 * it guarded by {@link #lock}, which is held for copies in memory, never for I/O.
 */
final class FilePages {
    private static final int SECTOR = RunSplitter.SECTOR;
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(SECTOR).asReadOnlyBuffer();

    /**
     * Sectors fetched in vain to save a request: each costs a microsecond, a request some fifty.
     */
    private static final int FETCH_GAP_SECTORS = 16;

    final InodeId inode;
    final ReentrantLock lock = new ReentrantLock();
    final Map<Long, PageBlock> blocks = new HashMap<>(2);

    /** Blocks with a dirty sector, by number. */
    final TreeMap<Long, PageBlock> dirtyBlocks = new TreeMap<>();

    final Set<FlushOp> flushes = new LinkedHashSet<>(0);
    final List<FetchOp> fetches = new ArrayList<>(0);
    final ReadAhead.Stream stream = new ReadAhead.Stream();
    final KeyCache keys = new KeyCache();

    /** Operations that need these very pages to their end: not to be dropped for being idle. */
    int pins;

    /** Forgotten: whoever comes to the lock with it looks the inode up again. */
    volatile boolean gone;

    /** Since when something is dirty; meaningful while {@link #dirtyBlocks} is not empty. */
    long dirtySinceNs;

    /** Wholly dirty blocks since the last early flush. */
    int fullBlocks;

    /** A flush in the background is under way. */
    boolean inBackground;

    /** Waits in the flusher's queue. */
    boolean queuedEarly;

    /** Why the last write-back failed; null after a success. */
    @Nullable FsException failure;

    /** Not to be tried again in the background before. */
    long retryAtNs;

    /** Change in allocated sectors that nobody was told yet. */
    long allocatedDelta;

    private final FramePool pool;

    /** The block used last, if it is still one of {@link #blocks}: neighbours come in turn. */
    private @Nullable PageBlock lastBlock;

    FilePages(InodeId inode, FramePool pool) {
        this.inode = inode;
        this.pool = pool;
    }

    boolean isDirty() {
        return !dirtyBlocks.isEmpty() || !flushes.isEmpty();
    }

    boolean isPresent(long place) {
        PageBlock block = blocks.get(place >> PageBlock.SHIFT);
        return block != null && (block.present >>> (place & 63) & 1) != 0;
    }

    /** The first place of {@code [from, end)} that is not in memory, or {@code end}. */
    long firstMissing(long from, long end) {
        return scan(from, end, false);
    }

    /** The first place of {@code [from, end)} that is in memory, or {@code end}. */
    long firstPresent(long from, long end) {
        return scan(from, end, true);
    }

    /**
     * Where a fetch that begins at the missing place {@code at} should end: it brings few present
     * sectors again rather than being cut in two, but none that the nodes may have in doubt.
     */
    long fetchEnd(long at, long end) {
        long stop = firstPresent(at, end);
        while (stop < end) {
            long next = firstMissing(stop, end);
            if (next == end || next - stop > FETCH_GAP_SECTORS || !isClean(stop, next)) {
                return stop;
            }
            stop = firstPresent(next, end);
        }
        return stop;
    }

    private boolean isClean(long from, long end) {
        for (long at = from; at < end; at++) {
            PageBlock block = block(at);
            if (((block.dirty | block.flushing) >>> (at & 63) & 1) != 0) {
                return false;
            }
        }
        return true;
    }

    private long scan(long from, long end, boolean wanted) {
        for (long at = from; at < end; ) {
            PageBlock block = blocks.get(at >> PageBlock.SHIFT);
            long present = block == null ? 0 : block.present;
            long bits = (wanted ? present : ~present) >>> (at & 63);
            if (bits != 0) {
                return Math.min(end, at + Long.numberOfTrailingZeros(bits));
            }
            at = (at | 63) + 1;
        }
        return end;
    }

    PageBlock block(long place) {
        long number = place >> PageBlock.SHIFT;
        PageBlock last = lastBlock;
        if (last != null && last.number == number) {
            return last;
        }
        PageBlock found = blocks.computeIfAbsent(number, n -> new PageBlock(this, n));
        lastBlock = found;
        return found;
    }

    /** Fills the target from bytes that are all present. */
    void copyOut(long offset, ByteBuffer target) {
        @Nullable PageBlock block = null;
        while (target.hasRemaining()) {
            long place = RunSplitter.placeOf(offset);
            int within = (int) (offset & (SECTOR - 1));
            int length = Math.min(SECTOR - within, target.remaining());
            if (block == null || block.number != place >> PageBlock.SHIFT) {
                block = block(place);
                block.referenced = true;
            }
            int frame = block.frame((int) (place & 63));
            int at = target.position();
            if (frame == PageBlock.HOLE) {
                target.put(at, ZEROS, 0, length);
            } else {
                target.put(at, pool.slab(frame), FramePool.at(frame) + within, length);
            }
            target.position(at + length);
            offset += length;
        }
    }

    /**
     * Writes a part of one sector; all of it, or a part of one that is present or known to be zero.
     *
     * @param spare gives a frame where one is needed
     * @return dirty frames more than before: 0 or 1
     */
    int write(long place, int within, ByteBuffer source, int length, FrameList spare) {
        PageBlock block = block(place);
        int index = (int) (place & 63);
        long bit = 1L << index;
        boolean present = (block.present & bit) != 0;
        int old = present ? block.frame(index) : PageBlock.HOLE;
        boolean isShared = (block.shared & bit) != 0;
        int frame = old;
        if (old == PageBlock.HOLE || isShared) {
            frame = spare.remove();
            if (length < SECTOR) {
                fill(frame, old);
            }
            block.put(index, frame);
        }
        pool.slab(frame).put(FramePool.at(frame) + within, source, source.position(), length);
        source.position(source.position() + length);
        boolean wasDirty = (block.dirty & bit) != 0;
        block.shared &= ~bit;
        block.referenced = true;
        if (!wasDirty) {
            onDirty(block, bit);
        }
        return wasDirty && !isShared ? 0 : 1;
    }

    private void fill(int frame, int from) {
        ByteBuffer source = from == PageBlock.HOLE ? ZEROS : pool.slab(from);
        int at = from == PageBlock.HOLE ? 0 : FramePool.at(from);
        pool.slab(frame).put(FramePool.at(frame), source, at, SECTOR);
    }

    /**
     * Dirty sectors as they are now, a bit each by the number of their block, from the block of
     * this place on. Takes the lock.
     */
    NavigableMap<Long, Long> dirtyFrom(long place) {
        var sectors = new TreeMap<Long, Long>();
        lock.lock();
        try {
            dirtyBlocks
                    .tailMap(place >> PageBlock.SHIFT)
                    .forEach((number, block) -> sectors.put(number, block.dirty));
        } finally {
            lock.unlock();
        }
        return sectors;
    }

    /** Whether a sector was written again while its older bytes are on their way. */
    boolean hasRewrittenOnItsWay() {
        for (PageBlock block : dirtyBlocks.values()) {
            if ((block.dirty & block.flushing & ~block.shared) != 0) {
                return true;
            }
        }
        return false;
    }

    boolean hasFullBlock() {
        for (PageBlock block : dirtyBlocks.values()) {
            if (block.flushable() == -1L) {
                return true;
            }
        }
        return false;
    }

    /** Forgets what is clean; whether nothing is left that must be kept. */
    boolean dropIfIdle(FrameList freed) {
        boolean idle =
                pins == 0
                        && !isDirty()
                        && fetches.isEmpty()
                        && failure == null
                        && allocatedDelta == 0;
        if (idle) {
            var cleaned = drop(0, Long.MAX_VALUE, freed);
            Invariant.check(cleaned == 0, "an idle file has nothing dirty");
            gone = true;
        }
        return idle;
    }

    /** Takes the lock. */
    long takeAllocatedDelta() {
        lock.lock();
        try {
            long delta = allocatedDelta;
            allocatedDelta = 0;
            return delta;
        } finally {
            lock.unlock();
        }
    }

    /** Takes the lock. */
    boolean hasAllocatedDelta() {
        lock.lock();
        try {
            return allocatedDelta != 0;
        } finally {
            lock.unlock();
        }
    }

    private void onDirty(PageBlock block, long bit) {
        if (block.dirty == 0) {
            if (dirtyBlocks.isEmpty()) {
                dirtySinceNs = System.nanoTime();
            }
            dirtyBlocks.put(block.number, block);
        }
        block.dirty |= bit;
        if (block.dirty == -1L && block.flushing == 0) {
            fullBlocks++;
        }
    }

    /** Tells fetches under way that what they bring of these sectors is old. */
    void outdateFetches(long from, long end) {
        for (FetchOp fetch : fetches) {
            fetch.outdate(from, end);
        }
    }

    /**
     * Takes dirty runs for sending, in order, and marks them.
     *
     * @param onlyFull only whole blocks: the rest may yet be written again
     * @param sectorsMax stops after about so many
     */
    List<FlushOp> collect(RunSplitter splitter, boolean onlyFull, int sectorsMax) {
        var ops = new ArrayList<FlushOp>();
        long runFrom = 0;
        long runEnd = 0;
        int taken = 0;
        for (PageBlock block : dirtyBlocks.values()) {
            long flushable = block.flushable();
            if (onlyFull && flushable != -1L) {
                continue;
            }
            if (taken >= sectorsMax) {
                break;
            }
            taken += Long.bitCount(flushable);
            long base = block.number << PageBlock.SHIFT;
            for (int at = 0; flushable >>> at != 0 && at < PageBlock.SECTORS; ) {
                int from = at + Long.numberOfTrailingZeros(flushable >>> at);
                int end = from + Long.numberOfTrailingZeros(~(flushable >>> from));
                if (base + from != runEnd) {
                    addOps(splitter, runFrom, runEnd, ops);
                    runFrom = base + from;
                }
                runEnd = base + end;
                at = end;
                if (at >= PageBlock.SECTORS) {
                    break;
                }
            }
        }
        addOps(splitter, runFrom, runEnd, ops);
        fullBlocks = 0;
        if (!onlyFull) {
            // What stays dirty is on its way, or was written again since.
            dirtySinceNs = System.nanoTime();
        }
        return ops;
    }

    private void addOps(RunSplitter splitter, long from, long end, List<FlushOp> ops) {
        long at = from;
        for (ChunkRun where : splitter.split(from, end, RunSplitter.RUN_SECTORS_MAX)) {
            SectorRun run = where.run();
            int[] frames = new int[run.count()];
            for (int i = 0; i < frames.length; i++) {
                PageBlock block = block(at + i);
                int index = (int) ((at + i) & 63);
                frames[i] = block.frame(index);
                block.flushing |= 1L << index;
                block.shared |= 1L << index;
            }
            var op = new FlushOp(this, where, at, frames);
            flushes.add(op);
            ops.add(op);
            at += run.count();
        }
    }

    /**
     * Enters the outcome of a flush.
     *
     * @param freed frames that nothing holds any more
     * @return dirty frames less than before
     */
    int finish(FlushOp op, boolean stored, FrameList freed) {
        int cleaned = 0;
        for (int i = 0; i < op.count(); i++) {
            PageBlock block = block(op.from + i);
            long bit = 1L << ((op.from + i) & 63);
            block.flushing &= ~bit;
            if ((block.shared & bit) == 0) {
                freed.add(op.frames[i]);
                cleaned++;
            } else {
                block.shared &= ~bit;
                if (stored) {
                    block.dirty &= ~bit;
                    cleaned++;
                }
            }
            if (((op.from + i) & 63) == 63 || i == op.count() - 1) {
                settle(block);
            }
        }
        flushes.remove(op);
        return cleaned;
    }

    /**
     * Forgets sectors, dirty ones too. Those on their way keep their frames until {@link #finish}.
     *
     * @return dirty frames less than before
     */
    int drop(long from, long end, FrameList freed) {
        outdateFetches(from, end);
        int cleaned = 0;
        for (PageBlock block : List.copyOf(blocks.values())) {
            long base = block.number << PageBlock.SHIFT;
            if (base < end && from < base + PageBlock.SECTORS) {
                int first = (int) Math.max(0, from - base);
                int last = (int) Math.min(PageBlock.SECTORS, end - base);
                cleaned += dropIn(block, PageBlock.mask(first, last), freed);
            }
        }
        return cleaned;
    }

    /** The same in one block. */
    int dropIn(PageBlock block, long mask, FrameList freed) {
        int cleaned = Long.bitCount(block.dirty & ~block.shared & mask);
        for (long left = block.present & ~block.shared & mask; left != 0; left &= left - 1) {
            int frame = block.frame(Long.numberOfTrailingZeros(left));
            if (frame != PageBlock.HOLE) {
                freed.add(frame);
            }
        }
        block.forget(mask);
        settle(block);
        return cleaned;
    }

    private void settle(PageBlock block) {
        if (block.dirty == 0) {
            dirtyBlocks.remove(block.number, block);
        }
        if (block.isEmpty()) {
            blocks.remove(block.number, block);
            lastBlock = null;
        }
    }

    /** Laws of this structure; for tests. */
    void invariants() {
        blocks.values().forEach(PageBlock::invariants);
    }
}

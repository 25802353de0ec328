package org.keelfs.client.vfs;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.RankedLock;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;

/**
 * What this mount does with one inode: open handles, and, under a WRITE lease, the size and times
 * that the server does not know yet. All fields are guarded by {@link #lock} unless they say
 * otherwise; the lock is held over waits of the data path and of commands on this inode, never
 * while a lease is being got.
 */
final class FileState {
    final InodeId inode;

    /** A lease's lock comes before it: a grant holds that while it tells the file. */
    final RankedLock lock;

    private final Condition sent;
    private boolean sending;

    /* Handles and pin are changed without the lock where a recall does it: the lock may be held by who waits at the
     * server for that very recall. */
    private final AtomicInteger handles = new AtomicInteger();
    private final AtomicBoolean pinned = new AtomicBoolean();
    private volatile boolean pinAcknowledged;

    /** Changed under the lock, read by anybody. */
    private final AtomicInteger writableHandles = new AtomicInteger();

    private volatile boolean gone;

    /** Changed under the lock, read by anybody. */
    private final AtomicInteger cachedHandles = new AtomicInteger();

    private volatile boolean mapped;
    private final KernelPages pages = new KernelPages();

    /**
     * The size that readers see; of a file whose WRITE lease is held this is the truth. Volatile
     * for reads.
     */
    private volatile long size;

    /** How often the size became smaller; changed before the bytes behind it go. */
    private final AtomicInteger shrinks = new AtomicInteger();

    private volatile boolean owned;

    /** Made by this mount, and owned ever since: nobody else can have it open. */
    private volatile boolean madeHere;

    /** The session is gone, and the owner of the lock has not looked yet. */
    private volatile boolean lost;

    private volatile boolean bytesLost;
    private long mtimeNs;
    private boolean sizeUnsent;
    private boolean timesUnsent;
    private boolean killSuidGidUnsent;
    private long allocatedUnsent;

    /** What is on its way to the server and not yet in the attributes that it tells. */
    private volatile Unsent underWay = Unsent.NOTHING;

    /** The access time that the server does not know yet, 0 for none; of files not owned too. */
    private volatile long atimeNs;

    private boolean atimeUnsent;
    private long trimBound;

    /** Guarded by the object itself: the sender of commands tells of losses without this lock. */
    private int errorCount;

    private int errorsTold;
    private @Nullable Errno error;

    FileState(InodeId inode) {
        this.inode = inode;
        lock = new RankedLock("file state", 2, inode.value());
        sent = lock.newCondition();
    }

    // ---- handles ----

    /**
     * A new handle.
     *
     * @param cached whether the kernel may keep pages that it reads or writes through it
     */
    void onOpen(boolean writable, boolean cached) {
        handles.incrementAndGet();
        if (cached) {
            cachedHandles.incrementAndGet();
        }
        if (writable) {
            writableHandles.incrementAndGet();
        }
    }

    void onRelease(boolean writable, boolean cached) {
        handles.decrementAndGet();
        if (cached) {
            cachedHandles.decrementAndGet();
        }
        mapped &= handles.get() > 0;
        if (writable) {
            writableHandles.decrementAndGet();
        }
    }

    KernelPages pages() {
        return pages;
    }

    /** A page was filled although no handle is cached: somebody has mapped the file. Volatile. */
    void onMapped() {
        mapped = true;
    }

    /** Whether the kernel may hold pages of the file, or come to: then it cannot be SHARED. */
    boolean isCached() {
        return mapped || cachedHandles.get() > 0;
    }

    boolean isOpen() {
        return handles.get() > 0;
    }

    boolean isOpenForWriting() {
        return writableHandles.get() > 0;
    }

    boolean isPinned() {
        return pinned.get();
    }

    void pinned(boolean nowPinned) {
        pinAcknowledged = false;
        pinned.set(nowPinned);
    }

    /** The server has the pin. */
    void pinAcknowledged() {
        pinAcknowledged = pinned.get();
    }

    /**
     * Marks it pinned if it is open; without the lock. Returns whether the server is to be told:
     * also again, when another call that tells it has not been answered.
     */
    boolean pinIfOpen() {
        if (!isOpen() || gone) {
            return false;
        }
        if (!pinned.compareAndSet(false, true)) {
            return !pinAcknowledged;
        }
        // Closed in between by who did not see the mark?
        return isOpen() || !pinned.compareAndSet(true, false);
    }

    /** The inode has no name and nobody but this mount may hold it. */
    void markGone() {
        gone = true;
    }

    boolean isGone() {
        return gone;
    }

    // ---- under WRITE ----

    /** Whether size and times here are the truth; volatile. */
    boolean isOwned() {
        return owned;
    }

    /** The WRITE lease was granted, or renewed by a fresh grant, with these attributes. */
    void own(Attributes attributes, long serverTrimBound) {
        if (!owned) {
            size = attributes.size();
            mtimeNs = attributes.mtimeNs();
            trimBound = serverTrimBound;
            owned = true;
        }
    }

    /** This mount has just made it, with these attributes; nobody else knows it. */
    void ownMade(Attributes attributes) {
        own(attributes, 0);
        madeHere = true;
    }

    /**
     * Whether nobody but this mount can have it open. Of any other file another mount may see the
     * bytes after the last name is gone.
     */
    boolean isMadeHere() {
        return madeHere && owned;
    }

    /** The WRITE lease is gone; what was not sent is lost with it. */
    void disown() {
        owned = false;
        madeHere = false;
        sizeUnsent = false;
        timesUnsent = false;
        killSuidGidUnsent = false;
        allocatedUnsent = 0;
        trimBound = 0;
        underWay = Unsent.NOTHING;
        dropAccess();
    }

    /** The file was read; the server learns it some time. */
    void onAccess(long nowNs) {
        atimeNs = nowNs;
        atimeUnsent = true;
    }

    /** Reads that were not told are overtaken, by utimensat(2) or by who has the lease now. */
    void dropAccess() {
        atimeNs = 0;
        atimeUnsent = false;
    }

    boolean hasUnsentAccess() {
        return atimeUnsent;
    }

    /**
     * The session is gone and the lease with it. Without the lock: whoever holds it may wait for
     * the server, which answers only the next session. From here on it owns nothing; {@link
     * #settleLoss} does the rest.
     */
    void lose() {
        owned = false;
        madeHere = false;
        lost = true;
    }

    /** Bytes were lost with the session; without the lock. */
    void loseBytes() {
        bytesLost = true;
        lost = true;
    }

    /** What a lost session leaves to be done; by whoever gets or gives back the lock. */
    void settleLoss() {
        if (!lost) {
            return;
        }
        lost = false;
        if (!owned) {
            disown();
        }
        if (bytesLost) {
            bytesLost = false;
            onError(Errno.EIO);
        }
    }

    /** Volatile; meaningful while {@link #isOwned}. */
    long size() {
        return size;
    }

    /** Up to where the nodes may hold bytes behind the size. */
    long trimBound() {
        return trimBound;
    }

    void trimmed() {
        trimBound = 0;
    }

    void onWrite(long end, long nowNs, boolean killSuidGid) {
        if (end > size) {
            size = end;
            sizeUnsent = true;
        }
        mtimeNs = nowNs;
        timesUnsent = true;
        killSuidGidUnsent |= killSuidGid;
    }

    /**
     * Counts truncations: a reader that took the size before one, and the bytes after it, would
     * show zeros that were never there.
     */
    int shrinks() {
        return shrinks.get();
    }

    /** A truncation or extension that the server has carried out; it dropped whole chunks. */
    void onResized(long newSize, long newMtimeNs, int chunkBytes) {
        if (newSize < size) {
            long chunks = FileSize.chunks(newSize, chunkBytes);
            long chunkEnd = chunks == 0 ? 0 : FileSize.chunkEnd(chunks - 1, chunkBytes);
            trimBound = Math.min(Math.max(trimBound, size), chunkEnd);
            size = newSize;
            shrinks.incrementAndGet();
        }
        size = newSize;
        sizeUnsent = false;
        mtimeNs = newMtimeNs;
        timesUnsent = false;
    }

    /**
     * Chunks of another file took the place of some; the server knows the size and the times.
     *
     * @param bound up to where the last of them may hold bytes behind the size
     */
    void onCloned(long newSize, long newMtimeNs, long bound) {
        size = newSize;
        mtimeNs = newMtimeNs;
        long reach = Math.max(trimBound, bound);
        trimBound = reach > newSize ? reach : 0;
    }

    /** Times were set at the server: what was not sent of them is overtaken. */
    void onTimesSet(long newMtimeNs) {
        mtimeNs = newMtimeNs;
        timesUnsent = false;
    }

    void addAllocated(long delta) {
        allocatedUnsent += delta;
    }

    /** Counts no more sectors than these, of which the server knows so many. */
    void limitAllocated(long knownSectors, long sectorsMax) {
        allocatedUnsent -= Math.max(0, knownSectors + allocatedUnsent - sectorsMax);
    }

    boolean hasUnsent() {
        return sizeUnsent
                || timesUnsent
                || killSuidGidUnsent
                || allocatedUnsent != 0
                || atimeUnsent;
    }

    /** Size or anything else that fdatasync(2) needs to find the data again. */
    boolean hasUnsentSize() {
        return sizeUnsent;
    }

    /** Whether a batch with this inode's size and times is on its way to the server. */
    boolean isSending() {
        return sending;
    }

    void sending(boolean nowSending) {
        sending = nowSending;
        if (!nowSending) {
            arrived();
            sent.signalAll();
        }
    }

    /** What was under way is in the server's attributes now, or was given back. */
    void arrived() {
        underWay = Unsent.NOTHING;
        if (!atimeUnsent) {
            atimeNs = 0;
        }
    }

    /**
     * Waits until what is on its way has arrived, so that the next command about the inode follows
     * it.
     */
    void awaitSent() {
        while (sending) {
            sent.awaitUninterruptibly();
        }
    }

    /** What is to be sent, which counts as sent from now on. */
    Unsent takeUnsent() {
        var unsent =
                new Unsent(
                        sizeUnsent ? size : 0,
                        timesUnsent ? mtimeNs : 0,
                        atimeUnsent ? atimeNs : 0,
                        allocatedUnsent,
                        killSuidGidUnsent);
        underWay = unsent;
        atimeUnsent = false;
        sizeUnsent = false;
        timesUnsent = false;
        killSuidGidUnsent = false;
        allocatedUnsent = 0;
        return unsent;
    }

    boolean hasUnsentKill() {
        return killSuidGidUnsent;
    }

    /** Only that setuid and setgid were cleared, in front of a chmod. */
    Unsent takeUnsentKill() {
        killSuidGidUnsent = false;
        underWay = new Unsent(0, 0, 0, 0, true);
        return underWay;
    }

    /** It could not be sent. */
    void giveBack(Unsent unsent) {
        sizeUnsent |= unsent.size > 0;
        timesUnsent |= unsent.mtimeNs != 0;
        atimeUnsent |= unsent.atimeNs != 0;
        killSuidGidUnsent |= unsent.killSuidGid;
        allocatedUnsent += unsent.allocatedDelta;
    }

    /** Changes that the server does not know; 0 and false leave a thing as it is. */
    record Unsent(long size, long mtimeNs, long atimeNs, long allocatedDelta, boolean killSuidGid) {
        static final Unsent NOTHING = new Unsent(0, 0, 0, 0, false);
    }

    /** Attributes of the server with what it does not know yet laid over them. */
    Attributes overlay(Attributes known) {
        long read = atimeNs;
        long atime = read == 0 ? known.atimeNs() : Math.max(read, known.atimeNs());
        if (!owned) {
            return atime == known.atimeNs() ? known : withAccess(known, atime);
        }
        Unsent sentNow = underWay;
        boolean newer = mtimeNs != 0 && (timesUnsent || sentNow.mtimeNs != 0);
        boolean kills = killSuidGidUnsent || sentNow.killSuidGid;
        long allocated = known.allocatedSectors() + allocatedUnsent + sentNow.allocatedDelta;
        return new Attributes(
                known.inode(),
                known.type(),
                kills ? withoutSuidGid(known.mode()) : known.mode(),
                known.uid(),
                known.gid(),
                known.linkCount(),
                known.rdev(),
                known.isRegular() ? size : known.size(),
                Math.max(0, allocated),
                atime,
                newer ? mtimeNs : known.mtimeNs(),
                newer ? Math.max(mtimeNs, known.ctimeNs()) : known.ctimeNs(),
                known.btimeNs(),
                known.flags(),
                known.version());
    }

    private static Attributes withAccess(Attributes known, long atimeNs) {
        return new Attributes(
                known.inode(),
                known.type(),
                known.mode(),
                known.uid(),
                known.gid(),
                known.linkCount(),
                known.rdev(),
                known.size(),
                known.allocatedSectors(),
                atimeNs,
                known.mtimeNs(),
                known.ctimeNs(),
                known.btimeNs(),
                known.flags(),
                known.version());
    }

    /** setuid goes, and setgid where the group may execute (write(2)). */
    private static int withoutSuidGid(int mode) {
        int left = mode & ~0x800;
        return (left & 0x8) != 0 ? left & ~0x400 : left;
    }

    // ---- errors of write-back ----

    synchronized void onError(Errno errno) {
        errorCount++;
        error = errno;
    }

    /** What a handle that was told so many errors has not been told yet, or null. */
    synchronized @Nullable Errno errorAfter(int toldCount) {
        return toldCount == errorCount ? null : error;
    }

    /** fsync(2) tells a handle all errors so far; how many those are. */
    synchronized int tellErrors() {
        errorsTold = errorCount;
        return errorCount;
    }

    /**
     * What a new handle counts as told: all errors, but for those that nobody was told, as
     * errseq_sample of Linux has it.
     */
    synchronized int errorsToldBefore() {
        return errorsTold;
    }

    /** Nothing that needs to be remembered. */
    boolean isIdle() {
        return !isOpen() && !owned && !isPinned() && !sending && !hasUnsent();
    }
}

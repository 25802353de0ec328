package org.keelfs.client.vfs;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.StampedLock;

/**
 * Keeps writes that go past the kernel's pages of a file from being undone by them.
 *
 * <p>A handle without cache writes here directly, while another program has the file mapped. The
 * kernel drops the pages before it sends the write; but a page that is filled between that and the
 * write has the old bytes, and a store into it brings them back with the whole page. (mmap(2)
 * beside O_DIRECT is like that on Linux; here it would be so for write(2) of a file that several
 * mounts use.) So the pages are dropped once more, and the write is done only if none was filled
 * since.
 *
 * <p>Both sides use a lease when they come here, and while they are here they wait for nobody who
 * waits for it.
 */
final class KernelPages {
    /** A program may store into the page without a pause: then a write goes on all the same. */
    static final long ROUNDS_NS = 1_000_000_000L;

    /** Read: pages are being filled. Write: bytes change past the pages. */
    private final StampedLock lock = new StampedLock();

    private final AtomicLong fills = new AtomicLong();

    /** Number of fills that have begun. */
    long fills() {
        return fills.get();
    }

    /** Returns what {@link #endFill} takes. */
    long beginFill(Call call) {
        long stamp = lock.tryReadLock();
        if (stamp == 0) {
            call.beforeWait();
            stamp = lock.readLock();
        }
        fills.incrementAndGet();
        return stamp;
    }

    void endFill(long stamp) {
        lock.unlockRead(stamp);
    }

    /**
     * Until {@link #endWrite} no page is filled.
     *
     * @param asOf number of fills before the pages were dropped; negative: it does not matter
     * @return what {@link #endWrite} takes; 0, with nothing to end, when there were more since
     */
    long beginWrite(Call call, long asOf) {
        long stamp = lock.tryWriteLock();
        if (stamp == 0) {
            call.beforeWait();
            stamp = lock.writeLock();
        }
        if (asOf < 0 || fills.get() == asOf) {
            return stamp;
        }
        lock.unlockWrite(stamp);
        return 0;
    }

    void endWrite(long stamp) {
        lock.unlockWrite(stamp);
    }
}

package org.keelfs.client.vfs;

import org.keelfs.model.Caller;

/**
 * One operation as an adapter asks it: who asks, whether the thread may wait, and whether the asker
 * gave up.
 *
 * <p>Operations first run on the adapter's reader thread with {@link #mayBlock()} false. One that
 * would have to wait throws {@link WouldBlock} before it has changed anything; the adapter then
 * runs it again on a virtual thread with {@code mayBlock()} true. There, an interrupt of the thread
 * (FUSE_INTERRUPT) ends the wait with EINTR.
 *
 * @param caller who asks
 * @param pid process id for messages and locks, 0 if unknown
 * @param umask of the caller, for creating calls
 * @param mayBlock whether this thread may wait
 */
public record Call(Caller caller, int pid, int umask, boolean mayBlock) {
    /** The same call on a thread that may wait. */
    public Call blocking() {
        return new Call(caller, pid, umask, true);
    }

    /**
     * Called in front of everything that can wait. Throws {@link WouldBlock} on a reader thread.
     */
    public void beforeWait() {
        if (!mayBlock) {
            throw new WouldBlock();
        }
    }
}

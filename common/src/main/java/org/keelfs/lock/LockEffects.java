package org.keelfs.lock;

import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/**
 * What the lock table wants done: plain enqueues, carried out by the driver after the input. All
 * messages may be lost: sessions that wait ask again from time to time.
 */
public interface LockEffects {
    /** Ask the session to hand over the locks that it has granted. */
    void recall(SessionId holder, InodeId inode);

    /** The session asked while another had the delegation: now it may ask again. */
    void askAgain(SessionId session, InodeId inode);

    /**
     * A wait of the session is over.
     *
     * @param granted it has the lock; else asking again tells why not
     */
    void waitEnded(SessionId session, InodeId inode, long waiter, boolean granted);

    /** Others need what this session holds: if it is silent it is not to be kept for long. */
    void wanted(SessionId holder);

    /** The session keeps a delegation for so long that it has to go. */
    void evict(SessionId session, String why);
}

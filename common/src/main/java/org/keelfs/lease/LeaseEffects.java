package org.keelfs.lease;

import java.util.List;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/**
 * What the lease table wants done: plain enqueues, carried out by the driver in this order, before
 * its next input. None calls back into the table.
 */
public interface LeaseEffects {
    /**
     * Ask the holder for this generation back; it may keep {@code keep}. May come again for the
     * same one.
     */
    void recall(SessionId holder, InodeId inode, long generation, LeaseMode keep);

    /**
     * The request goes on now.
     *
     * @param leases one for each need of the request, in its order; NONE for CLEAR
     */
    void granted(long token, List<LeaseState> leases);

    /** The request's session is gone or going. */
    void refused(long token);

    /**
     * Record durably that the session is over, then call {@link LeaseTable#onEvicted}: only then
     * its leases go to others.
     *
     * @param why for the log
     */
    void evict(SessionId session, String why);
}

package org.keelfs.client.meta;

import org.keelfs.wire.proto.MetadataProto.LockNoticeRequest;
import org.keelfs.wire.proto.MetadataProto.Recall;

/** Told what happens to the session; on threads that may wait. */
public interface SessionListener {
    /** The server wants a lease back. Called on a virtual thread of its own. */
    void onRecall(Recall recall);

    /** About file locks. Called on a virtual thread of its own. */
    void onLockNotice(LockNoticeRequest notice);

    /**
     * The session is gone: evicted or unknown. All leases are lost; a new session is opened after
     * this.
     */
    void onSessionLost();

    /**
     * A new session begins.
     *
     * @param leaseFloor grants up to this generation are not its own, however late they come
     */
    void onSessionOpened(long leaseFloor);

    /** The server restarted: what was held must be reclaimed within its grace period. */
    void onServerRestarted();
}

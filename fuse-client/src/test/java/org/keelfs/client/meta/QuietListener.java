package org.keelfs.client.meta;

import org.keelfs.wire.proto.MetadataProto.LockNoticeRequest;
import org.keelfs.wire.proto.MetadataProto.Recall;

/** Whom nothing that happens to the session concerns. */
public class QuietListener implements SessionListener {
    @Override
    public void onRecall(Recall recall) {}

    @Override
    public void onLockNotice(LockNoticeRequest notice) {}

    @Override
    public void onSessionLost() {}

    @Override
    public void onSessionOpened(long leaseFloor) {}

    @Override
    public void onServerRestarted() {}
}

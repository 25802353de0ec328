package org.keelfs.lease;

import java.util.List;
import org.keelfs.model.InodeId;

/** A request in the lease table, which owns it. */
final class LeaseRequest {
    final long token;
    final LeaseSession session;
    final List<LeaseNeed> needs;

    /** Its place in every queue that it waits in: the arrival, or below zero when it is urgent. */
    long order;

    LeaseRequest(long token, LeaseSession session, List<LeaseNeed> needs, long order) {
        this.token = token;
        this.session = session;
        this.needs = needs;
        this.order = order;
    }

    /**
     * Grants nothing, but holds others off until it is applied. One that touches nothing is one
     * too.
     */
    boolean isCommand() {
        return needs.stream().allMatch(need -> need.kind().isCommand());
    }

    boolean isUrgent() {
        return order < 0;
    }

    /** Before all that are not urgent, in the order of arrival among themselves. */
    void makeUrgent() {
        order = Long.MIN_VALUE + order;
    }

    LeaseNeed.Kind kindFor(InodeId inode) {
        for (LeaseNeed need : needs) {
            if (need.inode().equals(inode)) {
                return need.kind();
            }
        }
        throw new IllegalArgumentException("the request does not need " + inode);
    }
}

package org.keelfs.client.namespace;

import java.util.List;
import org.keelfs.base.Errno;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;

/** What the writer needs of the VFS core. None of these may wait for a lock of an operation. */
public interface NamespaceEvents {
    /** An inode exists from now on, and this mount holds WRITE on it. Under the writer's lock. */
    void onMade(Attributes attributes);

    /** Brings all bytes of a file to the nodes; waits. Throws what write-back met. */
    void flush(InodeId file);

    /** Commands that concerned these inodes were answered to programs, and are lost. */
    void onLost(List<InodeId> inodes, Errno why);
}

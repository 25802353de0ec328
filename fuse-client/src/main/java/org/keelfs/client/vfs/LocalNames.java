package org.keelfs.client.vfs;

import java.util.List;
import org.keelfs.base.Errno;
import org.keelfs.client.namespace.NamespaceEvents;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;

/** What the writer of commands needs of the files of this mount. Waits for no state's lock. */
final class LocalNames implements NamespaceEvents {
    private final VfsContext vfs;

    LocalNames(VfsContext vfs) {
        this.vfs = vfs;
    }

    /** Nobody else knows the inode yet, so its state's lock is free. */
    @Override
    public void onMade(Attributes attributes) {
        if (attributes.isRegular()) {
            vfs.files()
                    .with(
                            attributes.inode(),
                            state -> {
                                state.ownMade(attributes);
                                return state;
                            });
        }
    }

    @Override
    public void flush(InodeId file) {
        vfs.data().flush(file);
    }

    @Override
    public void onLost(List<InodeId> inodes, Errno why) {
        for (InodeId inode : inodes) {
            FileState state = vfs.files().ifPresent(inode);
            if (state != null) {
                state.onError(why);
            }
        }
    }
}

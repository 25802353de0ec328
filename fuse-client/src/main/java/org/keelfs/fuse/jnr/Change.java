package org.keelfs.fuse.jnr;

import org.jspecify.annotations.Nullable;
import org.keelfs.client.vfs.AttributeChange;

/**
 * Puts an {@link AttributeChange} together from what one of libfuse's callbacks changes. Used by
 * one thread.
 */
final class Change {
    private @Nullable Integer mode;
    private @Nullable Integer uid;
    private @Nullable Integer gid;
    private @Nullable Long size;
    private @Nullable Long atimeNs;
    private @Nullable Long mtimeNs;
    private long handle;
    private boolean killSuidGid;

    Change mode(int bits) {
        mode = bits;
        return this;
    }

    /**
     * A change of owner clears setuid bits, as chown(2) does; libfuse 2 leaves that to the file
     * system.
     */
    Change owner(@Nullable Integer newUid, @Nullable Integer newGid) {
        uid = newUid;
        gid = newGid;
        killSuidGid = true;
        return this;
    }

    Change size(long bytes, long ofHandle) {
        size = bytes;
        handle = ofHandle;
        return this;
    }

    Change times(@Nullable Long newAtimeNs, @Nullable Long newMtimeNs) {
        atimeNs = newAtimeNs;
        mtimeNs = newMtimeNs;
        return this;
    }

    AttributeChange build() {
        return new AttributeChange(
                mode, uid, gid, size, atimeNs, mtimeNs, null, handle, killSuidGid);
    }
}

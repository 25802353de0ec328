package org.keelfs.client.vfs;

import org.jspecify.annotations.Nullable;

/**
 * What setattr is to change; null leaves a thing as it is.
 *
 * @param mode permission bits (low 12)
 * @param size new size in bytes: truncation or extension
 * @param atimeNs nanoseconds since 1970; {@link #NOW} for the daemon's clock
 * @param mtimeNs likewise
 * @param ctimeNs likewise
 * @param handle open handle through which a truncation came (ftruncate), 0 for none
 * @param killSuidGid clear setuid, and setgid of a group-executable file, as FATTR_KILL_SUIDGID
 *     asks
 */
public record AttributeChange(
        @Nullable Integer mode,
        @Nullable Integer uid,
        @Nullable Integer gid,
        @Nullable Long size,
        @Nullable Long atimeNs,
        @Nullable Long mtimeNs,
        @Nullable Long ctimeNs,
        long handle,
        boolean killSuidGid) {
    /** In place of a time: the time at which the daemon does it. */
    public static final long NOW = Long.MIN_VALUE;
}

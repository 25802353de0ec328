package org.keelfs.fuse.kernel;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * How a file system is mounted; {@link #DEFAULTS} is good for most.
 *
 * @param source what the first column of /proc/mounts shows
 * @param allowOther other users than the mounting one may use it (allow_other; ordinary users need
 *     user_allow_other in /etc/fuse.conf)
 * @param defaultPermissions the kernel checks mode bits and owners
 * @param flags options of mount(8)
 * @param acl POSIX ACLs: the file system stores system.posix_acl_* xattrs and applies default ACLs
 *     and umask
 * @param readers threads that read requests; 0: twice the processors, at least 4
 * @param writeBytesMax largest WRITE and READ; a multiple of 4096
 * @param movedBytesMax memory for requests and replies of 128 KiB or more that wait
 * @param readAheadKb the kernel's read-ahead, set where the mounting process is root; 0 leaves the
 *     system's 128
 * @param locks fcntl(2) and flock(2) locks go to the file system instead of staying in this kernel
 * @param ownDirectories directories that this process needs to run (stores, logs): a mount point
 *     may not contain them
 */
public record MountOptions(
        String source,
        boolean allowOther,
        boolean defaultPermissions,
        Set<MountFlag> flags,
        boolean acl,
        int readers,
        int writeBytesMax,
        long movedBytesMax,
        int readAheadKb,
        boolean locks,
        List<Path> ownDirectories) {
    /** 1 MiB: what the kernel takes without a sysctl (256 pages). */
    public static final int WRITE_BYTES_MAX = 1 << 20;

    public static final MountOptions DEFAULTS = new Builder().build();

    public MountOptions {
        ownDirectories = List.copyOf(ownDirectories);
        flags = Set.copyOf(flags);
        if (writeBytesMax < 4096 || writeBytesMax > WRITE_BYTES_MAX || writeBytesMax % 4096 != 0) {
            throw new IllegalArgumentException(
                    "writeBytesMax must be a multiple of 4096 up to 1 MiB, not " + writeBytesMax);
        }
    }

    /**
     * Twice the processors, because a reader that copies a large reply leaves its processor's queue
     * alone.
     */
    int readersOrDefault() {
        return readers > 0 ? readers : Math.max(4, 2 * Runtime.getRuntime().availableProcessors());
    }

    /** Begins with {@link #DEFAULTS}. */
    public static Builder builder() {
        return new Builder();
    }

    /** What differs from the defaults; see the components. Confined to who builds. */
    public static final class Builder {
        private String source = "keelfs";
        private boolean allowOther = true;
        private Set<MountFlag> flags = Set.of();
        private boolean acl = true;
        private int readers;
        private long movedBytesMax = 64L << 20;
        private int readAheadKb = 4096;
        private boolean locks;
        private List<Path> ownDirectories = List.of();

        private Builder() {}

        public Builder source(String value) {
            source = value;
            return this;
        }

        public Builder allowOther(boolean value) {
            allowOther = value;
            return this;
        }

        public Builder flags(Set<MountFlag> value) {
            flags = value;
            return this;
        }

        public Builder acl(boolean value) {
            acl = value;
            return this;
        }

        public Builder readers(int value) {
            readers = value;
            return this;
        }

        public Builder movedBytesMax(long value) {
            movedBytesMax = value;
            return this;
        }

        public Builder readAheadKb(int value) {
            readAheadKb = value;
            return this;
        }

        public Builder locks(boolean value) {
            locks = value;
            return this;
        }

        public Builder ownDirectories(List<Path> value) {
            ownDirectories = value;
            return this;
        }

        /** The options. */
        public MountOptions build() {
            return new MountOptions(
                    source,
                    allowOther,
                    true,
                    flags,
                    acl,
                    readers,
                    WRITE_BYTES_MAX,
                    movedBytesMax,
                    readAheadKb,
                    locks,
                    ownDirectories);
        }
    }

    /** The flags as words, in the order of mount(8)'s own output. */
    public List<String> words() {
        var words = new ArrayList<String>();
        words.add(flags.contains(MountFlag.RO) ? MountFlag.RO.word() : "rw");
        for (MountFlag flag : MountFlag.values()) {
            if (flag != MountFlag.RO && flags.contains(flag)) {
                words.add(flag.word());
            }
        }
        return words;
    }
}

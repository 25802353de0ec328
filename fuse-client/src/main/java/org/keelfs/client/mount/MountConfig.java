package org.keelfs.client.mount;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.keelfs.client.vfs.AccessRule;
import org.keelfs.config.Setting;
import org.keelfs.fuse.kernel.MountFlag;

/** Settings of one mount. */
public record MountConfig(
        @Setting(doc = "Volume to mount") String volume,
        @Setting(doc = "Host of the metadata server", value = "127.0.0.1") String metadataHost,
        @Setting(doc = "Port of the metadata server") int metadataPort,
        @Setting(doc = "Certificate of the cluster's authority (PEM)") Path ca,
        @Setting(doc = "Certificate of this client (PEM)") Path cert,
        @Setting(doc = "Private key of this client (PEM)") Path key,
        @Setting(doc = "File with the volume's password in its first line") Path passwordFile,
        @Setting(doc = "Directory for the identity of this mount and its lock") Path stateDir,
        @Setting(
                        doc = "Bytes that may wait for write-back; writers wait above it",
                        value = "134217728")
                long writeBufferBytes,
        @Setting(doc = "Bytes of decrypted sectors kept for reading", value = "134217728")
                long cleanCacheBytes,
        @Setting(
                        doc = "Read-ahead of the kernel, KiB; needs root, 0 leaves the system's",
                        value = "4096")
                int readAheadKb,
        @Setting(doc = "Adapter to the kernel: kernel or jnr", value = "kernel") String adapter,
        @Setting(doc = "Let other users in (allow_other)", value = "true") boolean allowOther,
        @Setting(doc = "POSIX access control lists", value = "true") boolean acl,
        @Setting(doc = "Mount read-only", value = "false") boolean ro,
        @Setting(doc = "Ignore setuid and setgid bits of programs", value = "false") boolean nosuid,
        @Setting(doc = "Device nodes cannot be opened", value = "false") boolean nodev,
        @Setting(doc = "Programs cannot be run", value = "false") boolean noexec,
        @Setting(doc = "Note no access times", value = "false") boolean noatime,
        @Setting(doc = "Note no access times of directories", value = "false") boolean nodiratime,
        @Setting(doc = "File locks count on all mounts; false: in this kernel only", value = "true")
                boolean locks,
        @Setting(doc = "Port for Prometheus on 127.0.0.1; 0 for none", value = "0") int metricsPort,
        @Setting(doc = "Time after which an operation ends with EIO, ms", value = "60000")
                long operationTimeoutMs,
        @Setting(doc = "Bound on the drift of clock rates over a lease term, ms", value = "5000")
                long leaseMarginMs,
        @Setting(doc = "Age at which written bytes are sent to the nodes, ms", value = "3000")
                long dirtyAgeMs,
        @Setting(
                        doc = "Inodes whose attributes are cached, about 1 kB of heap each",
                        value = "150000")
                long inodesMax,
        @Setting(
                        doc =
                                "Answer changes of names and attributes after the server's log"
                                        + " instead of under leases",
                        value = "false")
                boolean syncNamespace) {
    /** Four frames of 1 MiB: less could not keep one file moving. */
    private static final long BUFFER_BYTES_MIN = 4L << 20;

    /** The options of mount(8) that are on. */
    public Set<MountFlag> flags() {
        var flags = EnumSet.noneOf(MountFlag.class);
        add(flags, ro, MountFlag.RO);
        add(flags, nosuid, MountFlag.NOSUID);
        add(flags, nodev, MountFlag.NODEV);
        add(flags, noexec, MountFlag.NOEXEC);
        add(flags, noatime, MountFlag.NOATIME);
        add(flags, nodiratime, MountFlag.NODIRATIME);
        return flags;
    }

    private static void add(Set<MountFlag> flags, boolean on, MountFlag flag) {
        if (on) {
            flags.add(flag);
        }
    }

    /** Whose access times are kept; a mount that nobody writes to keeps none. */
    public AccessRule accessRule() {
        if (noatime || ro) {
            return AccessRule.NONE;
        }
        return nodiratime ? AccessRule.NOT_OF_DIRECTORIES : AccessRule.ALL;
    }

    public MountConfig {
        if (!adapter.equals("kernel") && !adapter.equals("jnr")) {
            throw new IllegalArgumentException(
                    "setting 'adapter': '" + adapter + "' is neither kernel nor jnr");
        }
        if (writeBufferBytes < BUFFER_BYTES_MIN || cleanCacheBytes < BUFFER_BYTES_MIN) {
            throw new IllegalArgumentException(
                    "write-buffer-bytes and clean-cache-bytes must be at least "
                            + BUFFER_BYTES_MIN);
        }
        if (operationTimeoutMs <= 0 || dirtyAgeMs <= 0 || leaseMarginMs < 0) {
            throw new IllegalArgumentException("times must be positive");
        }
    }
}

package org.keelfs.metrics;

/**
 * Names of what the processes measure, fixed so that dashboards survive changes of the code. Dots
 * become underscores in Prometheus; counters get {@code _total}, timers {@code _seconds}.
 */
public final class Metrics {
    /** Gauge: connections that are up, of both directions. */
    public static final String RPC_CONNECTIONS = "keelfs.rpc.connections";

    /** Gauge, bytes: requests taken and not answered yet. */
    public static final String RPC_UNANSWERED = "keelfs.rpc.unanswered.bytes";

    /** Counter of calls sent. */
    public static final String RPC_CALLS = "keelfs.rpc.calls";

    /** Counter of requests taken. */
    public static final String RPC_REQUESTS = "keelfs.rpc.requests";

    /** Counter of requests refused because of their sender's role. */
    public static final String RPC_REFUSED = "keelfs.rpc.refused";

    /** Counter of calls and requests that ended BUSY in the transport. */
    public static final String RPC_BUSY = "keelfs.rpc.busy";

    /** Counter of bytes of frames; tag {@link #TAG_KIND} in, out. */
    public static final String RPC_BYTES = "keelfs.rpc.bytes";

    /** Gauge, bytes: blocks of a buffer pool in use; tag {@link #TAG_POOL}. */
    public static final String BUFFER_USED = "keelfs.buffer.used.bytes";

    /** Gauge, bytes: budget of a buffer pool; tag {@link #TAG_POOL}. */
    public static final String BUFFER_BUDGET = "keelfs.buffer.budget.bytes";

    /** Timer of one fdatasync of the store's log. */
    public static final String STORE_SYNC = "keelfs.store.sync";

    /** Counter of bytes appended to the store's log. */
    public static final String STORE_APPENDED = "keelfs.store.appended.bytes";

    /** Gauge, bytes: space of the store's file system; tag {@link #TAG_KIND} total, free. */
    public static final String STORE_SPACE = "keelfs.store.space.bytes";

    /** Gauge: chunks that the store holds. */
    public static final String STORE_CHUNKS = "keelfs.store.chunks";

    /** Counter of sectors found damaged; tag {@link #TAG_KIND} read, scrub. */
    public static final String STORE_DAMAGED = "keelfs.store.damaged.sectors";

    /** Counter of namespace commands applied. */
    public static final String METADATA_COMMANDS = "keelfs.metadata.commands";

    /** Gauge: sessions that are open. */
    public static final String METADATA_SESSIONS = "keelfs.metadata.sessions";

    /** Gauge: leases that are held. */
    public static final String METADATA_LEASES = "keelfs.metadata.leases";

    /** Counter of leases recalled. */
    public static final String METADATA_RECALLS = "keelfs.metadata.recalls";

    /**
     * Counter of reads, in pieces of up to 1 MiB, that reached the mount; tag {@link #TAG_KIND}
     * hit, miss: all in memory or not.
     */
    public static final String MOUNT_READS = "keelfs.mount.reads";

    /** Gauge, bytes: decrypted sectors in memory, clean and dirty. */
    public static final String MOUNT_CACHED = "keelfs.mount.cached.bytes";

    /** Gauge, bytes: written by programs and not yet stored. */
    public static final String MOUNT_DIRTY = "keelfs.mount.dirty.bytes";

    /** Timer of one quorum round; tag {@link #TAG_KIND} seal, write, read. */
    public static final String QUORUM_ROUND = "keelfs.quorum.round";

    /** Tag: name of a buffer pool. */
    public static final String TAG_POOL = "pool";

    /** Tag: what a name is split by. */
    public static final String TAG_KIND = "kind";

    private Metrics() {}
}

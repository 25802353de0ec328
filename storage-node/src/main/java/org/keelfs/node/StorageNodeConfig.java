package org.keelfs.node;

import java.nio.file.Path;
import java.util.Set;
import org.keelfs.config.ConfigException;
import org.keelfs.config.Setting;
import org.keelfs.node.store.StoreOptions;

/** Configuration of one storage node. */
public record StorageNodeConfig(
        @Setting(doc = "Name of this node, unique in the cluster; also in its certificate")
                String name,
        @Setting(doc = "Directory of the store; created if it is not there") Path dataDir,
        @Setting(doc = "Address to listen on", value = "127.0.0.1") String host,
        @Setting(doc = "Port to listen on; 0 for a free one", value = "0") int port,
        @Setting(doc = "Address that clients are told; empty: the one listened on", value = "")
                String advertisedHost,
        @Setting(
                        doc = "Replicas of a chunk go to different racks where there are any",
                        value = "rack1")
                String rack,
        @Setting(doc = "Host of the metadata server", value = "127.0.0.1") String metadataHost,
        @Setting(doc = "Port of the metadata server") int metadataPort,
        @Setting(doc = "Certificate of the cluster's CA (PEM)") Path ca,
        @Setting(doc = "Certificate of this node (PEM)") Path cert,
        @Setting(doc = "Private key of this node (PEM, PKCS#8)") Path key,
        @Setting(
                        doc = "Port on 127.0.0.1 for GET /metrics; 0 for a free one, -1 for none",
                        value = "0")
                int metricsPort,
        @Setting(doc = "Threads that move bytes on the network", value = "2") int eventLoops,
        @Setting(doc = "Threads that read long runs from the log", value = "2") int readThreads,
        @Setting(doc = "Memory for replies with sectors, MiB", value = "32") int readBufferMib,
        @Setting(doc = "Memory for the run maps of chunks in use, MiB", value = "32")
                int indexMemoryMib,
        @Setting(doc = "Block cache of the index on disk, MiB", value = "8") int indexCacheMib,
        @Setting(doc = "Sectors received and not durable yet, MiB", value = "32") int inFlightMib,
        @Setting(doc = "Size of one file of the log, MiB; 16 at least", value = "64")
                int segmentMib,
        @Setting(doc = "Free disk space that is never given to sectors, MiB", value = "256")
                int reserveMib,
        @Setting(
                        doc =
                                "Log written since the last checkpoint that makes the next one due, MiB",
                        value = "256")
                int checkpointMib,
        @Setting(doc = "Most time between two checkpoints, ms", value = "60000") long checkpointMs,
        @Setting(
                        doc = "Bytes per second that the scrubber re-reads; 0 switches it off",
                        value = "8388608")
                long scrubBytesPerSecond) {
    private static final int SEGMENT_MIB_MIN = 16;
    private static final int SEGMENT_MIB_MAX = 1024;

    /** All addresses of this machine: to clients elsewhere they would mean their own. */
    private static final Set<String> WILDCARDS = Set.of("0.0.0.0", "::");

    public StorageNodeConfig {
        if (segmentMib < SEGMENT_MIB_MIN || segmentMib > SEGMENT_MIB_MAX) {
            throw new ConfigException(
                    "segment-mib must be " + SEGMENT_MIB_MIN + " to " + SEGMENT_MIB_MAX);
        }
        if (eventLoops < 1 || readThreads < 1 || readBufferMib < 4 || inFlightMib < 2) {
            throw new ConfigException(
                    "event-loops and read-threads must be 1 or more, read-buffer-mib 4, in-flight-mib 2");
        }
        if (advertisedHost.isEmpty() && WILDCARDS.contains(host)) {
            throw new ConfigException(
                    "host " + host + " needs advertised-host: the address that clients are told");
        }
    }

    /** What clients and the metadata server are told. */
    String reachableHost() {
        return advertisedHost.isEmpty() ? host : advertisedHost;
    }

    StoreOptions storeOptions() {
        return new StoreOptions(
                segmentMib << 20,
                (long) inFlightMib << 20,
                (long) checkpointMib << 20,
                checkpointMs,
                (long) reserveMib << 20,
                StoreOptions.DEFAULT.maintenanceMs());
    }
}

package org.keelfs.metadata;

import java.nio.file.Path;
import org.keelfs.config.ConfigException;
import org.keelfs.config.Setting;

/** Configuration of one metadata server. */
public record MetadataConfig(
        @Setting(doc = "Name of this server, also in its certificate", value = "metadata1")
                String name,
        @Setting(doc = "Address to listen on", value = "127.0.0.1") String host,
        @Setting(doc = "Port to listen on; 0 for a free one", value = "0") int port,
        @Setting(doc = "Port for Prometheus on 127.0.0.1; 0 for none", value = "0") int metricsPort,
        @Setting(doc = "Directory of the store; created if it is not there") Path dataDir,
        @Setting(doc = "Certificate of the cluster's authority (PEM)") Path ca,
        @Setting(doc = "Certificate of this server (PEM)") Path cert,
        @Setting(doc = "Private key of this server (PEM)") Path key,
        @Setting(doc = "Term of leases after a renewal, ms", value = "30000") int leaseTermMs,
        @Setting(doc = "Bound on the drift of clock rates over a lease term, ms", value = "5000")
                int leaseMarginMs,
        @Setting(doc = "How often mounts renew, ms", value = "5000") int renewMs,
        @Setting(
                        doc =
                                "A mount that renews but does not return a recalled lease is evicted after, ms",
                        value = "30000")
                int recallStallMs,
        @Setting(doc = "A silent mount in nobody's way is evicted after, ms", value = "600000")
                int abandonMs,
        @Setting(doc = "Leases of one mount; beyond it the oldest are recalled", value = "150000")
                int leasesPerSession,
        @Setting(doc = "How often storage nodes report, ms", value = "3000") int heartbeatMs,
        @Setting(doc = "Life of a capability, ms", value = "600000") int capabilityMs,
        @Setting(doc = "Memory for blocks of the store read from files, MiB", value = "32")
                int storeCacheMib,
        @Setting(doc = "Memory for rows not yet in sorted files, MiB", value = "24")
                int storeMemtableMib,
        @Setting(doc = "Log kept before rows are written to sorted files, MiB", value = "128")
                int storeLogMib,
        @Setting(doc = "Threads that move bytes on the network", value = "2") int eventLoops) {
    public MetadataConfig {
        if (leaseTermMs < 1
                || leaseMarginMs < 0
                || renewMs < 1
                || renewMs > leaseTermMs / 2
                || recallStallMs < 1
                || abandonMs < leaseTermMs + leaseMarginMs
                || leasesPerSession < 100
                || heartbeatMs < 1
                || capabilityMs < 1000) {
            throw new ConfigException(
                    "renew-ms must be at most half of lease-term-ms, abandon-ms at least term and"
                            + " margin, leases-per-session at least 100, times positive");
        }
        if (storeCacheMib < 1 || storeMemtableMib < 4 || storeLogMib < 4 || eventLoops < 1) {
            throw new ConfigException(
                    "store-cache-mib must be at least 1, store-memtable-mib and store-log-mib 4,"
                            + " event-loops 1");
        }
    }
}
